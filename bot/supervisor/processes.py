"""Starting everything, watching it, restarting what dies, and stopping it again.

Owns: Supervisor, Child.
May import: settings, servers, psutil.
Start reading at: `Supervisor.run`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bot.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
ENGINE_PYTHON = ROOT / "bot" / "engine" / ".venv" / "bin" / "python"
MODELS = ROOT / "models"
_MOST_LOG = 20_000_000


@dataclasses.dataclass
class Child:
    """One process to keep running. `healthy` is the URL that answers 200 when it is ready.

    The higher its `niceness`, the less processor time it gets while others want it.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    healthy: str
    niceness: int = 0
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    next_start: float = 0.0

    def start(self, logs: Path) -> None:
        """Start it; what it prints goes to its log file."""
        path = logs / f"{self.name}.log"
        if path.exists() and path.stat().st_size > _MOST_LOG:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        if self.niceness:
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, self.process.pid, self.niceness)

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    def is_healthy(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(self.healthy, timeout=2) as answer:
                return int(answer.status) == 200
        except (OSError, urllib.error.URLError, ValueError):
            return False


class Supervisor:
    """Keeps children alive until told to stop.

    `servers` are embedded servers as (name, is running, start again) triples.
    """

    def __init__(self, children: Sequence[Child], logs: Path) -> None:
        self.children = children
        self.logs = logs
        self.servers: list[tuple[str, Callable[[], bool], Callable[[], object]]] = []
        self._stopping = False

    def start(self, say: Callable[[str], None], *, patience: float = 180) -> None:
        """Start all and wait until each answers. Raises ConfigurationError when one does not."""
        self.logs.mkdir(parents=True, exist_ok=True)
        for child in self.children:
            child.start(self.logs)
        waiting = list(self.children)
        until = time.monotonic() + patience
        while waiting and not self._stopping:
            for child in list(waiting):
                if child.is_healthy():
                    say(f"{child.name} is ready")
                    waiting.remove(child)
                elif not child.alive or time.monotonic() > until:
                    raise ConfigurationError(self._reason(child))
            time.sleep(0.1)

    def _reason(self, child: Child) -> str:
        path = self.logs / f"{child.name}.log"
        words = path.read_text(errors="replace").strip().splitlines()[-1:] if path.exists() else []
        what = "did not answer in time" if child.alive else "ended at once"
        return f"The {child.name} {what}. Its last words, from {path}: {' '.join(words) or '(none)'}"

    def watch(self) -> None:
        """Restart what dies, waiting longer each time, until `stop` is called."""
        while not self._stopping:
            for _, running, start in self.servers:
                if not running() and not self._stopping:
                    self._try(start)
            for child in self.children:
                self._revive(child)
            time.sleep(0.2)

    def _try(self, start: Callable[[], object]) -> None:
        try:
            start()
        except ConfigurationError as error:
            print(error.sentence, file=sys.stderr)
            time.sleep(1)

    def _revive(self, child: Child) -> None:
        if child.alive or self._stopping:
            return
        now = time.monotonic()
        if child.next_start == 0.0:
            child.restarts += 1
            child.next_start = now + min(5.0, 0.1 * 2 ** min(child.restarts, 6))
        elif now >= child.next_start:
            child.next_start = 0.0
            child.start(self.logs)

    def request_stop(self, *_: object) -> None:
        """Leave `watch` soon."""
        self._stopping = True

    def stop(self) -> None:
        """Stop every child: politely, then for good."""
        self._stopping = True
        for child in self.children:
            if child.alive and child.process:
                child.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 8
        for child in self.children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
