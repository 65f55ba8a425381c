"""Reports on our messages move them forward only, in whatever order they come."""

from __future__ import annotations

import itertools
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from bot.channels.twilio import read_status
from bot.store import cases, outbox
from bot.vocabulary import Channel, DeliveryStatus

from .conftest import STATUS, Twilio

_CAPTURED = yaml.safe_load((Path(__file__).parents[1] / "channels" / "captured_forms.yml").read_text("utf-8"))


@pytest.mark.parametrize("case", _CAPTURED["status"], ids=lambda case: case["name"])
async def test_every_captured_report_finds_its_message(twilio: Twilio, case: dict[str, dict[str, str]]) -> None:
    message = await twilio.queued()
    form = list(case["form"].items())
    answer = await twilio.post(STATUS, form, query=f"message={message}")
    assert (answer.status_code, answer.content) == (204, b"")
    again = {30003: "queued", 63016: "held"}.get(case["expect"].get("code"))
    assert await twilio.status_of(message) == (again or read_status(form, "").status.value)
    row = await twilio.row("SELECT coalesce(provider_id, failed_ids[1]) AS id FROM outbox")
    assert row["id"] == case["expect"]["provider_id"]


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


# What fails only later


async def sent(twilio: Twilio, *, kind: str = "reply", attempts: int = 1) -> uuid.UUID:
    """A message that the provider took as SM1."""
    message = await twilio.queued(kind=kind)
    await twilio.row(
        "UPDATE outbox SET status = 'sent', provider_id = 'SM1', attempts = :n, sent_at = now() RETURNING id",
        n=attempts,
    )
    return message


@pytest.mark.parametrize("code", ["30003", "30008", "63010"])
async def test_a_stumble_reported_later_is_made_good_once(twilio: Twilio, code: str) -> None:
    message = await sent(twilio)
    await twilio.reports(message, MessageStatus="undelivered", ErrorCode=code)
    row = await twilio.row(
        "SELECT status, reason, provider_id, failed_ids, due_at - now() < interval '2 minutes' AS soon FROM outbox"
    )
    assert (row["status"], row["reason"], row["provider_id"]) == ("queued", "retry_once", None)
    assert (row["failed_ids"], row["soon"]) == (["SM1"], True)
    await twilio.row("UPDATE outbox SET status = 'sent', provider_id = 'SM2', attempts = 2 RETURNING id")
    await twilio.reports(message, MessageStatus="undelivered", ErrorCode=code, MessageSid="SM2")
    assert await twilio.status_of(message) == "failed"


async def test_a_failure_that_is_reported_twice_is_made_good_once(twilio: Twilio) -> None:
    message = await sent(twilio)
    for _ in range(2):
        await twilio.reports(message, MessageStatus="undelivered", ErrorCode="30008")
    row = await twilio.row("SELECT status, failed_ids FROM outbox")
    assert (row["status"], row["failed_ids"]) == ("queued", ["SM1"])


@pytest.mark.parametrize("status", ["sent", "undelivered"])
async def test_late_words_on_the_failed_send_are_not_taken_for_the_new_one(twilio: Twilio, status: str) -> None:
    message = await sent(twilio)
    await twilio.reports(message, MessageStatus="undelivered", ErrorCode="30008")
    await twilio.reports(message, MessageStatus=status, ErrorCode="30008")
    assert await twilio.status_of(message) == "queued"
    await twilio.row("UPDATE outbox SET status = 'sent', provider_id = 'SM2', attempts = 2 RETURNING id")
    await twilio.reports(message, MessageStatus=status, ErrorCode="30008")
    assert await twilio.status_of(message) == "sent"


async def test_what_arrived_after_all_is_not_sent_again(twilio: Twilio) -> None:
    message = await sent(twilio)
    await twilio.reports(message, MessageStatus="undelivered", ErrorCode="30008")
    await twilio.reports(message, MessageStatus="delivered")
    assert await twilio.status_of(message) == "delivered"


async def test_a_failure_after_arrival_sends_nothing_again(twilio: Twilio) -> None:
    message = await sent(twilio)
    await twilio.reports(message, MessageStatus="delivered")
    await twilio.reports(message, MessageStatus="undelivered", ErrorCode="30008")
    assert await twilio.status_of(message) == "delivered"


async def test_a_failure_that_overtakes_the_answer_to_the_send_is_still_made_good(twilio: Twilio) -> None:
    message = await twilio.queued()
    await twilio.row("UPDATE outbox SET status = 'sending', attempts = 1 RETURNING id")
    await twilio.reports(message, MessageStatus="undelivered", ErrorCode="30008")
    async with twilio.database.transaction() as session:
        await outbox.settle(session, message, DeliveryStatus.SENT, attempts=1, provider_id="SM1")
    assert await twilio.status_of(message) == "queued"


@pytest.mark.parametrize(("kind", "status"), [("reply", "failed"), ("counsellor", "queued")])
async def test_an_old_answer_is_not_repeated_into_a_newer_conversation(twilio: Twilio, kind: str, status: str) -> None:
    message = await sent(twilio, kind=kind)
    await twilio.row("UPDATE address SET last_inbound_at = now() + interval '1 minute' RETURNING id")
    await twilio.reports(message, MessageStatus="undelivered", ErrorCode="30003")
    assert await twilio.status_of(message) == status


async def test_what_failed_a_day_later_is_not_sent_again(twilio: Twilio) -> None:
    message = await sent(twilio, kind="counsellor")
    await twilio.row("UPDATE outbox SET created_at = now() - interval '25 hours' RETURNING id")
    await twilio.reports(message, MessageStatus="undelivered", ErrorCode="30003")
    assert await twilio.status_of(message) == "failed"


async def test_a_closed_window_reported_later_holds_the_message_and_shows_in_the_case(twilio: Twilio) -> None:
    message = await sent(twilio, kind="counsellor")
    async with twilio.database.transaction() as session:
        row = await session.one(sa.text("SELECT contact_id FROM outbox"))
        assert row is not None
        await cases.open_case(session, row["contact_id"], reason="risk", level=3)
    for _ in range(2):
        await twilio.reports(message, MessageStatus="failed", ErrorCode="63016")
    row = await twilio.row("SELECT status, reason, code FROM outbox")
    assert (row["status"], row["reason"], row["code"]) == ("held", "window_closed", 63016)
    events = await twilio.row("SELECT count(*) AS n FROM case_event WHERE kind = 'not delivered'")
    assert events["n"] == 1
