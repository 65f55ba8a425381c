"""A message is handed over once, and whatever happens has an outcome. Against our fake."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import time
import uuid
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from bot import clock
from bot.channels.simulator import SimulatorChannel
from bot.channels.twilio import TwilioAccount, TwilioChannel, status_callback_url
from bot.vocabulary import DeliveryStatus, OutboundMessage, SendAction, SendOutcome

from .conftest import PERSON, Provider, to_sms, to_whatsapp
from .fake_twilio import Fault, break_down, fall_silent, hang_up, refuse

pytestmark = pytest.mark.asyncio


def _kept(provider: Provider) -> list[dict[str, str]]:
    return [kept.fields for kept in provider.fake.messages.values()]


async def test_a_whatsapp_message_carries_sender_text_and_our_id(provider: Provider) -> None:
    message = to_whatsapp("¿Cómo estás? 😀")
    outcome = await provider.channel.send(message)
    assert outcome.status is DeliveryStatus.SENT
    assert outcome.provider_id in provider.fake.messages
    assert _kept(provider) == [
        {
            "To": f"whatsapp:{PERSON}",
            "From": "whatsapp:+14155238886",
            "Body": "¿Cómo estás? 😀",
            "StatusCallback": f"https://harbour.example.org/webhooks/twilio/status?message={message.id}",
        }
    ]


async def test_a_person_known_by_user_id_only_is_written_to(provider: Provider) -> None:
    await provider.channel.send(to_whatsapp(value="CO.1A2B3C"))
    assert _kept(provider)[0]["To"] == "whatsapp:CO.1A2B3C"


async def test_an_sms_does_not_wait_for_hours(provider: Provider) -> None:
    await provider.channel.send(to_sms())
    sent = _kept(provider)[0]
    assert (sent["To"], sent["From"]) == (PERSON, "+15551234567")
    assert sent["ValidityPeriod"] == "600"


async def test_an_sms_goes_through_the_messaging_service_if_there_is_one(
    provider: Provider,
) -> None:
    account = dataclasses.replace(provider.account, messaging_service_sid="MG" + "0" * 32)
    channel = TwilioChannel(account)
    await channel.send(to_sms())
    await channel.close()
    sent = _kept(provider)[0]
    assert sent["MessagingServiceSid"] == account.messaging_service_sid
    assert "From" not in sent


async def test_an_api_key_is_preferred_to_the_auth_token(provider: Provider) -> None:
    provider.fake.keys["SK1"] = "key-secret"
    keyed = dataclasses.replace(provider.account, auth_token="wrong", api_key_sid="SK1", api_key_secret="key-secret")
    channel = TwilioChannel(keyed)
    assert (await channel.send(to_sms())).status is DeliveryStatus.SENT
    await channel.close()


async def test_without_a_sender_an_operator_is_called_and_nothing_is_sent(
    provider: Provider,
) -> None:
    bare = dataclasses.replace(provider.account, whatsapp_sender="", sms_sender="")
    channel = TwilioChannel(bare)
    for message in (to_sms(), to_whatsapp()):
        outcome = await channel.send(message)
        assert outcome == SendOutcome(DeliveryStatus.FAILED, action=SendAction.CONFIGURATION)
    await channel.close()
    assert provider.fake.requests == 0


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (refuse(21610), SendOutcome(DeliveryStatus.FAILED, None, SendAction.OPTED_OUT, 21610)),
        (
            refuse(63016),
            SendOutcome(DeliveryStatus.FAILED, None, SendAction.WINDOW_CLOSED, 63016),
        ),
        (
            refuse(20429, 429, "7"),
            SendOutcome(DeliveryStatus.QUEUED, None, SendAction.RETRY, 20429, 7.0),
        ),
        (
            refuse(63038, 429, "3600"),
            SendOutcome(DeliveryStatus.QUEUED, None, SendAction.RETRY_NEXT_DAY, 63038, 3600.0),
        ),
        (refuse(21999), SendOutcome(DeliveryStatus.FAILED, None, SendAction.GIVE_UP, 21999)),
        (
            break_down(503, accepted=True),
            SendOutcome(DeliveryStatus.UNKNOWN, None, SendAction.UNKNOWN, 20500),
        ),
        (
            break_down(500, accepted=False),
            SendOutcome(DeliveryStatus.UNKNOWN, None, SendAction.UNKNOWN, 20500),
        ),
        (
            hang_up(accepted=True),
            SendOutcome(DeliveryStatus.UNKNOWN, None, SendAction.UNKNOWN),
        ),
        (
            fall_silent(accepted=True),
            SendOutcome(DeliveryStatus.UNKNOWN, None, SendAction.UNKNOWN),
        ),
    ],
)
async def test_each_failure_has_its_outcome_and_is_never_repeated(
    provider: Provider, fault: Fault, outcome: SendOutcome
) -> None:
    assert await provider.send(to_whatsapp(), fault) == outcome
    assert provider.fake.requests == 1


async def test_a_refused_connection_may_be_tried_again(account: TwilioAccount) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    channel = TwilioChannel(dataclasses.replace(account, api_base_url=base_url))
    outcome = await channel.send(to_sms())
    await channel.close()
    assert outcome == SendOutcome(DeliveryStatus.QUEUED, action=SendAction.RETRY)


async def test_wrong_credentials_call_an_operator(provider: Provider) -> None:
    channel = TwilioChannel(dataclasses.replace(provider.account, auth_token="wrong"))
    outcome = await channel.send(to_sms())
    await channel.close()
    assert (outcome.action, outcome.code) == (SendAction.CONFIGURATION, 20003)


async def test_silence_ends_when_the_settings_say_so(provider: Provider) -> None:
    started = time.monotonic()
    await provider.send(to_sms(), fall_silent(accepted=False))
    assert 0.25 <= time.monotonic() - started < 3.0


async def test_an_answer_that_drips_is_not_waited_for(account: TwilioAccount) -> None:
    ended = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.02)
        writer.close()
        ended.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    channel = TwilioChannel(dataclasses.replace(account, api_base_url=base_url, connect_timeout=0.1, read_timeout=0.1))
    started = time.monotonic()
    outcome = await channel.send(to_sms())
    assert outcome.action is SendAction.UNKNOWN
    assert time.monotonic() - started < 3.0
    await channel.close()
    await asyncio.wait_for(ended.wait(), 5)
    server.close()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(201, text="<html>"),
        httpx.Response(201, json=[]),
        httpx.Response(201, json={}),
        httpx.Response(201, json={"sid": None, "status": "queued"}),
        httpx.Response(200, content=b""),
    ],
)
async def test_a_yes_that_cannot_be_read_is_unknown(account: TwilioAccount, answer: httpx.Response) -> None:
    channel = TwilioChannel(account, transport=httpx.MockTransport(lambda _: answer))
    outcome = await channel.send(to_sms())
    assert outcome == SendOutcome(DeliveryStatus.UNKNOWN, action=SendAction.UNKNOWN)


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (httpx.ConnectTimeout, SendAction.RETRY),
        (httpx.ConnectError, SendAction.RETRY),
        (httpx.PoolTimeout, SendAction.RETRY),
        (httpx.ProxyError, SendAction.RETRY),
        (httpx.WriteTimeout, SendAction.UNKNOWN),
        (httpx.WriteError, SendAction.UNKNOWN),
        (httpx.ReadTimeout, SendAction.UNKNOWN),
        (httpx.ReadError, SendAction.UNKNOWN),
        (httpx.RemoteProtocolError, SendAction.UNKNOWN),
        (httpx.DecodingError, SendAction.UNKNOWN),
        (TimeoutError, SendAction.UNKNOWN),
    ],
)
async def test_only_what_never_left_may_be_sent_again(
    account: TwilioAccount, error: type[Exception], action: SendAction
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error("broken")

    channel = TwilioChannel(account, transport=httpx.MockTransport(fail))
    assert (await channel.send(to_sms())).action is action


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        ("0.5", 0.5),
        ("-4", 0.0),
        ("999999", 86400.0),
        ("nan", None),
        ("soon", None),
        ("", None),
        (format_datetime(datetime(2026, 11, 21, 12, 2, tzinfo=UTC), usegmt=True), 120.0),
        (format_datetime(datetime(2026, 11, 21, 11, 0, tzinfo=UTC), usegmt=True), 0.0),
        ("Sat, 21 Nov 2026 12:02:00", None),
    ],
)
async def test_when_to_come_back_is_kept(account: TwilioAccount, header: str, seconds: float | None) -> None:
    answer = httpx.Response(429, json={"code": 20429}, headers={"Retry-After": header})
    channel = TwilioChannel(account, transport=httpx.MockTransport(lambda _: answer))
    clock.freeze(lambda: datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
    try:
        assert (await channel.send(to_sms())).retry_after == seconds
    finally:
        clock.freeze(None)


@pytest.mark.parametrize("code", ["20429", True, None, [], {"a": 1}, 1.5])
async def test_a_code_that_is_no_number_is_no_code(account: TwilioAccount, code: Any) -> None:
    answer = httpx.Response(400, json={"code": code})
    channel = TwilioChannel(account, transport=httpx.MockTransport(lambda _: answer))
    outcome = await channel.send(to_sms())
    assert (outcome.action, outcome.code) == (SendAction.GIVE_UP, None)


async def test_a_text_no_wire_can_carry_is_a_content_error(provider: Provider) -> None:
    outcome = await provider.channel.send(to_sms("a\ud800"))
    assert outcome.action is SendAction.CONTENT
    assert provider.fake.requests == 0


async def test_a_message_refused_in_the_answer_itself_has_failed(account: TwilioAccount) -> None:
    record = {"sid": "SM1", "status": "failed", "error_code": 21610}
    answer = httpx.Response(201, json=record)
    channel = TwilioChannel(account, transport=httpx.MockTransport(lambda _: answer))
    assert await channel.send(to_sms()) == SendOutcome(DeliveryStatus.FAILED, "SM1", SendAction.OPTED_OUT, 21610)


async def test_the_operators_environment_does_not_move_the_host(
    account: TwilioAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    hosts = []

    def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(201, json={"sid": "SM1", "status": "queued"})

    for base_url in ("", "http://127.0.0.1:4010"):
        given = dataclasses.replace(account, api_base_url=base_url)
        await TwilioChannel(given, transport=httpx.MockTransport(answer)).send(to_sms())
    assert hosts == ["api.twilio.com", "127.0.0.1"]


async def test_three_hundred_messages_at_once_share_their_connections(provider: Provider) -> None:
    provider.fake.latency = 0.01
    outcomes = await asyncio.gather(*(provider.channel.send(to_sms()) for _ in range(300)))
    assert {outcome.status for outcome in outcomes} == {DeliveryStatus.SENT}
    assert len({outcome.provider_id for outcome in outcomes}) == 300


async def test_the_simulator_sends_twice_what_is_one_message() -> None:
    channel = SimulatorChannel()
    message = OutboundMessage(uuid.UUID(int=1), to_sms().recipient, "hola")
    sent = await channel.send(message)
    assert sent == await channel.send(message)
    assert sent == await channel.find(message, since=datetime.now(UTC), known=frozenset())
    assert sent.provider_id == "sim-00000000000000000000000000000001"
    assert sent.status is DeliveryStatus.SENT
    await channel.close()


async def test_the_callback_address_names_the_message(account: TwilioAccount) -> None:
    slashed = dataclasses.replace(account, public_base_url="https://harbour.example.org/")
    expected = f"https://harbour.example.org/webhooks/twilio/status?message={uuid.UUID(int=1)}"
    for given in (account, slashed):
        assert status_callback_url(given, uuid.UUID(int=1)) == expected


async def test_secrets_do_not_show_in_a_traceback() -> None:
    shown = repr(TwilioAccount("AC1", "token-secret", "SK1", "key-secret"))
    assert "secret" not in shown.replace("api_key_secret", "")
