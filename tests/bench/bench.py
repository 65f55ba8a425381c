"""The course of a run: start both systems, give contacts a past, measure, stop.

Owns: Bench, Plan.
May import: this package, `bot.supervisor`.
Start reading at: `Bench.run`.

Both systems use one embedded PostgreSQL and one Valkey, get the same messages in the same order
and call the same fake of Twilio on loopback. Measurements of the two alternate, so that what else
the machine does hits both. With one contact at once, lengths alternate too.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import itertools
import os
import sys
import time
from collections.abc import Iterator, Sequence

from bot.supervisor.processes import Supervisor
from tests.bench.harbour_side import HarbourSide
from tests.bench.load import BenchFailed, Contact, Run, WatchedTwilio, closed_loop, open_loop
from tests.bench.machine import Meter, Pids, Usage, memory_of
from tests.bench.rasa_side import RasaSide
from tests.bench.report import MANY, NO_REPORTS, Cell, Findings, percentile
from tests.bench.script import LANGUAGES
from tests.bench.servers import Servers

TURNS_EACH = 5
RATE = 80.0
Side = HarbourSide | RasaSide
Pools = dict[tuple[str, str, int], list[Contact]]


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured. Times in seconds.

    With one contact at once: `blocks` of a few turns of each system and length, at most
    `single_seconds`. With 16: `rounds` of `turns` turns, or what fits into `caps`, by length.
    `slow_contacts` is how many contacts a round needs where a turn takes long.
    """

    lengths: tuple[int, ...] = (10, 200, 600)
    blocks: int = 24
    single_seconds: float = 90
    rounds: int = 3
    turns: int = 240
    caps: tuple[float, ...] = (10, 10, 14)
    slow_contacts: int = 40
    warm_up: int = 96
    offered_seconds: float = 20
    offered_contacts: int = 400
    longest_drain: float = 90

    @property
    def short(self) -> int:
        """The shortest length."""
        return min(self.lengths)


FULL = Plan()
QUICK = Plan(
    lengths=(10, 600),
    blocks=6,
    single_seconds=20,
    rounds=2,
    turns=120,
    caps=(6, 8),
    slow_contacts=32,
    warm_up=48,
    offered_seconds=10,
    offered_contacts=200,
    longest_drain=30,
)


def say(text: str) -> None:
    """One line of progress."""
    print(f"bench: {text}", flush=True)


class Bench:
    """One run."""

    def __init__(self, plan: Plan, only: str | None = None) -> None:
        self.plan = plan
        self.sides: dict[str, Side] = {}
        self.servers = Servers()
        self.fake = WatchedTwilio()
        self.findings = Findings(plan.lengths)
        self._only = only
        self._numbers = itertools.count(1)
        self._supervisor: Supervisor | None = None

    async def run(self) -> Findings:
        """Measure everything. Raises BenchFailed or ConfigurationError; what was started is stopped."""
        begun = time.monotonic()
        try:
            await self.start()
            pools = await self.prepare()
            await self.warm_up()
            gc.freeze()
            await self._one_at_once(pools)
            await self._many_at_once(pools)
            await self._commits()
            await self._offer(pools)
            await self._look_around()
        except BaseException:
            self._last_words()
            raise
        finally:
            await self.stop()
        self.findings.seconds = time.monotonic() - begun
        return self.findings

    # Starting and stopping

    async def start(self) -> None:
        """Servers, then all processes of both systems, each ready."""
        say("starting PostgreSQL, Valkey and the fake of Twilio")
        await self.servers.start()
        fake_url = await self.fake.start()
        for kind in (HarbourSide, RasaSide):
            if self._only in (None, kind.name):
                self.sides[kind.name] = kind(self.servers, self.fake, fake_url)
        for side in self.sides.values():
            await side.lay_out()
        if self.harbour:
            self.fake.deliver_to = self.harbour.gateway_url
        children = [child for side in self.sides.values() for child in side.children]
        self._supervisor = Supervisor(children, self.servers.folder / "logs")
        say(f"starting {', '.join(child.name for child in children)}")
        await asyncio.to_thread(self._supervisor.start, lambda text: None)
        say("; ".join(f"{child.name} is process {child.process.pid}" for child in children if child.process))

    @property
    def harbour(self) -> HarbourSide | None:
        """Our side, if it takes part."""
        side = self.sides.get("harbour")
        return side if isinstance(side, HarbourSide) else None

    def _last_words(self) -> None:
        for log in sorted((self.servers.folder / "logs").glob("*.log")):
            for line in log.read_text(errors="replace").splitlines()[-5:]:
                print(f"{log.stem}: {line[:500]}", file=sys.stderr)

    async def stop(self) -> None:
        """End every process that was started, and remove what they wrote."""
        for side in self.sides.values():
            with contextlib.suppress(Exception):
                await side.close()
        if self._supervisor is not None:
            await asyncio.to_thread(self._supervisor.stop)
        with contextlib.suppress(Exception):
            await self.fake.stop()
        await asyncio.to_thread(self.servers.stop)

    # Contacts

    async def prepare(self) -> Pools:
        """All contacts of the run by system, purpose and length, each with its past."""
        pools: Pools = {}
        for name, side in self.sides.items():
            say(f"giving {name}'s contacts a past")
            begun = time.monotonic()
            templates = {language: Contact(next(self._numbers), language, 0) for language in LANGUAGES}
            await side.play_templates(templates)
            pools |= self._pools(name)
            everybody = [contact for (owner, _, _), pool in pools.items() if owner == name for contact in pool]
            await side.prepare(everybody)
            await side.settle()
            side.facts["past"] = await side.check_past([pools[name, "many", one][0] for one in self.plan.lengths])
            turns, seconds = sum(one.length for one in everybody), time.monotonic() - begun
            say(f"{len(everybody)} contacts, {turns} earlier turns ({seconds:.0f} s): {side.facts['past']}")
        return pools

    def _pools(self, name: str) -> Pools:
        plan, pools = self.plan, {}
        enough = 2 * MANY + -(-plan.turns // TURNS_EACH)
        for length in plan.lengths:
            size = plan.slow_contacts if self._is_slow(name, length) else enough
            pools[name, "single", length] = self._contacts(length, plan.blocks * self._share(name, length))
            pools[name, "many", length] = self._contacts(length, plan.rounds * size)
        if name == "harbour":
            pools[name, "no reports", plan.short] = self._contacts(plan.short, plan.rounds * enough)
            pools[name, "offered", plan.short] = self._contacts(plan.short, plan.offered_contacts)
        return pools

    def _contacts(self, length: int, count: int) -> list[Contact]:
        """Fresh contacts; the languages take turns, and so do the two halves of the script."""
        made = []
        for number in itertools.islice(self._numbers, count):
            half = TURNS_EACH * (number // len(LANGUAGES) % 2)
            made.append(Contact(number, LANGUAGES[number % len(LANGUAGES)], length, at=half))
        return made

    def _is_slow(self, name: str, length: int) -> bool:
        return name == "rasa" and length > self.plan.short

    def _share(self, name: str, length: int) -> int:
        """Contacts of one block with one contact at once."""
        return 1 if self._is_slow(name, length) else 2

    async def warm_up(self) -> None:
        """Connections, caches and prepared statements."""
        say("warming up")
        for side in self.sides.values():
            contacts = self._contacts(0, self.plan.warm_up)
            await side.prepare(contacts)
            await closed_loop(side.phone, contacts, MANY, 2 * self.plan.warm_up, 20, TURNS_EACH)

    # Measuring

    def meter(self, side: Side) -> Meter:
        """Processor time of one side, of the servers and of this process."""
        groups: dict[str, Pids] = dict(side.groups())
        groups |= {"postgres": self.servers.postgres_pids, "valkey": self.servers.valkey_pids}
        return Meter(groups | {"bench": lambda: [os.getpid()]})

    def _cell(self, name: str, at_once: int, length: int) -> Cell:
        return self.findings.cells.setdefault((name, at_once, length), Cell(name, at_once, length))

    async def _one_at_once(self, pools: Pools) -> None:
        """One contact at once: systems and lengths alternate every few turns."""
        say("one contact at once")
        until = time.monotonic() + self.plan.single_seconds
        meters = {name: self.meter(side) for name, side in self.sides.items()}
        for block in range(self.plan.blocks):
            if time.monotonic() > until:
                break
            for length, (name, side) in itertools.product(self.plan.lengths, self.sides.items()):
                share = self._share(name, length)
                contacts = pools[name, "single", length][block * share : (block + 1) * share]
                run, usage = await self.stretch(side, meters[name], contacts, 1, TURNS_EACH * share, 60)
                self._cell(name, 1, length).add(run, usage)
        for cell in self.findings.cells.values():
            say(f"  {cell.system}, length {cell.length}: {len(cell.taken)} turns, {cell.rate:.1f}/s")

    async def _many_at_once(self, pools: Pools) -> None:
        """16 contacts at once: the two systems alternate, length by length, in every round."""
        meters = {name: self.meter(side) for name, side in self.sides.items()}
        reports = self.fake.statuses
        for number in range(self.plan.rounds):
            for label, purpose, length, cap in self._courses():
                name = label.removesuffix("*")
                self.fake.statuses = () if label == NO_REPORTS else reports
                pool = pools[name, purpose, length]
                size = len(pool) // self.plan.rounds
                contacts = pool[number * size : (number + 1) * size]
                run, usage = await self.stretch(self.sides[name], meters[name], contacts, MANY, self.plan.turns, cap)
                cell = self._cell(label, MANY, length)
                cell.add(run, usage)
                say(f"  {label}, {MANY} at once, length {length}: {len(run.taken)} turns, {cell.rates[-1]:.1f}/s")
        self.fake.statuses = reports

    def _courses(self) -> Iterator[tuple[str, str, int, float]]:
        """What one round with 16 contacts consists of: name in the table, contacts, length, longest time."""
        for length, cap in zip(self.plan.lengths, self.plan.caps, strict=True):
            for name in self.sides:
                yield name, "many", length, cap
                if name == "harbour" and length == self.plan.short:
                    yield NO_REPORTS, "no reports", length, cap

    async def stretch(
        self, side: Side, meter: Meter, contacts: Sequence[Contact], at_once: int, turns: int, cap: float
    ) -> tuple[Run, Usage]:
        """Turns without a pause, and who used the processor. Raises BenchFailed unless each got one answer."""
        self.fake.forget()
        before, begin = self.fake.calls.total(), meter.read()
        run = await closed_loop(side.phone, contacts, at_once, turns, cap, TURNS_EACH)
        usage = meter.since(begin)
        sent = self.fake.calls.total() - before
        if sent != len(run.taken):
            raise BenchFailed(f"{side.name}: {len(run.taken)} messages got {sent} answers; each should get one.")
        return run, usage

    async def _commits(self) -> None:
        if not self.harbour:
            return
        for cell in self.findings.cells.values():
            if cell.system != "rasa":
                cell.committed = await self.harbour.committed(cell.taken)
        self.harbour.facts["flush_ms_p50"] = round(1000 * percentile(await self.harbour.flush_seconds(), 0.5), 2)

    async def _offer(self, pools: Pools) -> None:
        """80 messages a second, whether or not Harbour keeps up; then wait until all are answered."""
        harbour = self.harbour
        if not harbour:
            return
        say(f"{RATE:.0f} messages a second for {self.plan.offered_seconds:.0f} s")

        async def send(contact: Contact) -> int:
            return (await harbour.phone.post(contact))[1]

        meter = self.meter(harbour)
        begin = meter.read()
        contacts = pools["harbour", "offered", self.plan.short]
        offered = await open_loop(send, contacts, RATE, self.plan.offered_seconds)
        offered.usage, over = meter.since(begin), time.monotonic()
        while await harbour.waiting() and time.monotonic() - over < self.plan.longest_drain:
            await asyncio.sleep(0.25)
        if not await harbour.waiting():
            offered.drained = time.monotonic() - over
        self.findings.offered = offered

    async def _look_around(self) -> None:
        """Memory, models, and whether both systems understood the same."""
        found = self.findings
        for name, side in self.sides.items():
            found.facts[name] = side.facts
            found.memory |= {process: memory_of(pids()) for process, pids in side.groups().items()}
            found.readings[name] = await side.readings()
        found.memory["postgres"] = memory_of(self.servers.postgres_pids())
        found.memory["valkey"] = memory_of(self.servers.valkey_pids())
        if self.harbour:
            found.machine["model"] = self.harbour.model()
