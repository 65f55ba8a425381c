"""Changed lexicons are run over what people wrote before anybody depends on them."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from bot import replay as replaying
from bot.cli import app
from bot.errors import ConfigurationError, ContentError
from bot.replay import replay
from bot.settings import Settings
from bot.store.tables import audit_entry, contact, inbox
from tests.world import World

LEXICON = """\
language: en
version: 1
entries:
"""
ENTRY = """\
  - id: en-{id}
    category: {category}
    signals: {signals}
    patterns: [{pattern}]
    rationale: for the test
    source: for the test
"""
HIGH = ENTRY.format(id="high", category="R1", signals="intent", pattern="greyharbour")
WISH = ENTRY.format(id="wish", category="R1", signals="wish", pattern="greyharbour")
MORE = ENTRY.format(id="more", category="R1", signals="wish", pattern="whiteharbour")


def lexicons(folder: Path, *entries: str) -> Path:
    folder.mkdir()
    (folder / "en.yml").write_text(LEXICON + "".join(entries), encoding="utf-8")
    return folder


@pytest.fixture
def settings(postgres_url: str, tmp_path: Path) -> Settings:
    """An operator's settings; screened today with one entry of level 3."""
    seal, lookup = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"l"))
    folder = lexicons(tmp_path / "now", HIGH)
    return Settings(DATABASE_URL=postgres_url, encryption_keys=f"test:{seal}", lookup_key=lookup, lexicon_folder=folder)


async def written(world: World, *texts: str) -> None:
    person = world.person()
    await person.consents()
    for text in texts:
        await person.writes(text)


async def test_a_level_that_falls_from_high_is_listed_without_the_words(
    world: World, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await written(world, "my greyharbour canary", "hello canary")
    ended = await replay(settings, lexicons(tmp_path / "new", WISH), days=30, by="Amal")
    said = capsys.readouterr().out
    ids = [row["id"] for row in await world.rows(inbox)]
    line = next(line for line in said.splitlines() if "->" in line)
    assert line.split()[0] == str(min(ids))
    assert "2026-11-23" in line and " en " in line and "3 -> 2" in line and "R1 -> R1" in line
    assert "-en-high" in line and "+en-wish" in line
    assert "2 messages, each read alone: 1 levels change." in said
    assert "greyharbour" not in said and "canary" not in said and "+1555" not in said
    assert ended == 1


async def test_a_level_that_rises_is_listed_and_is_no_failure(
    world: World, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await written(world, "whiteharbour", "greyharbour")
    assert await replay(settings, lexicons(tmp_path / "new", HIGH, MORE), days=30, by="Amal") == 0
    said = capsys.readouterr().out
    assert "0 -> 2" in said and "1 levels change" in said and "none -> R1" in said


async def test_what_changes_nothing_lists_nothing(
    world: World, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await written(world, "greyharbour")
    shutil.copytree(settings.lexicon_folder, tmp_path / "copy")
    assert await replay(settings, tmp_path / "copy", days=30, by="Amal") == 0
    assert "->" not in capsys.readouterr().out


async def test_each_message_is_read_alone_whatever_was_written_before(
    world: World, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await written(world, "greyharbour", "whiteharbour")
    await replay(settings, lexicons(tmp_path / "new", HIGH, MORE), days=30, by="Amal")
    assert "0 -> 2" in capsys.readouterr().out, "with what came before it would have been 3, and no change"


async def test_only_the_days_that_were_asked_for_are_read_however_many_messages_there_are(
    world: World,
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replaying, "_AT_ONCE", 2)
    await written(world, "greyharbour")
    world.pass_time(days=8)
    await written(world, "greyharbour", "hello", "greyharbour", "hello", "greyharbour")
    await replay(settings, lexicons(tmp_path / "new", WISH), days=7, by="Amal")
    assert "5 messages, each read alone: 3 levels change." in capsys.readouterr().out


async def test_somebody_under_18_is_read_as_such(
    world: World, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await written(world, "greyharbour")
    async with world.database.transaction() as session:
        await session.run(sa.update(contact).values(age_band="teen"))
    assert await replay(settings, lexicons(tmp_path / "new", WISH), days=7, by="Amal") == 0
    assert "0 levels change" in capsys.readouterr().out, "for a minor a wish is level 3 too"


async def test_a_message_without_its_key_is_counted_and_the_others_are_read(
    world: World, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await written(world, "greyharbour", "greyharbour")
    async with world.database.transaction() as session:
        first = sa.select(sa.func.min(inbox.c.id)).scalar_subquery()
        await session.run(sa.update(inbox).where(inbox.c.id == first).values(sealed=b"\x04lost" + bytes(40)))
    await replay(settings, lexicons(tmp_path / "new", WISH), days=7, by="Amal")
    said = capsys.readouterr().out
    assert "1 messages, each read alone: 1 levels change." in said and "1 messages could not be opened" in said


async def test_who_read_is_in_the_audit(world: World, settings: Settings, tmp_path: Path) -> None:
    await written(world, "hello")
    await replay(settings, lexicons(tmp_path / "new", WISH), days=7, by="Amal")
    acts = [(row["by"], row["act"]) for row in await world.rows(audit_entry)]
    assert ("Amal", "replayed the messages of 7 days") in acts


async def test_a_folder_that_cannot_be_used_is_said(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="no lexicon"):
        await replay(settings, tmp_path / "nowhere", days=7, by="Amal")
    with pytest.raises(ConfigurationError, match="--days"):
        await replay(settings, tmp_path, days=0, by="Amal")


def test_the_command_ends_with_1_when_a_level_falls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def fallen(settings: Settings, folder: Path, *, days: int, by: str) -> int:
        assert (folder, days, by) == (tmp_path, 3, "Amal")
        return 1

    monkeypatch.setattr(replaying, "replay", fallen)
    result = CliRunner().invoke(app, ["screen", "--replay", str(tmp_path), "--days", "3", "--by", "Amal"])
    assert result.exit_code == 1
