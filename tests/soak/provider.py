"""Our fake Twilio as a process that is now and then troubled, and often late with its reports.

    python -m tests.soak.provider --port 4030 --seed 7

A few creates in a hundred end unclearly: the connection breaks or a 500 comes, with or without the
message accepted. Status callbacks come at once, after eight seconds, or never, so that what became
of a message has to be found out by a callback sometimes and by listing at others. `/_fake/calm` ends
the trouble, and `/_fake/ready` says that it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random

from tests.channels.fake_twilio import (
    FakeTwilio,
    Fault,
    Kept,
    break_down,
    fall_silent,
    hang_up,
    refuse,
)
from tests.channels.tiny_http import Answer, Request

_TROUBLE = (
    (0.010, hang_up(accepted=True)),
    (0.005, hang_up(accepted=False)),
    (0.005, break_down(accepted=True)),
    (0.005, break_down(accepted=False)),
    (0.005, refuse(20429, 429, "1")),
    (0.001, fall_silent(11.0, accepted=True)),
)
_LATENESS = (0.05, 8.0, None)


class TroubledTwilio(FakeTwilio):
    """Our fake, with chance in place of a script."""

    def __init__(self, seed: int, *, latency: float, trouble: float = 1.0) -> None:
        super().__init__(latency=latency)
        self._chance = random.Random(seed)
        self._trouble = trouble

    def _fault_for(self, recipient: str) -> Fault:
        drawn = self._chance.random()
        for share, fault in _TROUBLE:
            drawn -= share * self._trouble
            if drawn < 0:
                return fault
        return super()._fault_for(recipient)

    def _control(self, request: Request) -> Answer:
        if request.path == "/_fake/calm":
            self._trouble = 0.0
        if request.path in ("/_fake/calm", "/_fake/ready"):
            return Answer(200, b"{}", "application/json")
        return super()._control(request)

    async def _report(self, kept: Kept, fault: Fault) -> None:
        wait = self._chance.choice(_LATENESS)
        if wait is not None:
            await asyncio.sleep(wait)
            await super()._report(kept, fault)


async def _run(fake: TroubledTwilio, port: int) -> None:
    await fake.start(port)
    await asyncio.Event().wait()


def main() -> None:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds per answer")
    parser.add_argument("--trouble", type=float, default=1.0, help="times the usual amount")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(TroubledTwilio(given.seed, latency=given.latency, trouble=given.trouble), given.port))


if __name__ == "__main__":
    main()
