"""Texts that look like an agent's work: requests, answers, commands and their outputs, from one seed."""

import base64
import random
from collections.abc import Callable

_NOUN_LINES = """\
parser cursor lease cache index writer ledger socket buffer schema retry timeout queue header offset
fixture session handler router token budget worker segment archive migration lockfile payload
"""
_VERB_LINES = """\
reads drops keeps rejects rewrites counts skips flushes retries returns locks validates merges pages
compares resolves truncates appends
"""
_NOUNS, _VERBS = _NOUN_LINES.split(), _VERB_LINES.split()
_HOWS = """\
twice
before the lock is taken
when the file is empty
on the second run
behind the header
in place
after the last newline
under load
only on Linux
once per page
without a warning
for every caller
""".splitlines()
_WISHES = """\
Find out why the {noun} {verb} {how}.
Please make the {noun} safe against a {other} that {verb} {how}.
Write a test which shows that the {noun} {verb} {how}.
Rename the {noun} and tell me what else {verb} {how}.
The {other} of yesterday is back: the {noun} {verb} {how}
""".splitlines()
_FACTS = """\
The {noun} {verb} {how}, so the {other} never sees it.
I changed `{noun}.py`: it now {verb} {how}.
- `{noun}_{other}` {verb} {how}; covered by a new test
Nothing else uses the {other}.
That leaves the {noun}, which {verb} {how}.
""".splitlines()
_LINES = """\
src/{noun}/{other}.py:{number}: in {noun}_{other}
    {noun} = self._{other}.take({number})
tests/test_{noun}.py::test_{other}_{verb} PASSED  [{percent:3d}%]
+        if {noun} is None or {noun}.size > {number}:
-        return {other}[{number}:]
{number:08x}  {noun}: {verb} {other} {how}
\tmodified:   src/{noun}/{other}.py
\x1b[32mok\x1b[0m {noun} {verb} "{other}" ({number} us)
""".splitlines()
_COMMANDS = """\
rg -n {noun} src | head -{percent}
python -m pytest -q tests/test_{noun}.py
sed -n '{number},+60p' src/{noun}/{other}.py
git diff --stat HEAD~{percent} -- src/{noun}
cat src/{noun}/{other}.py
""".splitlines()
_FOREIGN = """\
Könnte auch am Zeitlimit liegen, bitte prüfen.
次の手順に進みます。
✓ ≈ 3 µs 🚀
naïve façade, 5 €
""".splitlines()
_FOREIGN_LIKELIHOOD = 0.15


class Texts:
    """A seeded source of texts; equal seeds and calls give equal texts."""

    def __init__(self, seed: int) -> None:
        """Begin at `seed`."""
        self._random = random.Random(seed)

    def chance(self, likelihood: float) -> bool:
        """Return True as often as `likelihood` says."""
        return self._random.random() < likelihood

    def number(self, low: int, high: int) -> int:
        """Return a number from `low` to `high`."""
        return self._random.randint(low, high)

    def request(self, size: int) -> str:
        """Return what a user asks for, about `size` characters of it."""
        return self._grown(_WISHES, " ", self._about(size))

    def answer(self, size: int) -> str:
        """Return what the agent says."""
        return self._grown(_FACTS, "\n", self._about(size))

    def command(self) -> str:
        """Return one shell command."""
        return self._filled(_COMMANDS)

    def output(self, size: int) -> str:
        """Return what a command printed: paths, code, test results, some colour codes."""
        return self._grown(_LINES, "\n", self._about(size)) + "\n"

    def blob(self, size: int) -> str:
        """Return an opaque value, base64 of random bytes."""
        return base64.b64encode(self._random.randbytes(self._about(size) * 3 // 4)).decode()

    def uuid(self, at_ms: int) -> str:
        """Return a version 7 UUID of a time."""
        rest = self._random.getrandbits(74)
        value = at_ms << 80 | 0x7 << 76 | (rest >> 62) << 64 | 0x2 << 62 | rest & ((1 << 62) - 1)
        text = f"{value:032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def _about(self, size: int) -> int:
        """Return a size between a quarter and seven quarters of `size`: its mean is `size`."""
        return self._random.randint(size // 4, size * 7 // 4)

    def _grown(self, patterns: list[str], joint: str, size: int) -> str:
        pieces: list[str] = []
        while size > 0:
            piece = self._filled(patterns)
            pieces.append(piece)
            size -= len(piece) + len(joint)
        if self.chance(_FOREIGN_LIKELIHOOD):
            pieces.append(self._random.choice(_FOREIGN))
        return joint.join(pieces)

    def _filled(self, patterns: list[str]) -> str:
        pick: Callable[[list[str]], str] = self._random.choice
        return pick(patterns).format(
            noun=pick(_NOUNS),
            other=pick(_NOUNS),
            verb=pick(_VERBS),
            how=pick(_HOWS),
            number=self._random.randrange(1 << 16),
            percent=self._random.randrange(1, 100),
        )
