"""Golden conversations: what a person wrote, and exactly what they read.

A file is what `harbour chat --record` writes: channel, language, turns of `person` and `bot`. It may
also say `consented: true` (the welcome is behind them), `night: true` (nobody is on duty), and, at a
turn, `intent` (what the engine makes of the words), `button` (the payload tapped) and `days` (that
passed before). To take over what is answered now, run this file with WRITE_TRANSCRIPTS=1; then read
every changed line as the person would.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.store.contacts import change_contact, find_or_create
from bot.vocabulary import Channel
from tests.world import NIGHT, Person, World, shipped

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*/*.yml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_the_person_reads_what_is_written_here(world: World, path: Path) -> None:
    transcript = yaml.safe_load(path.read_text(encoding="utf-8"))
    person = await begin(world, transcript)
    played = [await one(world, person, turn) for turn in transcript["turns"]]
    if os.environ.get("WRITE_TRANSCRIPTS"):
        write(path, {**transcript, "turns": played})
    assert [turn["bot"] for turn in played] == [turn["bot"] for turn in transcript["turns"]]


def test_every_shipped_flow_has_a_transcript() -> None:
    assert {path.parent.name for path in FILES} >= set(shipped().flows)


@pytest.mark.parametrize("flow", ["breathing", "groups"])
def test_the_flows_that_people_use_most_have_one_in_every_language(flow: str) -> None:
    languages = {
        yaml.safe_load(path.read_text(encoding="utf-8"))["language"] for path in FILES if path.parent.name == flow
    }
    assert languages >= set(shipped().service)


async def begin(world: World, transcript: dict[str, Any]) -> Person:
    """Somebody as the transcript has them before the first word."""
    if transcript.get("night"):
        world.now = NIGHT
    person = world.person(channel=Channel(transcript["channel"]))
    language = transcript["language"]
    if transcript.get("consented"):
        await person.consents(language)
    elif language:
        async with world.database.transaction() as session:
            contact_id, _ = await find_or_create(session, [person.address])
            await change_contact(session, contact_id, {"language": language, "language_chosen": True})
    return person


async def one(world: World, person: Person, turn: dict[str, Any]) -> dict[str, Any]:
    """One turn, with what was really answered."""
    world.pass_time(days=turn.get("days", 0))
    if "intent" in turn:
        world.understands(turn["person"], turn["intent"])
    button = {"button_payload": turn["button"], "button_title": turn["person"]} if "button" in turn else {}
    return {**turn, "bot": await person.writes(turn["person"], **button)}


class _Readable(yaml.SafeDumper):
    """Long texts as they are read, line by line."""


_Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def write(path: Path, transcript: dict[str, Any]) -> None:
    """The file, with what is answered now."""
    body = yaml.dump(transcript, Dumper=_Readable, allow_unicode=True, sort_keys=False, width=100)
    path.write_text(body, encoding="utf-8")
