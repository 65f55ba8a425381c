"""One run: start, write while things die, wait until all is caught up, look, and report.

Owns: soak(), Report.
Start reading at: `soak`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from . import checker, evidence
from .checker import Found
from .evidence import Reconciled
from .plan import ENGINE, GATEWAY, WORKERS, Plan
from .sender import TWILIO_TRIES, Sender
from .system import System

CATCH_UP = 60.0
_GIVE_UP = 90.0
_CALM = 3.0
_STEP = 10.0
Backlog = tuple[float, int, int]


@dataclasses.dataclass(frozen=True)
class Report:
    """One run in figures. `faults` is empty if nothing was lost, doubled or disordered. Times in seconds."""

    plan: Plan
    killed: Counter[str]
    duplicates: int
    answers: Counter[str]
    slowest: float
    late: int
    sending: float
    backlog: list[Backlog]
    caught_up: float
    whole: float
    found: Found
    reconciled: Reconciled
    given_up: int
    failures: Counter[str]
    faults: list[str]

    def __str__(self) -> str:
        found = self.found
        answered = {row.inbox_id for row in found.outbox if row.inbox_id is not None}
        statuses = Counter(row.status for row in found.outbox)
        texts = len({row.text for row in found.outbox})
        lines = [
            f"seed {self.plan.seed}",
            f"messages     {len(self.plan.messages)} of {len(self.plan.contacts)} contacts in {self.sending:.0f} s,"
            f" and {self.duplicates} posted twice",
            f"killed -9    {_counts(self.killed)}",
            f"webhooks     {_counts(self.answers)}; slowest until accepted {self.slowest:.1f} s,"
            f" {self.late} after the {TWILIO_TRIES:.0f} s for which Twilio tries",
            f"turns        {sum(len(row.turns) for row in found.inbox)}, {len(answered)} of them with an answer,"
            f" {self.given_up} told that the bot could not answer",
            f"answers      {len(found.outbox)} in {texts} wordings; {_counts(statuses)};"
            f" {checker.overtakings(found.outbox)} to risk went ahead",
            f"provider     accepted {len(found.taken)}; unclear outcomes: {self.reconciled.found} found by listing,"
            f" {self.reconciled.sent_again} not there and sent again, {self.reconciled.by_callback} closed by callback",
            f"logged       {_counts(self.failures)}",
            "waiting      "
            + "; ".join(f"after {at:.0f} s {turns} turns, {sends} sends" for at, turns, sends in self.backlog),
            f"caught up    {self.caught_up:.1f} s after the last restart (allowed {CATCH_UP:.0f})",
            f"whole run    {self.whole:.0f} s",
            "nothing lost, nothing doubled, nothing out of order"
            if not self.faults
            else f"{len(self.faults)} FAULTS\n{checker.shown(self.faults)}",
        ]
        return "\n".join(lines)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "nothing"


async def soak(plan: Plan, say: Callable[[str], None] = print, *, keep: Path | None = None) -> Report:
    """Run `plan` and report. Everything lives in a temporary folder, or in `keep`."""
    with tempfile.TemporaryDirectory(prefix="harbour-soak-", ignore_cleanup_errors=True) as name:
        folder = keep or Path(name)
        folder.chmod(0o755)
        system = System(folder, plan.seed)
        begun = time.monotonic()
        try:
            await system.start()
            say(f"seed {plan.seed}: all up after {time.monotonic() - begun:.0f} s, sending for {plan.seconds:.0f} s")
            return await _through(plan, system, say, begun)
        finally:
            await system.stop()


async def _through(plan: Plan, system: System, say: Callable[[str], None], begun: float) -> Report:
    await _fsync_is_on(system)
    sender = Sender(plan, system.gateway_url)
    zero = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.send_all(zero))
        group.create_task(_kill_all(plan, system, say, zero))
    sending = time.monotonic() - zero
    await system.well()
    await system.ask_provider("calm")
    restarted = time.monotonic()
    say(f"all sent and all up again after {restarted - zero:.0f} s; waiting until all is caught up")
    backlog, caught_up = await _caught_up(system, restarted)
    await asyncio.sleep(_CALM)
    found = await evidence.collect(plan, sender, system)
    faults = checker.faults(found)
    if caught_up > CATCH_UP:
        faults.insert(0, f"caught up {caught_up:.0f} s after the last restart, allowed are {CATCH_UP:.0f}")
    return Report(
        plan=plan,
        killed=system.killed,
        duplicates=sender.duplicates,
        answers=sender.answers,
        slowest=sender.slowest,
        late=sender.late,
        sending=sending,
        backlog=backlog,
        caught_up=caught_up,
        whole=time.monotonic() - begun,
        found=found,
        reconciled=evidence.reconciled(system, found.outbox),
        given_up=sum(event.get("took") == "gave up" for name in WORKERS for event in system.said(name)),
        failures=_failures(system),
        faults=faults,
    )


async def _kill_all(plan: Plan, system: System, say: Callable[[str], None], zero: float) -> None:
    for kill in plan.kills:
        await asyncio.sleep(max(0.0, zero + kill.at - time.monotonic()))
        await system.kill(kill.target)
        say(f"{time.monotonic() - zero:6.1f} s  kill -9 {kill.target}")


async def _caught_up(system: System, since: float) -> tuple[list[Backlog], float]:
    """What waited when, and the seconds from `since` until nothing did; no longer than a minute and a half."""
    backlog: list[Backlog] = []
    while (passed := time.monotonic() - since) < _GIVE_UP:
        waiting = await system.waiting()
        if waiting == (0, 0):
            break
        if waiting and (not backlog or passed - backlog[-1][0] > _STEP):
            backlog.append((passed, *waiting))
        await asyncio.sleep(0.2)
    return backlog, time.monotonic() - since


async def _fsync_is_on(system: System) -> None:
    async with system.database.transaction() as session:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            value = await session.scalar(sa.text(f"SHOW {setting}"))
            if value != "on":
                raise AssertionError(f"PostgreSQL runs with {setting} {value}; nothing would be proven")


def _failures(system: System) -> Counter[str]:
    """What the processes themselves said went wrong, by kind."""
    found: Counter[str] = Counter()
    for name in (GATEWAY, *WORKERS):
        for event in system.said(name):
            if event.get("level") in ("warning", "error"):
                detail = event.get("error") or event.get("code")
                found[f"{event['event']} {detail}" if detail else event["event"]] += 1
    for name in (ENGINE, GATEWAY, *WORKERS):
        found.update({f"{name} traceback {kind}": count for kind, count in system.tracebacks(name).items()})
    return found
