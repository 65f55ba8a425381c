"""Reports on our messages move them forward only, in whatever order they come."""

from __future__ import annotations

import itertools
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from bot.channels.twilio import read_status
from bot.store import cases
from bot.vocabulary import Channel, DeliveryStatus

from .conftest import STATUS, Twilio

_CAPTURED = yaml.safe_load((Path(__file__).parents[1] / "channels" / "captured_forms.yml").read_text("utf-8"))


@pytest.mark.parametrize("case", _CAPTURED["status"], ids=lambda case: case["name"])
async def test_every_captured_report_finds_its_message(twilio: Twilio, case: dict[str, dict[str, str]]) -> None:
    message = await twilio.queued()
    form = list(case["form"].items())
    answer = await twilio.post(STATUS, form, query=f"message={message}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await twilio.status_of(message) == read_status(form, "").status.value
    row = await twilio.row("SELECT provider_id FROM outbox")
    assert row["provider_id"] == case["expect"]["provider_id"]


@pytest.mark.parametrize("order", list(itertools.permutations(["queued", "sent", "delivered", "read"])))
async def test_reports_that_overtake_each_other_end_the_same(twilio: Twilio, order: tuple[str, ...]) -> None:
    message = await twilio.queued()
    seen = [await twilio.status_of(message)]
    for status in order:
        assert (await twilio.reports(message, MessageStatus=status)).status_code == 204
        seen.append(await twilio.status_of(message))
    assert seen[-1] == "read"
    ranks = [DeliveryStatus(status).rank for status in seen]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize(
    ("order", "end"),
    [
        (["delivered", "failed"], "delivered"),
        (["read", "undelivered"], "read"),
        (["failed", "sent"], "failed"),
        (["failed", "delivered"], "delivered"),
        (["sent", "sent", "sent"], "sent"),
        (["canceled"], "failed"),
    ],
)
async def test_a_failure_does_not_undo_an_arrival(twilio: Twilio, order: list[str], end: str) -> None:
    message = await twilio.queued()
    for status in order:
        await twilio.reports(message, MessageStatus=status)
    assert await twilio.status_of(message) == end


@pytest.mark.parametrize("state", ["queued", "sending", "unknown", "held"])
async def test_a_report_settles_what_we_were_unsure_of(twilio: Twilio, state: str) -> None:
    message = await twilio.queued()
    await twilio.row("UPDATE outbox SET status = :state RETURNING id", state=state)
    await twilio.reports(message, MessageStatus="sent", MessageSid="SM77")
    row = await twilio.row("SELECT status, provider_id, sent_at IS NOT NULL AS timed FROM outbox")
    assert (row["status"], row["provider_id"], row["timed"]) == ("sent", "SM77", True)


async def test_a_report_finds_its_message_by_the_providers_id_too(twilio: Twilio) -> None:
    message = await twilio.queued()
    await twilio.row("UPDATE outbox SET provider_id = 'SM5', status = 'sent' RETURNING id")
    await twilio.reports(None, MessageStatus="delivered", MessageSid="SM5")
    assert await twilio.status_of(message) == "delivered"


@pytest.mark.parametrize(
    ("code", "column"), [("21610", "opted_out_at"), ("63014", "opted_out_at"), ("63003", "unusable_at")]
)
async def test_what_a_code_says_of_the_address_is_kept(twilio: Twilio, code: str, column: str) -> None:
    message = await twilio.queued()
    await twilio.queued("+573009999999")
    assert (await twilio.reports(message, MessageStatus="failed", ErrorCode=code)).status_code == 204
    row = await twilio.row(
        f"SELECT o.status, o.code, a.{column} IS NOT NULL AS noted FROM outbox o "
        "JOIN address a ON a.id = o.address_id WHERE o.id = :id",
        id=message,
    )
    assert (row["status"], row["code"], row["noted"]) == ("failed", int(code), True)
    others = await twilio.row(f"SELECT count(*) AS n FROM address WHERE {column} IS NOT NULL")
    assert others["n"] == 1


async def test_a_code_nobody_knows_changes_only_the_message(twilio: Twilio) -> None:
    message = await twilio.queued(channel=Channel.SMS)
    await twilio.reports(message, MessageStatus="undelivered", ErrorCode="99999")
    row = await twilio.row(
        "SELECT code, reason, opted_out_at, unusable_at FROM outbox o JOIN address a ON a.id = o.address_id"
    )
    assert (row["code"], row["reason"], row["opted_out_at"], row["unusable_at"]) == (99999, "give_up", None, None)


@pytest.mark.parametrize("query", ["", "message=", "message=7", "message=%00", f"message={uuid.uuid4()}"])
async def test_a_report_on_what_we_do_not_know_changes_nothing(twilio: Twilio, query: str) -> None:
    message = await twilio.queued()
    form = [("MessageSid", "SMunknown"), ("MessageStatus", "failed"), ("ErrorCode", "21610")]
    assert (await twilio.post(STATUS, form, query=query)).status_code == 204
    assert await twilio.status_of(message) == "queued"
    row = await twilio.row("SELECT opted_out_at, unusable_at FROM address")
    assert (row["opted_out_at"], row["unusable_at"]) == (None, None)


@pytest.mark.parametrize("status", ["", "received", "exploded"])
async def test_a_status_that_is_none_is_refused(twilio: Twilio, status: str) -> None:
    message = await twilio.queued()
    assert (await twilio.reports(message, MessageStatus=status)).status_code == 400
    assert await twilio.status_of(message) == "queued"


async def test_a_first_answer_to_risk_that_did_not_arrive_is_shown_in_the_case(twilio: Twilio) -> None:
    message = await twilio.queued(kind="crisis")
    async with twilio.database.transaction() as session:
        row = await session.one(sa.text("SELECT contact_id FROM outbox"))
        assert row is not None
        await cases.open_case(session, row["contact_id"], reason="risk", level=3)
    await twilio.reports(message, MessageStatus="undelivered", ErrorCode="30005")
    events = await twilio.row("SELECT count(*) AS n FROM case_event WHERE kind = 'not delivered'")
    assert events["n"] == 1
