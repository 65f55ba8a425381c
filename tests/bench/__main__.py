"""`make bench`: Harbour beside Rasa's own Twilio channel, on one machine, in one run.

Owns: the course of a run, its options.
May import: this package.
Start reading at: `Bench.run`.

    python -m tests.bench [--quick] [--only harbour|rasa] [--out FILE.json]

Both systems use one embedded PostgreSQL and one Valkey, get the same messages in the same order
and call the same fake of Twilio on loopback. Measurements of the two alternate, so that what else
the machine does hits both. With one contact at once, lengths alternate too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import gc
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import uvloop

from bot.errors import ConfigurationError
from bot.supervisor.processes import Supervisor
from tests.bench import report
from tests.bench.harbour_side import HarbourSide
from tests.bench.load import BenchFailed, Contact, Offered, Run, WatchedTwilio, closed_loop, open_loop
from tests.bench.machine import Meter, Pids, Usage, describe, memory_of
from tests.bench.rasa_side import RasaSide
from tests.bench.report import Cell
from tests.bench.script import LANGUAGES
from tests.bench.servers import Servers

TURNS_EACH = 5
MANY = 16
QUIET = 0.15  # cores that others may use before the numbers say more about them than about us
# Harbour once more while Twilio reports nothing back, as with Rasa's channel, which asks for no reports.
NO_REPORTS = "harbour*"
Side = HarbourSide | RasaSide


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured. Times in seconds; `caps` is the longest stretch with 16 contacts, by length."""

    lengths: tuple[int, ...] = (10, 200, 600)
    single_seconds: float = 110
    single_blocks: int = 30
    rounds: int = 2
    turns: int = 400
    caps: tuple[float, ...] = (20, 20, 30)
    slow_contacts: int = 48
    warm_up: int = 96
    ack_seconds: float = 20
    ack_contacts: int = 400
    longest_drain: float = 120


QUICK = Plan(
    lengths=(10, 600),
    single_seconds=25,
    single_blocks=8,
    rounds=1,
    turns=240,
    caps=(10, 15),
    slow_contacts=32,
    warm_up=48,
    ack_seconds=10,
    ack_contacts=200,
    longest_drain=60,
)
RATE = 80.0


def say(text: str) -> None:
    """One line of progress."""
    print(f"bench: {text}", flush=True)


class Bench:
    """One run: starts everything, measures, reports, and stops everything."""

    def __init__(self, plan: Plan, only: str | None) -> None:
        self.plan = plan
        self.only = only
        self.servers = Servers()
        self.cells: dict[tuple[str, int, int], Cell] = {}
        self.result: dict[str, Any] = {"machine": describe(), "quick": plan is QUICK}
        self._numbers = itertools.count(1)
        self._supervisor: Supervisor | None = None
        self._begun = time.monotonic()
        self.sides: dict[str, Side] = {}
        self.fake = WatchedTwilio()

    async def run(self) -> dict[str, Any]:
        """All of it; the result as JSON values."""
        try:
            await self._start()
            contacts = await self._prepare()
            await self._warm_up()
            gc.freeze()
            await self._one_at_once(contacts)
            await self._many_at_once(contacts)
            await self._commits()
            await self._acknowledgements(contacts)
            await self._finish(contacts)
        except BaseException:
            self._last_words()
            raise
        finally:
            await self._stop()
        self.result["seconds"] = round(time.monotonic() - self._begun, 1)
        return self.result

    # Starting and stopping

    async def _start(self) -> None:
        say("starting PostgreSQL, Valkey and the fake of Twilio")
        await self.servers.start()
        fake_url = await self.fake.start()
        for kind in (HarbourSide, RasaSide):
            if self.only in (None, kind.name):
                self.sides[kind.name] = kind(self.servers, self.fake, fake_url)
        for side in self.sides.values():
            await side.lay_out()
        harbour = self.sides.get("harbour")
        if isinstance(harbour, HarbourSide):
            self.fake.deliver_to = harbour.gateway_url
        children = [child for side in self.sides.values() for child in side.children]
        self._supervisor = Supervisor(children, self.servers.folder / "logs")
        say(f"starting {', '.join(child.name for child in children)}")
        await asyncio.to_thread(self._supervisor.start, lambda text: None)
        say("; ".join(f"{child.name} is process {child.process.pid}" for child in children if child.process))

    def _last_words(self) -> None:
        for log in sorted((self.servers.folder / "logs").glob("*.log")):
            for line in log.read_text(errors="replace").splitlines()[-5:]:
                print(f"{log.stem}: {line[:500]}", file=sys.stderr)

    async def _stop(self) -> None:
        for side in self.sides.values():
            with contextlib.suppress(Exception):
                await side.close()
        if self._supervisor is not None:
            await asyncio.to_thread(self._supervisor.stop)
        with contextlib.suppress(Exception):
            await self.fake.stop()
        await asyncio.to_thread(self.servers.stop)

    # Contacts

    def _contacts(self, length: int, count: int) -> list[Contact]:
        """Fresh contacts; the languages take turns, and so do the two halves of the script."""
        made = []
        for number in itertools.islice(self._numbers, count):
            half = TURNS_EACH * (number // len(LANGUAGES) % 2)
            made.append(Contact(number, LANGUAGES[number % len(LANGUAGES)], length, at=half))
        return made

    async def _prepare(self) -> dict[tuple[str, str, int], list[Contact]]:
        """All contacts of the run by system, purpose and length."""
        plan, pools = self.plan, {}
        for name, side in self.sides.items():
            say(f"giving {name}'s contacts a past")
            begun = time.monotonic()
            templates = dict(zip(LANGUAGES, (Contact(next(self._numbers), one, 0) for one in LANGUAGES), strict=True))
            await side.play_templates(templates)
            for length in plan.lengths:
                slow = name == "rasa" and length > min(plan.lengths)
                fast = 16 + -(-plan.turns // TURNS_EACH) + MANY
                pools[name, "single", length] = self._contacts(length, plan.single_blocks * self._share(name, length))
                pools[name, "many", length] = self._contacts(
                    length, plan.rounds * (plan.slow_contacts if slow else fast)
                )
            if name == "harbour":
                length = min(plan.lengths)
                pools[name, "plain", length] = self._contacts(length, len(pools[name, "many", length]))
                pools[name, "ack", 0] = self._contacts(min(plan.lengths), plan.ack_contacts)
            everybody = [contact for (owner, _, _), pool in pools.items() if owner == name for contact in pool]
            await side.prepare(everybody)
            await side.settle()
            sample = [pools[name, "many", length][0] for length in plan.lengths]
            side.facts["checked"] = await side.check_past(sample)
            side.facts["contacts"] = len(everybody)
            say(f"{len(everybody)} contacts, {sum(one.length for one in everybody)} earlier turns"
                f" ({time.monotonic() - begun:.0f} s): {side.facts['checked']}")  # fmt: skip
        return pools

    def _share(self, name: str, length: int) -> int:
        """Contacts of one block with one contact at once: fewer where a turn takes long."""
        return 1 if name == "rasa" and length > min(self.plan.lengths) else 2

    async def _warm_up(self) -> None:
        say("warming up")
        for side in self.sides.values():
            contacts = self._contacts(0, self.plan.warm_up)
            await side.prepare(contacts)
            await closed_loop(side.phone, contacts, MANY, 2 * self.plan.warm_up, 20, TURNS_EACH)

    # Measuring

    def _groups(self, side: Side) -> dict[str, Pids]:
        return {
            **side.groups(),
            "postgres": self.servers.postgres_pids,
            "valkey": self.servers.valkey_pids,
            "bench": lambda: [os.getpid()],
        }

    def _cell(self, name: str, at_once: int, length: int) -> Cell:
        return self.cells.setdefault((name, at_once, length), Cell(name, at_once, length))

    async def _one_at_once(self, pools: dict[tuple[str, str, int], list[Contact]]) -> None:
        """One contact at once: systems and lengths alternate every few turns."""
        say("one contact at once")
        until = time.monotonic() + self.plan.single_seconds
        meters = {name: Meter(self._groups(side)) for name, side in self.sides.items()}
        for block in range(self.plan.single_blocks):
            if time.monotonic() > until:
                break
            for length, (name, side) in itertools.product(self.plan.lengths, self.sides.items()):
                share = self._share(name, length)
                contacts = pools[name, "single", length][block * share : (block + 1) * share]
                run, usage = await self._stretch(side, meters[name], contacts, 1, TURNS_EACH * share, 60)
                self._cell(name, 1, length).add(run, usage, new_round=False)
        for cell in self.cells.values():
            say(f"  {cell.system}, length {cell.length}: {len(cell.taken)} turns, {cell.rate:.1f}/s")

    async def _many_at_once(self, pools: dict[tuple[str, str, int], list[Contact]]) -> None:
        """16 contacts at once: the two systems alternate, length by length, in every round."""
        meters = {name: Meter(self._groups(side)) for name, side in self.sides.items()}
        reports = self.fake.statuses
        for number in range(self.plan.rounds):
            for label, purpose, length, cap in self._courses():
                name = label.removesuffix("*")
                self.fake.statuses = () if label == NO_REPORTS else reports
                pool = pools[name, purpose, length]
                size = len(pool) // self.plan.rounds
                contacts = pool[number * size : (number + 1) * size]
                run, usage = await self._stretch(self.sides[name], meters[name], contacts, MANY, self.plan.turns, cap)
                cell = self._cell(label, MANY, length)
                cell.add(run, usage)
                say(f"  {label}, {MANY} at once, length {length}: {len(run.taken)} turns, {cell.rates[-1]:.1f}/s")
        self.fake.statuses = reports

    def _courses(self) -> Iterator[tuple[str, str, int, float]]:
        """What one round with 16 contacts consists of: name in the table, contacts, length, longest time."""
        for length, cap in zip(self.plan.lengths, self.plan.caps, strict=True):
            for name in self.sides:
                yield name, "many", length, cap
                if name == "harbour" and length == min(self.plan.lengths):
                    yield NO_REPORTS, "plain", length, cap

    async def _stretch(
        self, side: Side, meter: Meter, contacts: Sequence[Contact], at_once: int, turns: int, cap: float
    ) -> tuple[Run, Usage]:
        self.fake.forget()
        before = sum(self.fake.calls.values())
        begin = meter.read()
        run = await closed_loop(side.phone, contacts, at_once, turns, cap, TURNS_EACH)
        usage = meter.since(begin)
        sent = sum(self.fake.calls.values()) - before
        if sent != len(run.taken):
            raise BenchFailed(f"{side.name}: {len(run.taken)} messages got {sent} answers; each should get one.")
        return run, usage

    async def _commits(self) -> None:
        harbour = self.sides.get("harbour")
        if not isinstance(harbour, HarbourSide):
            return
        for cell in self.cells.values():
            if cell.system in ("harbour", NO_REPORTS):
                cell.committed = await harbour.committed(cell.taken)
        flush = await harbour.flush_seconds()
        harbour.facts["flush_ms_p50"] = round(1000 * report.percentile(flush, 0.5), 2)

    async def _acknowledgements(self, pools: dict[tuple[str, str, int], list[Contact]]) -> None:
        harbour = self.sides.get("harbour")
        if not isinstance(harbour, HarbourSide):
            return
        say(f"{RATE:.0f} messages a second for {self.plan.ack_seconds:.0f} s")

        async def send(contact: Contact) -> int:
            return (await harbour.phone.post(contact))[1]

        meter = Meter(self._groups(harbour))
        begin = meter.read()
        offered = await open_loop(send, pools["harbour", "ack", 0], RATE, self.plan.ack_seconds)
        usage, over = meter.since(begin), time.monotonic()
        while await harbour.waiting() and time.monotonic() - over < self.plan.longest_drain:
            await asyncio.sleep(0.25)
        drained = None if await harbour.waiting() else time.monotonic() - over
        self.result["acknowledgement"] = report.offered_json(offered, drained) | {
            "cores_used_by_others": round(usage.noise, 3),
            "processor_share": {name: round(used / usage.wall, 3) for name, used in usage.ours.items()},
        }
        self._offered: Offered | None = offered
        self._drained = drained

    _offered: Offered | None = None
    _drained: float | None = None

    # Telling

    async def _finish(self, pools: dict[tuple[str, str, int], list[Contact]]) -> None:
        memory = {}
        for side in self.sides.values():
            memory |= {name: memory_of(pids()) for name, pids in side.groups().items()}
        memory |= {"postgres": memory_of(self.servers.postgres_pids()), "valkey": memory_of(self.servers.valkey_pids())}
        short, long = min(self.plan.lengths), max(self.plan.lengths)
        goals = report.goals(self.cells, self._offered, short, long)
        await self._compare_readings()
        for side in self.sides.values():
            self.result[side.name] = side.facts
        harbour = self.sides.get("harbour")
        if isinstance(harbour, HarbourSide):
            self.result["machine"]["model"] = harbour.model()
        self.result |= {
            "cells": [cell.to_json() for cell in self.cells.values()],
            "memory": memory,
            "cost_ratio": {
                f"{name} {what}": report.ratio(self.cells, (name, 1, long), (name, 1, short), what)
                for name in self.sides
                for what in ("p50", "processor")
            },
            "goals": [dataclasses.asdict(goal) for goal in goals],
        }
        print("\n".join(self._lines(goals, memory, short, long)), flush=True)

    async def _compare_readings(self) -> None:
        if len(self.sides) < 2:
            return
        ours, theirs = [await side.readings() for side in self.sides.values()]
        same = [text for text in ours if text in theirs and ours[text][0] == theirs[text][0]]
        apart = max((abs(ours[text][1] - theirs[text][1]) for text in same), default=0.0)
        self.result["same_readings"] = {"same": len(same), "of": len(ours), "confidence_apart": round(apart, 6)}

    def _lines(self, goals: Sequence[report.Goal], memory: dict[str, Any], short: int, long: int) -> Iterator[str]:
        machine = self.result["machine"]
        yield ""
        yield "machine       " + ", ".join(f"{name} {value}" for name, value in machine.items())
        if "same_readings" in self.result:
            same = self.result["same_readings"]
            yield (f"model         both systems read {same['same']} of {same['of']} messages alike"
                   f" (confidences apart by at most {same['confidence_apart']})")  # fmt: skip
        yield from self._how()
        yield ""
        order = sorted(self.cells.values(), key=lambda cell: (cell.at_once, cell.length, cell.system))
        yield from report.table(order)
        yield ""
        yield "milliseconds of processor a turn"
        yield from report.processor_table(order)
        yield ""
        for name in self.sides:
            time_ratio = report.ratio(self.cells, (name, 1, long), (name, 1, short), "p50")
            work_ratio = report.ratio(self.cells, (name, 1, long), (name, 1, short), "processor")
            if time_ratio and work_ratio:
                yield f"cost of a turn after {long} / after {short}, {name}: {time_ratio:.2f} in time, {work_ratio:.2f} in processor"
        if len(self.sides) == 2:
            for length in self.plan.lengths:
                times = [
                    report.ratio(self.cells, ("harbour", n, length), ("rasa", n, length), "rate") for n in (1, MANY)
                ]
                yield f"turns/s of Harbour / of Rasa at length {length}: {times[0]:.2f} with 1 contact, {times[1]:.2f} with {MANY}"
        yield ""
        if self._offered is not None:
            yield from report.offered_lines(self._offered, self._drained, "webhook acknowledgement, everything at work")
            others = self.result["acknowledgement"]["cores_used_by_others"]
            yield f"  others used {others:.2f} cores meanwhile"
            yield ""
        yield "memory, MB    " + "   ".join(
            f"{name} {held['rss_mb']:.0f} RSS / {held['pss_mb']:.0f} PSS" for name, held in memory.items()
        )
        yield ""
        yield from (goal.line() for goal in goals)
        yield self._noise()
        yield f"\n{time.monotonic() - self._begun:.0f} s in all"

    def _noise(self) -> str:
        """How far the numbers can be trusted."""
        shares = [cell.usage.noise for cell in self.cells.values()]
        mean, most = sum(shares) / len(shares), max(shares)
        verdict = "quiet enough" if most < QUIET else "NOISY: run it again on a quiet machine before believing it"
        self.result["others"] = {"mean_cores": round(mean, 3), "most_cores": round(most, 3), "verdict": verdict}
        return (
            f"\nothers used {mean:.2f} of {os.cpu_count()} cores on average, at most {most:.2f} in one row: {verdict}"
        )

    def _how(self) -> Iterator[str]:
        if "harbour" in self.sides:
            facts = self.sides["harbour"].facts
            yield (f"harbour       past: rows copied from a really played conversation, checked {facts['checked'][-1]};"
                   f" state bytes {facts['state_bytes_after_each_ten_turns'][-1]}")  # fmt: skip
            yield ("              commit: PostgreSQL's own commit time of the turn's transaction, read afterwards;"
                   f" it is on disk p50 {facts['flush_ms_p50']} ms later")  # fmt: skip
            yield "              each turn includes the 2 delivery reports that Twilio sends; harbour* is without them, like Rasa"
        if "rasa" in self.sides:
            facts = self.sides["rasa"].facts
            yield (f"rasa          past: events of a really played conversation repeated in the tracker store, as Rasa's"
                   f" own code loads it: {facts['checked'][-1]}")  # fmt: skip
            yield "              all turns in one session (Rasa reads back to the session's start; after an hour's pause it would begin anew)"


def main() -> int:
    """The exit code: 0 when all was measured, whatever the goals say."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under three minutes: fewer turns, lengths 10 and 600")
    parser.add_argument("--only", choices=("harbour", "rasa"), help="one of the two systems")
    parser.add_argument("--out", type=Path, help="write all numbers as JSON")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        result = uvloop.run(Bench(QUICK if given.quick else Plan(), given.only).run())
    except (BenchFailed, ConfigurationError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except BaseExceptionGroup as errors:
        for error in errors.exceptions:
            print(f"bench: {error}", file=sys.stderr)
        return 1
    if given.out:
        given.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
