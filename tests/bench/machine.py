"""The machine: what it is, who used its processor, how much memory a process holds.

Owns: Meter, Group, describe(), memory_of().
May import: psutil, the standard library.
Start reading at: `Meter`.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

_TICKS = os.sysconf("SC_CLK_TCK")
Pids = Callable[[], list[int]]


def cpu_seconds(pid: int) -> float:
    """Processor time of all threads of a process, in nanoseconds' precision; 0 when it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # Linux: the clock of another process
    except OSError:
        return 0.0


def family(pid: int | None) -> list[int]:
    """A process and all its descendants."""
    try:
        process = psutil.Process(pid)
        return [process.pid, *(child.pid for child in process.children(recursive=True))]
    except (psutil.Error, TypeError):
        return []


@dataclasses.dataclass
class Usage:
    """Processor seconds by named process, what the machine spent besides, and the wall time."""

    wall: float = 0.0
    ours: dict[str, float] = dataclasses.field(default_factory=dict)
    foreign: float = 0.0
    stolen: float = 0.0

    def add(self, other: Usage) -> None:
        """Sum two stretches of time."""
        self.wall += other.wall
        self.foreign += other.foreign
        self.stolen += other.stolen
        for name, seconds in other.ours.items():
            self.ours[name] = self.ours.get(name, 0.0) + seconds

    @property
    def noise(self) -> float:
        """How many cores others kept busy, on average."""
        return (self.foreign + self.stolen) / self.wall if self.wall else 0.0


class Meter:
    """Processor time between two moments, of each of our processes and of everybody else.

    Which processes belong to a group is asked once: finding out costs more than a turn does.
    """

    def __init__(self, groups: Mapping[str, Pids]) -> None:
        self._groups = {name: pids() for name, pids in groups.items()}

    def read(self) -> Usage:
        """The counters as they stand; subtract two readings with `since`."""
        busy, stolen = _machine_seconds()
        ours = {name: sum(map(cpu_seconds, pids)) for name, pids in self._groups.items()}
        return Usage(time.perf_counter(), ours, busy, stolen)

    def since(self, begin: Usage) -> Usage:
        """What was used since that reading."""
        end = self.read()
        ours = {name: max(0.0, seconds - begin.ours.get(name, 0.0)) for name, seconds in end.ours.items()}
        # /proc/stat counts in hundredths of a second, so a short stretch may come out below zero.
        foreign = end.foreign - begin.foreign - sum(ours.values())
        return Usage(end.wall - begin.wall, ours, foreign, end.stolen - begin.stolen)


def _machine_seconds() -> tuple[float, float]:
    with Path("/proc/stat").open() as opened:
        fields = [int(value) / _TICKS for value in opened.readline().split()[1:]]
    user, nice, system, _, _, irq, softirq, steal = fields[:8]
    return user + nice + system + irq + softirq, steal


def memory_of(pids: list[int]) -> dict[str, float]:
    """Megabytes of these processes: RSS counts shared pages in each, PSS shares them out."""
    rss = pss = 0
    for pid in pids:
        try:
            found = psutil.Process(pid).memory_full_info()
        except psutil.Error:
            continue
        rss, pss = rss + found.rss, pss + getattr(found, "pss", found.rss)
    return {"processes": len(pids), "rss_mb": round(rss / 1e6, 1), "pss_mb": round(pss / 1e6, 1)}


def describe() -> dict[str, object]:
    """What the numbers were made on."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": [round(value, 2) for value in os.getloadavg()],
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
