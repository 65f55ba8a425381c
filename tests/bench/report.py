"""Numbers to text: one table, where the processor's time went, the goals.

Owns: Findings, Cell, Goal, percentile().
May import: this package.
Start reading at: `Findings.lines`.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from tests.bench.load import Offered, Run, Taken
from tests.bench.machine import Usage, describe

MANY = 16
# Harbour once more while Twilio reports nothing back, as with Rasa's channel, which asks for no reports.
NO_REPORTS = "harbour*"
MOST_GROWTH, AT_SHORT, AT_LONG, LONGEST_ACK = 1.1, 1.5, 30.0, 0.100
QUIET = 0.15  # cores that others may use before the numbers say more about them than about us


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    rank = -int(-share * len(ordered) // 1)
    return ordered[min(len(ordered), max(1, rank)) - 1]


def spread(seconds: Sequence[float]) -> dict[str, float] | None:
    """Percentiles in milliseconds."""
    if not seconds:
        return None
    values = {f"p{share}": percentile(seconds, share / 100) for share in (50, 90, 99)}
    values |= {"mean": statistics.fmean(seconds), "max": max(seconds)}
    return {name: round(1000 * value, 2) for name, value in values.items()}


@dataclasses.dataclass
class Cell:
    """One system at one number of contacts at once and one length, over all rounds."""

    system: str
    at_once: int
    length: int
    taken: list[Taken] = dataclasses.field(default_factory=list)
    committed: list[float] = dataclasses.field(default_factory=list)
    rates: list[float] = dataclasses.field(default_factory=list)
    counted: int = 0
    wall: float = 0.0
    usage: Usage = dataclasses.field(default_factory=Usage)

    def add(self, run: Run, usage: Usage) -> None:
        """One more stretch."""
        self.taken += run.taken
        self.counted += run.counted
        self.wall += run.wall
        self.usage.add(usage)
        self.rates.append(run.counted / run.wall if run.wall else 0.0)

    @property
    def rate(self) -> float:
        """Turns a second."""
        return self.counted / self.wall if self.wall else float("nan")

    @property
    def called(self) -> list[float]:
        """Seconds from POST until Twilio was called."""
        return [one.called for one in self.taken]

    def processor_ms(self) -> dict[str, float]:
        """Milliseconds of processor a turn, by process; what the bench itself used is left out."""
        turns = max(1, len(self.taken))
        return {name: 1000 * used / turns for name, used in self.usage.ours.items() if name != "bench" and used}

    def to_json(self) -> dict[str, Any]:
        """For --out."""
        return {
            "system": self.system,
            "at_once": self.at_once,
            "length": self.length,
            "turns": len(self.taken),
            "turns_per_second": round(self.rate, 3),
            "turns_per_second_by_stretch": [round(rate, 3) for rate in self.rates],
            "post_to_committed_ms": spread(self.committed),
            "post_to_twilio_ms": spread(self.called),
            "post_to_acknowledged_ms": spread([one.acknowledged for one in self.taken]),
            "processor_ms_a_turn": {name: round(value, 3) for name, value in self.processor_ms().items()},
            "cores_used_by_others": round(self.usage.noise, 3),
        }


@dataclasses.dataclass(frozen=True)
class Goal:
    """One promise and whether it was kept; `value` is None when it was not measured."""

    text: str
    value: float | None
    reached: bool
    noise: float
    unit: str = " x"

    def line(self) -> str:
        """As printed. `noise` is the most that others used while it was measured, in cores."""
        if self.value is None:
            return f"not measured  {self.text}"
        doubt = f" (NOISY: others used {self.noise:.2f} cores)" if self.noise > QUIET else ""
        return f"{'reached' if self.reached else 'NOT REACHED':<13} {self.text}: {self.value:.2f}{self.unit}{doubt}"


Place = tuple[str, int, int]


@dataclasses.dataclass
class Findings:
    """All that a run found out."""

    lengths: tuple[int, ...]
    cells: dict[Place, Cell] = dataclasses.field(default_factory=dict)
    offered: Offered | None = None
    machine: dict[str, Any] = dataclasses.field(default_factory=describe)
    facts: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    memory: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    readings: dict[str, dict[str, tuple[str, float]]] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0

    # Comparing

    def rate_ratio(self, over: Place, under: Place) -> float | None:
        """How many times the turns a second."""
        pair = self._pair(over, under)
        return pair and pair[0].rate / pair[1].rate

    def time_ratio(self, over: Place, under: Place) -> float | None:
        """How many times the median time to Twilio."""
        pair = self._pair(over, under)
        return pair and percentile(pair[0].called, 0.5) / percentile(pair[1].called, 0.5)

    def work_ratio(self, over: Place, under: Place) -> float | None:
        """How many times the processor time of a turn."""
        pair = self._pair(over, under)
        return pair and sum(pair[0].processor_ms().values()) / sum(pair[1].processor_ms().values())

    def _pair(self, over: Place, under: Place) -> tuple[Cell, Cell] | None:
        above, below = self.cells.get(over), self.cells.get(under)
        return (above, below) if above and below and above.taken and below.taken else None

    def goals(self) -> list[Goal]:
        """Every goal of the design, in its order."""
        short, long = min(self.lengths), max(self.lengths)
        growth = self.time_ratio(("harbour", 1, long), ("harbour", 1, short))
        text = f"a turn after {long} costs at most {MOST_GROWTH} x one after {short} (median to Twilio, 1 contact)"
        noise = self._noise(("harbour", 1, short), ("harbour", 1, long))
        found = [Goal(text, growth, (growth or 0) <= MOST_GROWTH, noise)]
        for length, least in ((short, AT_SHORT), (long, AT_LONG)):
            places = ("harbour", MANY, length), ("rasa", MANY, length)
            times = self.rate_ratio(*places)
            text = f"at length {length} at least {least:g} x Rasa's turns/s, {MANY} contacts at once"
            found.append(Goal(text, times, (times or 0) >= least, self._noise(*places)))
        ack = percentile(self.offered.answered, 0.99) if self.offered else None
        good = ack is not None and ack <= LONGEST_ACK and not (self.offered and self.offered.refused)
        text = f"webhooks answered within {1000 * LONGEST_ACK:.0f} ms (p99) at 80 messages/s, none refused"
        noise = self.offered.usage.noise if self.offered else 0.0
        return [*found, Goal(text, ack and 1000 * ack, good, noise, " ms")]

    def _noise(self, *places: Place) -> float:
        return max((self.cells[place].usage.noise for place in places if place in self.cells), default=0.0)

    def quietness(self) -> dict[str, Any]:
        """How much others used of the machine, and what that means for the numbers."""
        shares = [cell.usage.noise for cell in self.cells.values()] or [0.0]
        verdict = (
            "quiet enough" if max(shares) < QUIET else "NOISY: run it again on a quiet machine before believing it"
        )
        return {
            "mean_cores": round(statistics.fmean(shares), 3),
            "most_cores": round(max(shares), 3),
            "verdict": verdict,
        }

    def agreement(self) -> dict[str, float] | None:
        """On how many messages of the script both systems' models agree."""
        if len(self.readings) < 2:
            return None
        ours, theirs = self.readings.values()
        same = [text for text in ours if text in theirs and ours[text][0] == theirs[text][0]]
        apart = max((abs(ours[text][1] - theirs[text][1]) for text in same), default=0.0)
        return {"same": len(same), "of": len(ours), "confidence_apart": round(apart, 6)}

    # Telling

    def to_json(self) -> dict[str, Any]:
        """For --out."""
        short, long = min(self.lengths), max(self.lengths)
        return {
            "machine": self.machine,
            "others": self.quietness(),
            "cells": [cell.to_json() for cell in self._in_order()],
            "cost_of_a_turn_long_over_short": {
                name: {
                    "time": self.time_ratio((name, 1, long), (name, 1, short)),
                    "processor": self.work_ratio((name, 1, long), (name, 1, short)),
                }
                for name in self.facts
            },
            "acknowledgement": _offered_json(self.offered) if self.offered else None,
            "memory": self.memory,
            "agreement": self.agreement(),
            "facts": self.facts,
            "goals": [dataclasses.asdict(goal) for goal in self.goals()],
            "seconds": round(self.seconds, 1),
        }

    def lines(self) -> Iterator[str]:
        """The report."""
        yield ""
        yield "machine       " + ", ".join(f"{name} {value}" for name, value in self.machine.items())
        yield from self._how()
        yield ""
        yield from _table(self._in_order())
        yield ""
        yield "milliseconds of processor a turn"
        yield from _processor_table(self._in_order())
        yield ""
        yield from self._ratios()
        if self.offered is not None:
            yield ""
            yield from _offered_lines(self.offered)
        yield ""
        held = (f"{name} {one['rss_mb']:.0f} RSS, {one['pss_mb']:.0f} PSS" for name, one in self.memory.items())
        yield "memory, MB    " + "; ".join(held)
        yield ""
        yield from (goal.line() for goal in self.goals())
        quiet = self.quietness()
        yield ""
        yield (
            f"others used {quiet['mean_cores']:.2f} of {os.cpu_count()} cores on average, at most"
            f" {quiet['most_cores']:.2f} in one row: {quiet['verdict']}"
        )
        yield f"{self.seconds:.0f} s in all"

    def _in_order(self) -> list[Cell]:
        return sorted(self.cells.values(), key=lambda cell: (cell.at_once, cell.length, cell.system))

    def _how(self) -> Iterator[str]:
        same = self.agreement()
        if same:
            yield (
                f"model         both systems read {same['same']} of {same['of']} messages alike,"
                f" confidences at most {same['confidence_apart']} apart"
            )
        if facts := self.facts.get("harbour"):
            yield f"harbour       past: rows copied from a really played conversation; holds {facts['past'][-1]}"
            yield f"              bytes of dialogue state after 10, 20, 30 turns: {facts['state_bytes']}"
            yield (
                "              commit: PostgreSQL's own time of the turn's commit, read afterwards; on disk p50"
                f" {facts['flush_ms_p50']} ms later"
            )
            yield "              a turn includes the 2 delivery reports that Twilio sends; harbour* is without, like Rasa"
        if facts := self.facts.get("rasa"):
            yield f"rasa          past: events of a really played conversation, repeated; Rasa loads {facts['past'][-1]}"
            yield "              one session: Rasa reads back to its start (after an hour's pause it would begin anew)"

    def _ratios(self) -> Iterator[str]:
        short, long = min(self.lengths), max(self.lengths)
        for name in self.facts:
            places = (name, 1, long), (name, 1, short)
            times, work = self.time_ratio(*places), self.work_ratio(*places)
            if times and work:
                yield f"cost of a turn after {long} / after {short}, {name}: {times:.2f} in time, {work:.2f} in processor"
        for length in self.lengths:
            one, many = (self.rate_ratio(("harbour", n, length), ("rasa", n, length)) for n in (1, MANY))
            bare = self.rate_ratio((NO_REPORTS, MANY, length), ("rasa", MANY, length))
            if one and many:
                without = f", {bare:.2f} without delivery reports" if bare else ""
                yield f"turns/s of Harbour / of Rasa at length {length}: {one:.2f} with 1 contact, {many:.2f} with {MANY}{without}"


def _table(cells: Sequence[Cell]) -> Iterator[str]:
    head = "system  at once    length | turns  turns/s  rounds |      p50       p99  |      p50       p99  | cores"
    yield "                          |  throughput            | POST to commit, ms  | POST to Twilio, ms  | others'"
    yield head
    yield "-" * len(head)
    for cell in cells:
        several = cell.at_once > 1 and len(cell.rates) > 1
        rounds = f"{min(cell.rates):.0f}-{max(cell.rates):.0f}" if several else ""
        yield (
            f"{cell.system:<8}{cell.at_once:>7}{cell.length:>10} |{len(cell.taken):>6} {cell.rate:>8.1f} {rounds:>7} |"
            f"{_middle_and_tail(cell.committed)} |{_middle_and_tail(cell.called)} |{cell.usage.noise:>6.2f}"
        )


def _middle_and_tail(seconds: Sequence[float]) -> str:
    if not seconds:
        return f"{'-':>9} {'-':>9} "
    return f"{1000 * percentile(seconds, 0.5):>9.1f} {1000 * percentile(seconds, 0.99):>9.1f} "


def _processor_table(cells: Sequence[Cell]) -> Iterator[str]:
    names = list(dict.fromkeys(name for cell in cells for name in cell.processor_ms()))
    head = "system  at once    length |" + "".join(f"{name:>10}" for name in names) + "     total"
    yield head
    yield "-" * len(head)
    for cell in cells:
        spent = cell.processor_ms()
        columns = "".join(f"{spent[name]:>10.2f}" if name in spent else f"{'-':>10}" for name in names)
        yield f"{cell.system:<8}{cell.at_once:>7}{cell.length:>10} |{columns}{sum(spent.values()):>10.2f}"


def _offered_lines(offered: Offered) -> Iterator[str]:
    times = ", ".join(f"{name} {value}" for name, value in (spread(offered.answered) or {}).items() if name != "mean")
    yield (
        f"webhooks      {len(offered.answered)} messages in {offered.seconds:.0f} s at {offered.rate:.0f}/s, everything at"
        f" work: answered after {times} ms; {offered.refused} refused"
    )
    late = 1000 * percentile(offered.late_starts, 0.99)
    yield f"              (the load generator itself was late by p99 {late:.1f} ms, and that counts)"
    if offered.drained is None:
        yield "              NOT every message taken was answered in the time allowed"
    else:
        yield f"              every message taken was answered, the last {offered.drained:.1f} s after the last message"
    yield f"              others used {offered.usage.noise:.2f} cores meanwhile"


def _offered_json(offered: Offered) -> dict[str, Any]:
    return {
        "rate": offered.rate,
        "seconds": offered.seconds,
        "messages": len(offered.answered),
        "refused": offered.refused,
        "acknowledged_ms": spread(offered.answered),
        "generator_late_ms": spread(offered.late_starts),
        "drained_after_s": offered.drained,
        "cores_used_by_others": round(offered.usage.noise, 3),
        "cores_used": {name: round(used / offered.usage.wall, 3) for name, used in offered.usage.ours.items()},
    }
