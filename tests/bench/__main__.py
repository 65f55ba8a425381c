"""`make bench`: Harbour beside Rasa's own Twilio channel, on one machine, in one run.

Owns: the command line.
May import: this package.
Start reading at: `main`, then `bench.py`.

    python -m tests.bench [--quick] [--only harbour|rasa] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bot.errors import ConfigurationError
from tests.bench.bench import FULL, QUICK, Bench
from tests.bench.load import BenchFailed


def main() -> int:
    """The exit code: 0 when all was measured, whatever the goals say."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Harbour beside Rasa's own channel.")
    parser.add_argument("--quick", action="store_true", help="about three minutes: fewer turns, lengths 10 and 600")
    parser.add_argument("--only", choices=("harbour", "rasa"), help="one of the two systems")
    parser.add_argument("--out", type=Path, help="write all numbers as JSON")
    given = parser.parse_args()
    # Ended from outside, everything that was started is still stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    bench = Bench(QUICK if given.quick else FULL, given.only)
    try:
        findings = uvloop.run(bench.run())
    except (BenchFailed, ConfigurationError) as error:
        return _fail([error])
    except ExceptionGroup as group:
        expected, rest = group.split((BenchFailed, ConfigurationError))
        if rest is not None or expected is None:
            raise
        return _fail(expected.exceptions)
    print("\n".join(findings.lines()))
    if given.out:
        given.out.write_text(json.dumps(findings.to_json(), indent=2, ensure_ascii=False) + "\n")
    return 0


def _fail(errors: Sequence[Exception]) -> int:
    for error in errors:
        print(f"bench: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
