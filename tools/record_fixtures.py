"""Record the fixtures of the reference client, or verify the recorded ones.

    python tools/record_fixtures.py --out fixtures/recorded [--client PATH]
    python tools/record_fixtures.py --out fixtures/recorded --verify

Exit status: 0 done; 1 verification found differences; 2 no client can be run.
"""

import argparse
import sys
from pathlib import Path

from refclient.install import Client, Missing, client_at, find_clients
from refclient.provenance import find_differences
from refclient.recording import record_all

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Record or verify the reference fixtures.")
    parser.add_argument("--out", type=Path, default=ROOT / "fixtures" / "recorded")
    parser.add_argument("--client", type=Path, help="executable of the reference client")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "reference-client")
    parser.add_argument("--verify", action="store_true", help="only compare checksums")
    options = parser.parse_args()
    if options.verify:
        differences = find_differences(options.out)
        for difference in differences:
            print(difference, file=sys.stderr)
        return 1 if differences else 0
    client = _client(options.client, options.cache)
    if client is None:
        return 2
    record_all(client, options.out)
    return 0


def _client(binary: Path | None, cache: Path) -> Client | None:
    """Return the client to record with, or None after saying why there is none."""
    if binary is not None:
        outcome = client_at(binary)
        if isinstance(outcome, Missing):
            print(f"{outcome.name}: {outcome.reason}", file=sys.stderr)
            return None
        return outcome
    found = find_clients(cache)
    for missing in found.missing:
        print(f"{missing.name}: {missing.reason}", file=sys.stderr)
    return found.clients[0] if found.clients else None


if __name__ == "__main__":
    sys.exit(main())
