"""Who may import whom, and where things may be committed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMIT = re.compile(r"\.commit\(|\bCOMMIT\b")


def sources() -> list[Path]:
    """Every file of the application and of the engine's own part."""
    found = [path for folder in ("bot", "escalation") for path in (ROOT / folder).rglob("*.py")]
    return [path for path in found if ".venv" not in path.parts]


def test_every_import_keeps_to_the_contracts() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_things_are_committed_in_one_place_only() -> None:
    places = {
        path.relative_to(ROOT).as_posix() for path in sources() if COMMIT.search(path.read_text(encoding="utf-8"))
    }
    assert places == {"bot/store/database.py"}


def test_there_are_no_drawers_for_odds_and_ends() -> None:
    names = {path.stem for path in sources()} | {path.parent.name for path in sources()}
    assert not names & {"utils", "util", "common", "helpers", "managers", "services", "misc"}


def test_every_module_says_what_it_owns_and_where_to_start() -> None:
    silent = []
    for path in sources():
        if path.name.startswith("_") or "migrations" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if not text.startswith('"""') or "Owns:" not in text or "Start reading at" not in text:
            silent.append(path.relative_to(ROOT).as_posix())
    assert not silent
