"""A moment of what `tools/hostile` does for long: hostile clients of a real server, over every transport."""

from __future__ import annotations

from pathlib import Path

import pytest
from attack_server import ATTACKS, attack
from hostility.lines import LINES
from hostility.scale import QUICK, Attack

MOMENT = QUICK._replace(line_bytes=72 << 20, burst=1_000, connections=100, halves=20, tries=60, mixed=2_000)
OVER = {
    "unix": list(ATTACKS),
    "ws": [*LINES, *(one for one in ATTACKS if one.over == ("ws",))],
    "stdio": [one for one in LINES if one.name in {"one line of a gigabyte", "nested too deeply"}],
}
"""What is the same over all transports is tried over one; `tools/hostile --quick` tries it over each."""


@pytest.mark.parametrize("transport", OVER)
def test_a_server_bears_hostile_clients(transport: str, tmp_path: Path) -> None:
    """It answers each message once, serves others as ever, and touches no file but its own."""
    assert attack(tmp_path, MOMENT, [transport], OVER[transport]) == []


def test_what_a_server_must_not_say_is_noticed(tmp_path: Path) -> None:
    """An attack that finds something is a failure, whatever it is over."""

    def finds_something(*_: object) -> str:
        raise AssertionError("a word of a file outside")

    found = attack(tmp_path, MOMENT, ["unix"], [Attack("a finding", finds_something)])
    assert found == ["a finding over unix: a word of a file outside"]
