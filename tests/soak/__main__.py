"""The longer run.

python -m tests.soak [--minutes 30] [--seed N]
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from .plan import ENGINE, GATEWAY, POSTGRES, VALKEY, WORKERS, make_plan
from .run import Report, soak

_PER_MINUTE = 1200


def main() -> int:
    """Run, print the report, and say by the exit code whether anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Writes while everything is killed.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=None, help="repeats a run's plan; chosen by chance if not given")
    parser.add_argument("--contacts", type=int, default=100)
    parser.add_argument("--keep", type=Path, default=None, help="a folder that keeps data and logs")
    given = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    often = max(1, round(given.minutes * 2))
    kills = {ENGINE: often, GATEWAY: often, POSTGRES: often, VALKEY: max(1, often // 4)}
    plan = make_plan(
        seed,
        messages=round(given.minutes * _PER_MINUTE),
        contacts=given.contacts,
        seconds=given.minutes * 60,
        kills={**kills, **dict.fromkeys(WORKERS, often)},
    )
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    report = asyncio.run(_until_told_to_stop(soak(plan, keep=given.keep)))
    print(report)
    return 1 if report.faults else 0


async def _until_told_to_stop(run: Coroutine[Any, Any, Report]) -> Report:
    """SIGTERM ends a run as Ctrl-C does: nothing it started is left running."""
    task = asyncio.ensure_future(run)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


if __name__ == "__main__":
    sys.exit(main())
