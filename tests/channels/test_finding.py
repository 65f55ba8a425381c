"""After silence, what Twilio really has decides whether a message is sent again. Our fake."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.channels.protocol import ChannelUnavailable
from bot.channels.twilio import TwilioAccount, TwilioChannel
from bot.vocabulary import DeliveryStatus, OutboundMessage, SendAction, SendOutcome

from .conftest import PERSON, Provider, to_sms, to_whatsapp
from .fake_twilio import Fault, Kept, break_down, fall_silent, hang_up
from .inbound_forms import ACCOUNT, sid

pytestmark = pytest.mark.asyncio

_NONE: frozenset[str] = frozenset()


def _now() -> datetime:
    return datetime.now(UTC)


def _keep(provider: Provider, body: str, *, age: timedelta, sent: bool = True, **more: str) -> str:
    created = _now() - age
    fields = {"To": f"whatsapp:{PERSON}", "From": "whatsapp:+1", "Body": body, **more}
    kept = Kept(sid(), ACCOUNT, fields, created, "sent", created if sent else None)
    provider.fake.messages[kept.sid] = kept
    return kept.sid


async def _find(provider: Provider, message: OutboundMessage, known: frozenset[str] = _NONE) -> SendOutcome | None:
    since = _now() - timedelta(seconds=1)
    return await provider.channel.find(message, since=since, known=known)


@pytest.mark.parametrize("fault", [break_down(accepted=True), fall_silent(accepted=True), hang_up(accepted=True)])
@pytest.mark.parametrize("reported", [True, False])
async def test_a_message_taken_before_the_silence_is_found(provider: Provider, fault: Fault, reported: bool) -> None:
    provider.fake.statuses = ("sent",) if reported else ()
    message = to_whatsapp()
    assert (await provider.send(message, fault)).action is SendAction.UNKNOWN
    found = await _find(provider, message)
    assert found == SendOutcome(DeliveryStatus.SENT, next(iter(provider.fake.messages)))


@pytest.mark.parametrize("fault", [break_down(accepted=False), fall_silent(accepted=False), hang_up(accepted=False)])
async def test_a_message_never_taken_may_be_sent_again(provider: Provider, fault: Fault) -> None:
    message = to_whatsapp()
    assert (await provider.send(message, fault)).action is SendAction.UNKNOWN
    assert await _find(provider, message) is None


async def test_the_same_words_of_an_hour_ago_are_another_message(provider: Provider) -> None:
    _keep(provider, "hola", age=timedelta(hours=1))
    assert await _find(provider, to_whatsapp("hola")) is None


async def test_two_minutes_between_clocks_do_not_hide_a_message(provider: Provider) -> None:
    kept = _keep(provider, "hola", age=timedelta(seconds=100))
    found = await _find(provider, to_whatsapp("hola"))
    assert found is not None
    assert found.provider_id == kept


async def test_a_message_that_belongs_to_another_is_not_taken(provider: Provider) -> None:
    first = _keep(provider, "hola", age=timedelta(0))
    assert await _find(provider, to_whatsapp("hola"), frozenset({first})) is None
    second = _keep(provider, "hola", age=timedelta(0))
    found = await _find(provider, to_whatsapp("hola"), frozenset({first}))
    assert found is not None
    assert found.provider_id == second


@pytest.mark.parametrize("sent", [True, False])
async def test_other_words_or_other_people_are_not_taken(provider: Provider, sent: bool) -> None:
    _keep(provider, "adiós", age=timedelta(0), sent=sent)
    _keep(provider, "hola", age=timedelta(0), sent=sent, To="whatsapp:+570000000")
    _keep(provider, "hola", age=timedelta(0), sent=sent, To=PERSON)
    assert await _find(provider, to_whatsapp("hola")) is None


@pytest.mark.parametrize(
    ("listed", "ours"),
    [
        ("Sent from your Twilio trial account - hola", "hola"),
        ("cafe\u0301", "café"),
        ("a\nb", "a\r\nb"),
        ("hola", "hola \n"),
        ("", "hola"),
    ],
)
async def test_what_twilio_does_to_a_text_does_not_make_it_another(provider: Provider, listed: str, ours: str) -> None:
    kept = _keep(provider, listed, age=timedelta(0))
    found = await _find(provider, to_whatsapp(ours))
    assert found is not None
    assert found.provider_id == kept


async def test_a_found_message_that_failed_says_why(provider: Provider) -> None:
    kept = _keep(provider, "hola", age=timedelta(0))
    provider.fake.messages[kept].status = "failed"
    provider.fake.messages[kept].error = 63016
    assert await _find(provider, to_whatsapp("hola")) == SendOutcome(
        DeliveryStatus.FAILED, kept, SendAction.WINDOW_CLOSED, 63016
    )


async def test_of_two_the_older_is_taken(provider: Provider) -> None:
    older = _keep(provider, "hola", age=timedelta(seconds=60))
    _keep(provider, "hola", age=timedelta(seconds=0))
    found = await _find(provider, to_whatsapp("hola"))
    assert found is not None
    assert found.provider_id == older


async def test_it_is_found_behind_many_later_ones(provider: Provider) -> None:
    kept = _keep(provider, "hola", age=timedelta(seconds=60))
    for number in range(120):
        _keep(provider, f"otro {number}", age=timedelta(0))
    found = await _find(provider, to_whatsapp("hola"))
    assert found is not None
    assert found.provider_id == kept


@pytest.mark.parametrize(
    ("since", "day"),
    [
        ("2026-11-21T20:01:00-05:00", "2026-11-22"),
        ("2026-11-22T00:02:00+00:00", "2026-11-22"),
        ("2026-11-22T00:01:00+00:00", "2026-11-21"),
    ],
)
async def test_it_is_found_across_midnight_and_time_zones(account: TwilioAccount, since: str, day: str) -> None:
    dates = []

    def answer(request: httpx.Request) -> httpx.Response:
        dates.append(request.url.params.get("DateSent>"))
        return httpx.Response(200, json={"messages": [], "next_page_uri": None})

    channel = TwilioChannel(account, transport=httpx.MockTransport(answer))
    moment = datetime.fromisoformat(since)
    assert await channel.find(to_sms(), since=moment, known=_NONE) is None
    assert dates == [f"{day}T00:00:00Z", None]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"code": 20003}),
        httpx.Response(429, json={"code": 20429}),
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"one": 1, "two": 2}),
        httpx.ConnectError("broken"),
        httpx.ReadTimeout("broken"),
    ],
)
async def test_if_twilio_cannot_be_asked_nothing_is_assumed(
    account: TwilioAccount, answer: httpx.Response | Exception
) -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    channel = TwilioChannel(account, transport=httpx.MockTransport(respond))
    with pytest.raises(ChannelUnavailable) as raised:
        await channel.find(to_sms(), since=_now(), known=_NONE)
    assert PERSON not in raised.value.sentence


async def test_a_second_page_that_fails_is_not_a_no(provider: Provider) -> None:
    for number in range(120):
        _keep(provider, f"otro {number}", age=timedelta(0))
    real = provider.account.api_base_url
    pages = 0

    async def flaky(request: httpx.Request) -> httpx.Response:
        nonlocal pages
        pages += 1
        if pages > 1:
            raise httpx.ReadError("broken")
        async with httpx.AsyncClient() as client:
            answer = await client.get(str(request.url), headers=dict(request.headers))
            return httpx.Response(200, json=answer.json())

    account = dataclasses.replace(provider.account, api_base_url=real)
    channel = TwilioChannel(account, transport=httpx.MockTransport(flaky))
    with pytest.raises(ChannelUnavailable):
        await channel.find(to_whatsapp(), since=_now(), known=_NONE)
