"""An author's folder: the shipped flows, to be changed and read again."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from bot.flow import Bundle, read_flows
from tests.world import ROOT


@dataclasses.dataclass
class Folder:
    """A copy of `flows/` that a test may spoil."""

    path: Path

    def write(self, file: str, text: str) -> None:
        """Put a file there."""
        (self.path / file).parent.mkdir(exist_ok=True)
        (self.path / file).write_text(text, encoding="utf-8")

    def change(self, file: str, old: str, new: str) -> None:
        """Replace the first `old` in a file; it must be there."""
        text = (self.path / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file} any more"
        self.write(file, text.replace(old, new, 1))

    def delete(self, file: str) -> None:
        """Remove a file."""
        (self.path / file).unlink()

    def read(self) -> Bundle:
        """Compile what is there."""
        return read_flows(self.path)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    shutil.copytree(ROOT / "flows", tmp_path / "flows")
    return Folder(tmp_path / "flows")
