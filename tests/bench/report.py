"""Numbers to text: one table, where the processor's time went, the goals.

Owns: Cell, table(), processor_table(), Goal, goals().
May import: this package.
Start reading at: `Cell`.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.load import Offered, Run, Taken
from tests.bench.machine import Usage

MOST_GROWTH, AT_TEN, AT_SIX_HUNDRED, LONGEST_ACK = 1.1, 1.5, 30.0, 0.100


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of values does not exceed; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


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

    def add(self, run: Run, usage: Usage, *, new_round: bool = True) -> None:
        """One more stretch."""
        self.taken += run.taken
        self.counted += run.counted
        self.wall += run.wall
        self.usage.add(usage)
        if new_round and run.wall:
            self.rates.append(run.counted / run.wall)

    @property
    def rate(self) -> float:
        """Turns a second."""
        return self.counted / self.wall if self.wall else float("nan")

    @property
    def called(self) -> list[float]:
        """Seconds from POST until Twilio was called."""
        return [one.called for one in self.taken]

    @property
    def acknowledged(self) -> list[float]:
        """Seconds from POST until the webhook was answered."""
        return [one.acknowledged for one in self.taken]

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
            "turns_per_second_by_round": [round(rate, 3) for rate in self.rates],
            "post_to_committed_ms": _spread(self.committed),
            "post_to_twilio_ms": _spread(self.called),
            "post_to_acknowledged_ms": _spread(self.acknowledged),
            "processor_ms_a_turn": {name: round(value, 3) for name, value in self.processor_ms().items()},
            "cores_used_by_others": round(self.usage.noise, 3),
        }


def _spread(seconds: Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    values = {"p50": percentile(seconds, 0.5), "p90": percentile(seconds, 0.9), "p99": percentile(seconds, 0.99)}
    values |= {"mean": statistics.fmean(seconds), "max": max(seconds)}
    return {name: round(1000 * value, 2) for name, value in values.items()}


def table(cells: Sequence[Cell]) -> list[str]:
    """Throughput and latency of every cell."""
    lines = [
        "                          |  throughput            | POST to commit, ms  | POST to Twilio, ms  | others'",
        "system  at once    length | turns  turns/s  rounds |      p50       p99  |      p50       p99  | cores",
    ]
    lines.append("-" * len(lines[1]))
    for cell in cells:
        rounds = f"{min(cell.rates):.0f}-{max(cell.rates):.0f}" if len(cell.rates) > 1 else ""
        lines.append(
            f"{cell.system:<8}{cell.at_once:>7}{cell.length:>10} |{len(cell.taken):>6} {cell.rate:>8.1f} {rounds:>7} |"
            f"{_pair(cell.committed)} |{_pair(cell.called)} |{cell.usage.noise:>6.2f}"
        )
    return lines


def _pair(seconds: Sequence[float]) -> str:
    if not seconds:
        return f"{'-':>9} {'-':>9} "
    return f"{1000 * percentile(seconds, 0.5):>9.1f} {1000 * percentile(seconds, 0.99):>9.1f} "


def processor_table(cells: Sequence[Cell]) -> list[str]:
    """Milliseconds of processor a turn, by process."""
    names = list(dict.fromkeys(name for cell in cells for name in cell.processor_ms()))
    lines = ["system  at once    length |" + "".join(f"{name:>10}" for name in names) + "     total"]
    lines.append("-" * len(lines[0]))
    for cell in cells:
        spent = cell.processor_ms()
        columns = "".join(f"{spent[name]:>10.2f}" if name in spent else f"{'-':>10}" for name in names)
        lines.append(f"{cell.system:<8}{cell.at_once:>7}{cell.length:>10} |{columns}{sum(spent.values()):>10.2f}")
    return lines


@dataclasses.dataclass(frozen=True)
class Goal:
    """One promise and whether it was kept; `value` is None when it was not measured."""

    text: str
    value: float | None
    reached: bool | None
    unit: str = ""

    def line(self) -> str:
        """As printed."""
        verdict = {True: "reached", False: "NOT REACHED", None: "not measured"}[self.reached]
        shown = "" if self.value is None else f" measured {self.value:.2f}{self.unit}"
        return f"{verdict:<13} {self.text};{shown}"


Cells = Mapping[tuple[str, int, int], Cell]


def goals(cells: Cells, offered: Offered | None, short: int, long: int) -> list[Goal]:
    """Every goal, in the order of the design."""
    growth = ratio(cells, ("harbour", 1, long), ("harbour", 1, short), "p50")
    at_ten = ratio(cells, ("harbour", 16, short), ("rasa", 16, short), "rate")
    at_long = ratio(cells, ("harbour", 16, long), ("rasa", 16, long), "rate")
    ack = percentile(offered.answered, 0.99) if offered else None
    refused = offered is not None and offered.refused > 0
    return [
        _goal(f"a turn after {long} costs at most {MOST_GROWTH} x a turn after {short} (median to Twilio)", growth,
              growth is not None and growth <= MOST_GROWTH),
        _goal(f"at length {short}, at least {AT_TEN} x Rasa's turns/s with 16 contacts", at_ten,
              at_ten is not None and at_ten >= AT_TEN),
        _goal(f"at length {long}, at least {AT_SIX_HUNDRED:.0f} x Rasa's turns/s with 16 contacts", at_long,
              at_long is not None and at_long >= AT_SIX_HUNDRED),
        Goal(f"webhooks answered within {1000 * LONGEST_ACK:.0f} ms (p99) at 80 messages/s", ack and 1000 * ack,
             None if ack is None else ack <= LONGEST_ACK and not refused, " ms"),
    ]  # fmt: skip


def _goal(text: str, value: float | None, reached: bool) -> Goal:
    return Goal(text, value, None if value is None else reached, " x")


def ratio(cells: Cells, over: tuple[str, int, int], under: tuple[str, int, int], what: str) -> float | None:
    """One cell over another: by `rate`, by median time to Twilio (`p50`), or by `processor` time."""
    above, below = cells.get(over), cells.get(under)
    if above is None or below is None or not above.taken or not below.taken:
        return None
    if what == "rate":
        return above.rate / below.rate
    if what == "processor":
        return sum(above.processor_ms().values()) / sum(below.processor_ms().values())
    return percentile(above.called, 0.5) / percentile(below.called, 0.5)


def offered_lines(offered: Offered, drained: float | None, note: str) -> list[str]:
    """The open loop in words."""
    answered = offered.answered
    times = ", ".join(
        f"{name} {1000 * value:.1f}"
        for name, value in (
            ("p50", percentile(answered, 0.5)),
            ("p90", percentile(answered, 0.9)),
            ("p99", percentile(answered, 0.99)),
            ("max", max(answered, default=float("nan"))),
        )
    )
    lines = [
        f"{note}: {len(answered)} messages in {offered.seconds:.0f} s at {offered.rate:.0f}/s, {offered.refused} refused;"
        f" answered after ms: {times}",
        f"  (the load generator itself was late by p99 {1000 * percentile(offered.late_starts, 0.99):.1f} ms; that counts)",
    ]
    if drained is not None:
        lines.append(f"  every message taken was answered, the last answer sent {drained:.1f} s after the last message")
    else:
        lines.append("  NOT every message taken was answered in the time allowed")
    return lines


def offered_json(offered: Offered, drained: float | None) -> dict[str, Any]:
    """For --out."""
    return {
        "rate": offered.rate,
        "seconds": offered.seconds,
        "messages": len(offered.answered),
        "refused": offered.refused,
        "acknowledged_ms": _spread(offered.answered),
        "generator_late_ms": _spread(offered.late_starts),
        "drained_after_s": drained and round(drained, 2),
    }
