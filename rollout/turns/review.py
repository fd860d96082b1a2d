"""Reviews: what a record holds of one, and the text that clients show for it."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

UNREVIEWED: Final = "Reviewer failed to output a response."
"""What stands for a review without text."""

UNNAMED_REQUEST: Final = "Review requested."
"""What stands for a request that gives clients no text to show."""


class ReviewTarget(Struct, frozen=True):
    """What a review is about; only its kind is looked at."""

    type: Literal["uncommittedChanges", "baseBranch", "commit", "custom"]


class LineRange(Struct, frozen=True):
    """Lines of a finding, both ends included."""

    start: int
    end: int


class CodeLocation(Struct, frozen=True):
    """Where a finding is."""

    absolute_file_path: str
    line_range: LineRange


class Finding(Struct, frozen=True):
    """One of a review's findings."""

    title: str
    body: str
    confidence_score: float
    priority: int
    code_location: CodeLocation


class ReviewOutput(Struct, frozen=True):
    """What a reviewer put out."""

    findings: tuple[Finding, ...]
    overall_correctness: str
    overall_explanation: str
    overall_confidence_score: float


def review_text(output: ReviewOutput | None) -> str:
    """Return a review as one text: the explanation, then the findings with their places."""
    if output is None:
        return UNREVIEWED
    sections = [output.overall_explanation.strip()]
    if output.findings:
        title = "Full review comments:" if len(output.findings) > 1 else "Review comment:"
        findings = (_finding_text(finding) for finding in output.findings)
        sections.append("\n\n".join([title, *findings]).strip())
    return "\n\n".join(section for section in sections if section) or UNREVIEWED


def _finding_text(finding: Finding) -> str:
    place = finding.code_location
    lines = place.line_range
    title = f"- {finding.title} \N{EM DASH} {place.absolute_file_path}:{lines.start}-{lines.end}"
    body = finding.body.removesuffix("\n").split("\n") if finding.body else []
    return "\n".join([title, *("  " + line.removesuffix("\r") for line in body)])
