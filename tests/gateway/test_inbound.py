"""A message is answered only when it is safe with us, and only Twilio can bring one."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
import yaml

from bot.channels.twilio import read_inbound
from bot.gateway.app import create_app
from bot.store.database import Database
from tests.channels.inbound_forms import (
    TOKEN,
    Form,
    encoded,
    hidden_number,
    media,
    sid,
    sign,
    signed,
    sms,
    tap,
    whatsapp,
)

from .conftest import INBOUND, PUBLIC, STATUS, Twilio, caller, fields, settings_for

_CAPTURED = yaml.safe_load((Path(__file__).parents[1] / "channels" / "captured_forms.yml").read_text("utf-8"))
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


# What is genuine


async def test_a_genuine_message_is_stored_and_answered_with_nothing_to_say(twilio: Twilio) -> None:
    form = whatsapp("ñ & = % + 😀 مرحبا\r\n", sender="whatsapp:+573001112222")
    answer = await twilio.writes(form)
    assert (answer.status_code, answer.text) == (200, EMPTY)
    assert answer.headers["content-type"].startswith("text/xml")
    (message,) = await twilio.stored()
    assert dataclasses.asdict(message) == dataclasses.asdict(read_inbound(form))


@pytest.mark.parametrize("case", _CAPTURED["inbound"], ids=lambda case: case["name"])
async def test_every_captured_form_is_taken_in_as_it_came(twilio: Twilio, case: dict[str, Any]) -> None:
    form = list(case["form"].items())
    assert (await twilio.writes(form)).status_code == 200
    (message,) = await twilio.stored()
    assert dataclasses.asdict(message) == dataclasses.asdict(read_inbound(form))


@pytest.mark.parametrize("case", _CAPTURED["status"], ids=lambda case: case["name"])
async def test_a_report_is_never_taken_for_a_persons_words(twilio: Twilio, case: dict[str, Any]) -> None:
    assert (await twilio.writes(list(case["form"].items()))).status_code == 400
    assert await twilio.count("inbox") == 0


async def test_nothing_of_a_message_is_readable_in_the_database(twilio: Twilio) -> None:
    await twilio.writes(whatsapp("canario secreto", sender="whatsapp:+573009998877"))
    async with twilio.database.transaction() as session:
        for table in ("inbox", "address", "contact"):
            for row in await session.all(sa.text(f'SELECT "{table}"::text AS row FROM "{table}"')):
                assert "canario" not in row["row"] and "3009998877" not in row["row"]
                assert b"canario".hex() not in row["row"] and b"3009998877".hex() not in row["row"]


@pytest_asyncio.fixture
async def commits_fail(database: Database) -> AsyncIterator[None]:
    """As if the disk were full at the last moment: every insert into the inbox fails at its commit."""
    async with database.transaction() as session:
        await session.run(
            sa.text(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '57P01'; END $$"
            )
        )
        await session.run(
            sa.text(
                "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON inbox DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION fail()"
            )
        )
    yield
    async with database.transaction() as session:
        await session.run(sa.text("DROP FUNCTION fail CASCADE"))


@pytest.mark.usefixtures("commits_fail")
async def test_what_could_not_be_committed_is_not_answered_as_taken(twilio: Twilio) -> None:
    assert (await twilio.writes(whatsapp("hello"))).status_code == 503
    assert await twilio.count("inbox") == 0
    assert await twilio.count("contact") == 0


async def test_while_a_message_cannot_be_written_there_is_no_answer_yet(twilio: Twilio) -> None:
    form = whatsapp("hello")
    async with twilio.database.transaction() as session:
        await session.run(sa.text("LOCK TABLE inbox IN EXCLUSIVE MODE"))
        answer = asyncio.create_task(twilio.writes(form))
        await asyncio.sleep(0.3)
        assert not answer.done()
    assert (await answer).status_code == 200
    assert len(await twilio.stored()) == 1


# What is not


def _forged(form: Form) -> dict[str, tuple[Form, dict[str, Any]]]:
    other: dict[str, dict[str, Any]] = {name: {"signature": sign(TOKEN, url, form)} for name, url in {
        "http in place of https": f"http://harbour.example.org{INBOUND}",
        "another path": f"{PUBLIC}{STATUS}",
        "another host": f"https://evil.example.org{INBOUND}",
        "a trailing slash": f"{PUBLIC}{INBOUND}/",
        "a query that did not come": f"{PUBLIC}{INBOUND}?a=1",
    }.items()}  # fmt: skip
    good = sign(TOKEN, PUBLIC + INBOUND, form)
    bad: dict[str, dict[str, Any]] = {
        "no header": {"signature": None},
        "an empty header": {"signature": " "},
        "rubbish": {"signature": "rubbish"},
        "letters beyond ASCII": {"signature": b"\xff\xfe"},
        "cut short": {"signature": good[:-2]},
        "another case": {"signature": good.swapcase()},
        "another token": {"token": "another-token"},
        "an empty token": {"token": ""},
    }
    return {
        **{name: (form, headers) for name, headers in {**other, **bad}.items()},
        "a changed text": (fields(form, Body="changed"), {"signature": good}),
        "another sender": (fields(form, From="whatsapp:+15550009999"), {"signature": good}),
        "a field more": ([*form, ("Extra", "")], {"signature": good}),
        "a field less": (fields(form, NumMedia=None), {"signature": good}),
        "a query more": (form, {"signature": good, "query": "a=1"}),
    }


@pytest.mark.parametrize("name", _forged(whatsapp("hello")))
async def test_what_twilio_did_not_sign_is_refused_and_leaves_nothing(twilio: Twilio, name: str) -> None:
    form, how = _forged(whatsapp("hello"))[name]
    for path in (INBOUND, STATUS):
        if (name, path) == ("another path", STATUS):
            continue
        answer = await twilio.post(path, form, **how)
        assert answer.status_code == 403
        assert answer.json()["error"] == "bad_signature"
    for table in ("inbox", "contact", "address", "outbox"):
        assert await twilio.count(table) == 0


async def test_a_repeated_field_cannot_smuggle_in_another_text(twilio: Twilio) -> None:
    form = whatsapp("hello")
    signature = sign(TOKEN, PUBLIC + INBOUND, form)
    for forged in ([("Body", "changed"), *form], [*form, ("Body", "changed")]):
        assert (await twilio.writes(forged, signature=signature)).status_code == 403
    again = [*form, ("Body", "hello")]  # Twilio signs each distinct value of a key once
    assert (await twilio.writes(again, signature=signature)).status_code == 200
    assert [message.text for message in await twilio.stored()] == ["hello"]


async def test_without_an_account_no_webhook_is_believed(postgres_url: str, database: Database) -> None:
    async with caller(create_app(settings_for(postgres_url, twilio_account_sid=""))) as http:
        for path in (INBOUND, STATUS):
            form = whatsapp("hello")
            answer = await http.post(path, content=encoded(form), headers=signed(PUBLIC + path, form))
            assert answer.status_code == 403
    assert await Twilio(http, database).count("inbox") == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"From": None}, "From"),
        ({"From": "whatsapp:"}, "From"),
        ({"From": "messenger:1"}, "From"),
        ({"To": ""}, "To"),
        ({"MessageSid": None, "SmsSid": None, "SmsMessageSid": None}, "MessageSid"),
        ({"MessageSid": "S" * 300}, "MessageSid"),
        ({"Latitude": "north", "Longitude": "1"}, "Latitude"),
    ],
)
async def test_a_signed_message_that_lacks_what_it_must_have_is_refused_by_name(
    twilio: Twilio, change: dict[str, str | None], field: str
) -> None:
    answer = await twilio.writes(fields(whatsapp("hello"), **change))
    assert answer.status_code == 400
    assert field in answer.json()["sentence"]
    assert await twilio.count("inbox") == await twilio.count("contact") == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_served(twilio: Twilio, method: str) -> None:
    for path in (INBOUND, STATUS):
        assert (await twilio.http.request(method, path)).status_code == 405


# Twice


async def test_a_message_that_comes_again_is_stored_once_and_answered_the_same(twilio: Twilio) -> None:
    form = whatsapp("hello")
    answers = [await twilio.writes(form) for _ in range(3)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, EMPTY)}
    assert len(await twilio.stored()) == 1


async def test_a_message_that_comes_twenty_times_at_once_is_stored_once(twilio: Twilio) -> None:
    form = whatsapp("hello")
    answers = await asyncio.gather(*(twilio.writes(form) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await twilio.stored()) == 1
    assert await twilio.count("contact") == 1


async def test_the_same_id_on_another_channel_is_another_message(twilio: Twilio) -> None:
    same = sid("SM")
    sids = {"MessageSid": same, "SmsSid": same, "SmsMessageSid": same}
    await twilio.writes(whatsapp("hello", **sids))
    await twilio.writes(sms("hello", **sids))
    assert len(await twilio.stored()) == 2


async def test_a_fresh_message_and_its_contact_are_numbered_in_the_order_of_their_answers(twilio: Twilio) -> None:
    for number in range(10):
        await twilio.writes(whatsapp(str(number)))
    assert [message.text for message in await twilio.stored()] == [str(number) for number in range(10)]


# Who it is


def _number(text: str, **more: str) -> Form:
    return whatsapp(text, sender="whatsapp:+573001112222", user_id="whatsapp:CO.1A2B", **more)


def _hidden(text: str, **more: str) -> Form:
    return hidden_number(text, user_id="whatsapp:CO.1A2B", **more)


async def _contacts(twilio: Twilio) -> int:
    """How many contacts there are; each message belongs to the contact of the address it came from."""
    mixed = await twilio.row(
        "SELECT count(*) AS n FROM inbox i JOIN address a ON a.id = i.address_id WHERE a.contact_id <> i.contact_id"
    )
    assert mixed["n"] == 0, "messages belong to another contact than the address they came from"
    return await twilio.count("contact")


@pytest.mark.parametrize("forms", [(_hidden, _number), (_number, _hidden), (_hidden, _number, _hidden)])
async def test_who_hides_or_shows_the_number_stays_the_same_person(twilio: Twilio, forms: Any) -> None:
    for form in forms:
        assert (await twilio.writes(form("hello"))).status_code == 200
    assert await _contacts(twilio) == 1
    assert await twilio.count("address") == 2


async def test_a_parent_user_id_is_the_same_person_too(twilio: Twilio) -> None:
    await twilio.writes(_number("hello", ParentExternalUserId="whatsapp:CO.ENT.9x"))
    await twilio.writes(hidden_number("hello", user_id="whatsapp:CO.ENT.9x"))
    assert await _contacts(twilio) == 1
    assert await twilio.count("address") == 3


async def test_two_first_messages_of_one_person_at_the_same_moment_make_one_contact(twilio: Twilio) -> None:
    """One with the number and the user id, one with the user id alone; each takes another lock."""
    for round_ in range(30):
        user_id = f"whatsapp:CO.{round_}A"
        shown = whatsapp("hello", sender=f"whatsapp:+5730011122{round_:02}", user_id=user_id)
        await asyncio.gather(twilio.writes(shown), twilio.writes(hidden_number("hello", user_id=user_id)))
    assert await _contacts(twilio) == 30
    assert await twilio.count("inbox") == 60


async def test_the_same_number_by_sms_is_kept_apart_from_whatsapp(twilio: Twilio) -> None:
    await twilio.writes(whatsapp("hello", sender="whatsapp:+573001112222"))
    await twilio.writes(sms("hello", sender="+573001112222"))
    assert await twilio.count("contact") == 2


async def test_when_somebody_writes_their_window_opens(twilio: Twilio) -> None:
    await twilio.writes(whatsapp("hello"))
    row = await twilio.row(
        "SELECT a.last_inbound_at = i.received_at AS same FROM inbox i JOIN address a ON a.id = i.address_id"
    )
    assert row["same"]


@pytest.mark.parametrize(
    "form",
    [tap("Talk", "person"), media(("audio/ogg", "https://api.twilio.com/x"), caption="listen"), sms("STOP")],
)
async def test_taps_voice_notes_and_stop_are_messages_like_any_other(twilio: Twilio, form: Form) -> None:
    assert (await twilio.writes(form)).status_code == 200
    assert await twilio.count("inbox") == 1
