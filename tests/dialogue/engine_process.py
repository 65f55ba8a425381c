"""A real engine in a process of its own, for any test that wants one.

    with running_engine(folder) as engine:
        RasaEngine(engine.url)

The model is trained once and kept in `models/` by its fingerprint, like the one in use.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "bot" / "engine" / ".venv" / "bin" / "python"
MODELS = ROOT / "models"
PATIENCE = 120.0


class EngineProcess:
    """One engine on a port of this machine. `log` holds all it ever printed."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.port = port or free_port()
        self.log = folder / f"engine-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start it and wait until it has its model. How long that took, in seconds."""
        begun = time.monotonic()
        command = [str(PYTHON), "-m", "bot.engine.serve", "--model", str(MODELS), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=log, stderr=log)
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() - begun > PATIENCE:
                raise AssertionError(
                    f"the engine did not start ({self._process.poll()}): {self.log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.05)
        return time.monotonic() - begun

    def stop(self) -> float:
        """Ask it to end (SIGTERM). How long that took, in seconds."""
        begun = time.monotonic()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
        return time.monotonic() - begun

    def kill(self) -> None:
        """As a crash: no goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def printed(self) -> str:
        """All it printed so far."""
        return self.log.read_text(errors="replace")

    def resident_megabytes(self) -> float:
        """Memory it holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def cpu_seconds(self) -> float:
        """Processor time it has used so far; unlike the clock, this does not tell how busy the machine is."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/webhooks/turn/health", timeout=1) as answer:
                return json.load(answer)["ready"] is True
        except (urllib.error.URLError, OSError):
            return False


@contextlib.contextmanager
def running_engine(folder: Path) -> Iterator[EngineProcess]:
    """A trained engine that answers; it ends with the block."""
    train()
    engine = EngineProcess(folder)
    try:
        engine.start()
        yield engine
    finally:
        engine.kill()


def train() -> str:
    """Make sure the model is there; what the training printed. One at a time on this machine."""
    MODELS.mkdir(exist_ok=True)
    with (MODELS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("bot.engine.train", "--out", str(MODELS))
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the engine's commands to its end."""
    command = [str(PYTHON), "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, timeout=300)


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "RASA_TELEMETRY_ENABLED": "false"}
