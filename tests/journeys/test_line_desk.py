"""Keeping the list from a terminal: from a file to a line that people are given, and out again."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from bot import line_desk
from bot.errors import ContentError
from bot.settings import Settings
from bot.store.tables import help_line
from escalation.lines import VerifyMethod
from tests.world import ROOT, World

EXAMPLE = ROOT / "docs" / "examples" / "lines.yml"


@pytest.fixture
def settings(postgres_url: str) -> Settings:
    """An operator's settings for the tests' database and keys."""
    seal, lookup = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"l"))
    return Settings(DATABASE_URL=postgres_url, encryption_keys=f"test:{seal}", lookup_key=lookup)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The example, with numbers put in."""
    path = tmp_path / "lines.yml"
    written = EXAMPLE.read_text(encoding="utf-8")
    for number in ("00 01", "00 02", "00 03"):
        written = written.replace("value: unknown", f'value: "{number}"', 1)
    path.write_text(written.replace("may_call_police: yes", "may_call_police: no"), encoding="utf-8")
    return path


async def test_from_a_file_to_a_person_and_out_again(
    world: World, settings: Settings, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await line_desk.import_file(settings, file, by="Amal", replace=False)
    assert "xx-emergency             new, unverified" in capsys.readouterr().out
    assert "00 01" not in " ".join(await world.person("+1").writes("i want to die"))

    day = world.now.date() - timedelta(days=91)
    await line_desk.verify_line(settings, "xx-emergency", by="Mira", how=VerifyMethod.CALLED, on=day, settled=False)
    await line_desk.print_list(settings, "XX")
    shown = capsys.readouterr().out
    assert "89         2026-11-22  check it again" in shown
    assert "not given: not verified" in shown, "the other one"
    world.pass_time(seconds=6)
    assert "00 01" in " ".join(await world.person("+2").writes("i want to die"))

    await line_desk.suspend_line(settings, "xx-emergency", by="Amal", reason="nobody picks up")
    await line_desk.print_list(settings, "")
    assert "not given: nobody picks up" in capsys.readouterr().out
    world.pass_time(seconds=6)
    assert "00 01" not in " ".join(await world.person("+3").writes("i want to die"))


async def test_a_disagreement_is_shown_with_both_versions(
    world: World, settings: Settings, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await line_desk.import_file(settings, file, by="Amal", replace=False)
    file.write_text(file.read_text(encoding="utf-8").replace("00 01", "00 09"), encoding="utf-8")
    await line_desk.import_file(settings, file, by="Amal", replace=False)
    await line_desk.print_list(settings, "")
    shown = capsys.readouterr().out
    assert "suspended: the file says something else" in shown
    assert '"00 01"' in shown and '"00 09"' in shown and "lines.yml:6" in shown


async def test_a_file_with_a_mistake_changes_nothing(world: World, settings: Settings, file: Path) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace("type: emotional_support", "type: kind"), encoding="utf-8")
    with pytest.raises(ContentError, match="type:"):
        await line_desk.import_file(settings, file, by="Amal", replace=False)
    assert await world.rows(help_line) == []


async def test_the_shipped_example_can_never_reach_anybody(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await line_desk.import_file(settings, EXAMPLE, by="Amal", replace=False)
    assert "no number yet, so it cannot be verified" in capsys.readouterr().out
    await line_desk.print_list(settings, "YY")
    assert "There are no lines" in capsys.readouterr().out


async def test_the_demo_brings_no_help_line(world: World) -> None:
    assert await world.rows(help_line) == []
