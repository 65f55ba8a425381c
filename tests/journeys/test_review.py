"""Counsellors label at the desk, and supervisors read what raised no alarm."""

from __future__ import annotations

import base64

import pytest
from typer.testing import CliRunner

from bot import review
from bot.care.feedback import Finding
from bot.cli import app
from bot.desk import desk
from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.store.tables import audit_entry, inbox, label
from tests.world import Person, World


@pytest.fixture
def settings(postgres_url: str) -> Settings:
    """A counsellor's settings for the tests' database and keys."""
    seal, lookup = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"l"))
    return Settings(DATABASE_URL=postgres_url, encryption_keys=f"test:{seal}", lookup_key=lookup)


async def calm(world: World, number: str = "+15550002222") -> Person:
    person = world.person(number)
    await person.consents()
    await person.writes("hello")
    await person.writes("the canary sings")
    return person


async def acts(world: World) -> list[str]:
    return [row["act"] for row in await world.rows(audit_entry)]


async def test_a_counsellor_sees_the_numbers_and_labels_a_message(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    person = await calm(world)
    await person.writes("person")
    case = await person.case()
    assert case is not None
    number = sorted(row["id"] for row in await world.rows(inbox))[1]
    await desk(
        settings, case=str(case.id)[:8], answer="", take=False, close="", by="Amal", finding=Finding(3, number, "R1")
    )
    said = capsys.readouterr().out
    assert f"message {number} is labelled: given level 0, should have been 3" in said
    assert f"contact {number}" in next(line for line in said.splitlines() if "canary" in line)
    (row,) = await world.rows(label)
    assert (row["verdict"], row["category"]) == ("missed", "R1")
    entry = next(row for row in await world.rows(audit_entry) if row["act"] == "labelled a message as missed")
    assert (entry["by"], entry["case_id"]) == ("Amal", case.id)


async def test_a_supervisor_draws_the_sample_reads_it_and_labels_what_was_missed(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    person = await calm(world)
    contact = await person.contact()
    world.pass_time(days=10)
    await review.sample(settings, None, "", "Mira")
    said = capsys.readouterr().out
    assert "1 conversations of 2026-11" in said and str(contact.id) in said
    assert "canary" not in said
    await review.sample(settings, None, str(contact.id)[:8], "Mira", Finding(2))
    said = capsys.readouterr().out
    assert "the canary sings" in said and "should have been 2" in said
    assert await acts(world) == [
        "drew the sample of 2026-11",
        f"read the sampled conversation {str(contact.id)[:8]}",
        "labelled a message as missed",
    ]


async def test_a_conversation_that_was_not_drawn_is_not_shown(world: World, settings: Settings) -> None:
    alarming = world.person()
    await alarming.consents()
    await alarming.writes("i want to kill myself tonight")
    await calm(world)
    world.pass_time(days=10)
    contact = await alarming.contact()
    for read in (str(contact.id), "zz"):
        with pytest.raises(ConfigurationError, match="no one conversation in this sample"):
            await review.sample(settings, None, read, "Mira")
    assert await acts(world) == []


async def test_the_report_leaves_small_numbers_out(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(6):
        person = world.person(f"+1555000444{number}")
        await person.consents()
        await person.writes("i want to kill myself tonight")
    await review.report(settings, days=7)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3].split() == ["all", "6", "0", "0", "0"]
    few = settings.model_copy(update={"smallest_count": 7})
    await review.report(few, days=7)
    said = capsys.readouterr().out
    assert said.splitlines()[-3].split() == ["all", "·", "0", "0", "0"]
    assert "from 1 to 6" in said
    with pytest.raises(ConfigurationError, match="--days"):
        await review.report(settings, days=0)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["cases", "61", "--missed", "3", "--not-a-risk"], "not both"),
        (["cases", "61", "--message", "3"], "go with"),
        (["screen", "--sample", "--missed", "3"], "--read"),
    ],
)
def test_a_contradiction_is_said(given: list[str], says: str) -> None:
    result = CliRunner().invoke(app, given)
    assert isinstance(result.exception, ConfigurationError)
    assert says in result.exception.sentence
