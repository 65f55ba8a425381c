"""The list of help lines: an import never verifies, a disagreement stops, and only a human lets a line out."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from bot.care import line_book
from bot.care.line_book import Imported, LineError
from bot.care.line_files import ReadLine
from bot.store import lines
from bot.store.tables import audit_entry, help_line
from escalation.lines import (
    HelpLine,
    LineChannel,
    LineContact,
    LineStatus,
    VerifyMethod,
    may_be_sent,
)
from tests.escalation.test_lines import line
from tests.world import World

CALLED = VerifyMethod.CALLED


def fresh(id: str = "xx-talk", **changed: Any) -> HelpLine:
    """A line as a file brings it."""
    plain = line(id, status=LineStatus.UNVERIFIED, verified_on=None, verified_by="", verify_method=None)
    return dataclasses.replace(plain, **changed)


async def imports(world: World, *found: HelpLine, replace: bool = False) -> list[Imported]:
    read = [ReadLine(f"lines.yml:{number}", one) for number, one in enumerate(found, start=2)]
    async with world.database.transaction() as session:
        done = await line_book.import_lines(session, read, by="Amal", replace=replace)
    return [what for _, what in done]


async def verifies(world: World, line_id: str = "xx-talk", **more: Any) -> HelpLine:
    given = {"by": "Mira", "how": CALLED, **more}
    async with world.database.transaction() as session:
        return await line_book.verify(session, line_id, **given)


async def stored(world: World, line_id: str = "xx-talk") -> HelpLine:
    async with world.database.transaction() as session:
        found = await lines.one(session, line_id)
    assert found is not None
    return found


async def audited(world: World) -> list[tuple[str, str]]:
    return [(row["by"], row["act"]) for row in await world.rows(audit_entry)]


async def test_a_line_comes_back_from_the_database_as_it_went_in(world: World) -> None:
    one = fresh(contacts=(LineContact(LineChannel.SMS, "+00 00", "note", None, True, False),), anonymous=True)
    assert await imports(world, one) == [Imported.NEW]
    found = await stored(world)
    assert lines.describe(found) == lines.describe(one)
    assert found.status is LineStatus.UNVERIFIED and not may_be_sent(found, world.now.date())
    assert await audited(world) == [("Amal", "line xx-talk: imported, new, unverified")]


async def test_after_a_human_called_it_may_be_given_and_the_next_check_is_due_in_a_quarter(world: World) -> None:
    await imports(world, fresh())
    await verifies(world, on=world.now.date() - timedelta(days=10))
    found = await stored(world)
    assert may_be_sent(found, world.now.date())
    assert (found.verified_by, found.next_check_due) == ("Mira", world.now.date() + timedelta(days=80))
    assert ("Mira", "line xx-talk: verified, called, on 2026-11-13") in await audited(world)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"how": VerifyMethod.WEB}, "web page"),
        ({"by": "  "}, "who checked"),
        ({"on": 1}, "in the future"),
        ({"on": -181}, "no longer counts"),
        ({"line_id": "xx-other"}, "no line"),
    ],
)
async def test_what_is_no_check_by_a_human_of_late_is_refused(world: World, more: dict[str, Any], why: str) -> None:
    await imports(world, fresh())
    if "on" in more:
        more = {"on": world.now.date() + timedelta(days=more["on"])}
    with pytest.raises(LineError, match=why):
        await verifies(world, **more)
    assert (await stored(world)).status is LineStatus.UNVERIFIED


async def test_a_line_without_a_number_cannot_be_verified(world: World) -> None:
    await imports(world, fresh(contacts=(LineContact(LineChannel.PHONE, "unknown"),)))
    with pytest.raises(LineError, match="no number"):
        await verifies(world)


async def test_the_database_itself_refuses_an_active_line_that_nobody_checked(world: World) -> None:
    await imports(world, fresh())
    with pytest.raises(asyncpg.CheckViolationError):
        async with world.database.transaction() as session:
            await session.run(sa.update(help_line).values(status="active"))


# Disagreement


OTHER_NUMBER = (LineContact(LineChannel.PHONE, "00 11"),)


async def test_an_import_that_says_otherwise_suspends_the_line_and_keeps_both_versions(world: World) -> None:
    await imports(world, fresh())
    await verifies(world)
    assert await imports(world, fresh(contacts=OTHER_NUMBER)) == [Imported.SUSPENDED]
    found = await stored(world)
    assert found.status is LineStatus.SUSPENDED and not may_be_sent(found, world.now.date())
    assert found.contacts[0].value == "00 00"
    (conflict,) = found.conflicts
    assert conflict.field == "contacts" and "00 00" in conflict.ours and "00 11" in conflict.theirs
    assert conflict.source == "lines.yml:2"
    assert await imports(world, fresh(contacts=OTHER_NUMBER)) == [Imported.SUSPENDED]
    assert (await stored(world)).conflicts == (conflict,), "the same disagreement is noted once"


async def test_a_disagreement_is_not_lifted_by_a_check_that_does_not_speak_of_it(world: World) -> None:
    await imports(world, fresh())
    await imports(world, fresh(contacts=OTHER_NUMBER))
    with pytest.raises(LineError, match=r"Sources disagree.*contacts"):
        await verifies(world)
    with pytest.raises(LineError, match="from before"):
        await verifies(world, settled=True, on=world.now.date() - timedelta(days=1))
    assert may_be_sent(await verifies(world, settled=True), world.now.date())
    assert any("settled" in act for _, act in await audited(world))


async def test_taking_the_files_version_means_checking_anew(world: World) -> None:
    await imports(world, fresh())
    await verifies(world)
    assert await imports(world, fresh(contacts=OTHER_NUMBER), replace=True) == [Imported.REPLACED]
    found = await stored(world)
    assert found.contacts[0].value == "00 11" and found.status is LineStatus.UNVERIFIED


async def test_the_same_file_again_and_a_name_in_one_more_language_stop_nothing(world: World) -> None:
    await imports(world, fresh())
    await verifies(world)
    assert await imports(world, fresh()) == [Imported.SAME]
    assert await imports(world, fresh(name={"en": "The line xx-talk", "ar": "خط"})) == [Imported.REWORDED]
    found = await stored(world)
    assert may_be_sent(found, world.now.date()) and found.name["ar"] == "خط"


async def test_one_number_is_one_line_however_it_is_spaced(world: World) -> None:
    await imports(world, fresh())
    spaced = fresh("xx-two", contacts=(LineContact(LineChannel.PHONE, "(00) 00"),))
    new = fresh("xx-new", contacts=OTHER_NUMBER)
    with pytest.raises(LineError, match=r'lines\.yml:3: "xx-two" has a number of "xx-talk"'):
        await imports(world, new, spaced)
    assert [row["id"] for row in await world.rows(help_line)] == ["xx-talk"], "nothing half imported"


async def test_a_suspended_line_is_given_again_only_after_a_check_of_that_day_or_later(world: World) -> None:
    await imports(world, fresh())
    await verifies(world)
    async with world.database.transaction() as session:
        await line_book.suspend(session, "xx-talk", by="Amal", reason="nobody picks up")
    assert not may_be_sent(await stored(world), world.now.date())
    assert ("Amal", "line xx-talk: suspended: nobody picks up") in await audited(world)
    with pytest.raises(LineError, match="from before"):
        await verifies(world, on=world.now.date() - timedelta(days=1))
    assert may_be_sent(await verifies(world), world.now.date())
    with pytest.raises(LineError, match="why"):
        async with world.database.transaction() as session:
            await line_book.suspend(session, "xx-talk", by="Amal", reason=" ")
