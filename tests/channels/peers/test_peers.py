"""Our code against software we did not write: Twilio's schema (Prism) and the emulator `emulate`.

What holds here holds without our fake. What the peers cannot show (WhatsApp's own parameters, 429,
63016, user ids without a number) is tested against our fake and captured forms instead.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels._http import Refused
from bot.channels.twilio import TwilioAccount, TwilioChannel, action_for
from bot.vocabulary import Channel, DeliveryStatus, SendAction

from ..conftest import PERSON, to_sms, to_whatsapp
from ..fake_twilio import FakeTwilio, refuse
from ..inbound_forms import ACCOUNT, TOKEN
from . import stack
from .conftest import Line
from .install import HERE, PeersUnavailable, installed

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.timeout(600),
    pytest.mark.skipif(stack.are_skipped(), reason="HARBOUR_SKIP_PEERS=1"),
]

_NONE: frozenset[str] = frozenset()
_HARD_TEXTS = ["hola", "ñ & = % + 😀", "a\r\nb\n\nc", "«مرحبا» 116 123", "x" * 1600]


def _just_now() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=5)


@pytest.mark.parametrize("text", _HARD_TEXTS)
async def test_a_message_passes_twilios_schema_and_is_found_again(line: Line, text: str) -> None:
    for message in (to_whatsapp(text), to_sms(text)):
        sent = await line.channel.send(message)
        assert sent.status is DeliveryStatus.SENT, line.peers.said()
        assert await line.channel.find(message, since=_just_now(), known=_NONE) is not None


async def test_each_of_two_same_messages_is_found_once(line: Line) -> None:
    first, second = to_sms("dos veces"), to_sms("dos veces")
    ids = {(await line.channel.send(message)).provider_id for message in (first, second)}
    found = await line.channel.find(first, since=_just_now(), known=_NONE)
    assert found is not None
    assert found.provider_id in ids
    taken = frozenset({found.provider_id})
    other = await line.channel.find(second, since=_just_now(), known=taken)  # type: ignore[arg-type]
    assert other is not None
    assert {found.provider_id, other.provider_id} == ids


async def test_what_was_never_sent_is_not_found(line: Line) -> None:
    never = to_whatsapp("nunca enviado")
    assert await line.channel.find(never, since=_just_now(), known=_NONE) is None


async def test_an_sms_goes_through_the_messaging_service(line: Line) -> None:
    account = dataclasses.replace(line.account, messaging_service_sid=stack.SERVICE_SID)
    channel = TwilioChannel(account)
    assert (await channel.send(to_sms())).status is DeliveryStatus.SENT
    await channel.close()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"api_key_secret": "wrong"}, 20003),
        ({"api_key_sid": "", "auth_token": "wrong"}, 20003),
        ({"account_sid": "AC" + "1" * 32}, 20404),
        ({"sms_sender": "+15550009999"}, 21606),
    ],
)
async def test_a_wrong_setting_calls_an_operator(line: Line, change: dict[str, Any], code: int) -> None:
    channel = TwilioChannel(dataclasses.replace(line.account, **change))
    outcome = await channel.send(to_sms())
    await channel.close()
    assert outcome.code == code, line.peers.said()
    assert (outcome.status, outcome.action) == (DeliveryStatus.FAILED, SendAction.CONFIGURATION)


async def test_a_message_without_a_sender_is_refused_with_the_code_we_expect(line: Line) -> None:
    with pytest.raises(Refused) as refused:
        await line.channel._client.messages.create_async(to=PERSON, body="hola")
    assert refused.value.code == 21603
    assert action_for(refused.value.code) is SendAction.CONFIGURATION


async def test_what_is_not_twilios_language_never_counts_as_sent(line: Line) -> None:
    channel = TwilioChannel(dataclasses.replace(line.account, account_sid="AC-not-a-sid"))
    outcome = await channel.send(to_sms())
    await channel.close()
    assert outcome.status is DeliveryStatus.FAILED


@pytest.mark.parametrize("text", ["", *_HARD_TEXTS, "  espacios  "])
async def test_what_a_person_writes_is_believed_and_read(line: Line, text: str) -> None:
    ours = f"whatsapp:{stack.WHATSAPP_NUMBER}"
    await line.peers.write_to_us(text, sender=f"whatsapp:{PERSON}", recipient=ours)
    await line.peers.write_to_us(text, sender=PERSON, recipient=stack.SMS_NUMBER)
    assert line.receiver.refused == []
    by_whatsapp, by_sms = line.receiver.inbound
    assert (by_whatsapp.channel, by_sms.channel) == (Channel.WHATSAPP, Channel.SMS)
    assert by_whatsapp.text == by_sms.text == text
    assert by_whatsapp.sender.value == by_sms.sender.value == PERSON
    assert by_whatsapp.provider_id != by_sms.provider_id


async def test_an_inbound_message_signed_with_another_token_is_refused(line: Line) -> None:
    line.receiver.account = dataclasses.replace(line.account, auth_token="another")
    await line.peers.write_to_us("hola", sender=PERSON, recipient=stack.SMS_NUMBER)
    assert line.receiver.inbound == []
    assert [error.code for error in line.receiver.refused] == ["bad_signature"]


async def test_reports_are_believed_and_carry_our_id(line: Line) -> None:
    message = to_whatsapp()
    outcome = await line.channel.send(message)
    assert outcome.provider_id is not None
    for status in ("sent", "delivered", "read"):
        await line.peers.report(outcome.provider_id, status)
    assert line.receiver.refused == []
    assert {report.message_id for report in line.receiver.reports} == {message.id}
    assert {report.provider_id for report in line.receiver.reports} == {outcome.provider_id}
    assert [report.status for report in line.receiver.reports] == [
        DeliveryStatus.SENT,  # the emulator reports the first status too; Twilio does not
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.READ,
    ]


async def test_a_message_that_did_not_arrive_is_reported_and_found_failed(line: Line) -> None:
    message = to_sms("no llega")
    outcome = await line.channel.send(message)
    assert outcome.provider_id is not None
    await line.peers.report(outcome.provider_id, "undelivered")
    assert line.receiver.reports[-1].status is DeliveryStatus.FAILED
    found = await line.channel.find(message, since=_just_now(), known=_NONE)
    assert found is not None
    assert found.status is DeliveryStatus.FAILED


async def test_our_fake_speaks_twilios_language_too() -> None:
    fake = FakeTwilio(statuses=("sent", "delivered"))
    with fake.in_thread() as fake_url, stack.checked(fake_url) as url:
        account = TwilioAccount(
            ACCOUNT,
            TOKEN,
            public_base_url="https://harbour.example.org",
            sms_sender=stack.SMS_NUMBER,
            messaging_service_sid=stack.SERVICE_SID,
            whatsapp_sender=stack.WHATSAPP_NUMBER,
            api_base_url=url,
        )
        channel = TwilioChannel(account)
        for message in (to_sms(), to_whatsapp(), to_whatsapp("hola", "CO.1A2B")):
            assert (await channel.send(message)).status is DeliveryStatus.SENT
            assert await channel.find(message, since=_just_now(), known=_NONE) is not None
        fake.next(refuse(20429, 429, "4"))
        assert (await channel.send(to_sms())).retry_after == 4.0
        await channel.close()


async def test_the_schema_check_notices_an_answer_that_is_not_twilios() -> None:
    fake = FakeTwilio(statuses=("exploded",))
    with fake.in_thread() as fake_url, stack.checked(fake_url) as url:
        address = f"{url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        async with httpx.AsyncClient(auth=(ACCOUNT, TOKEN)) as client:
            await client.post(address, data={"To": PERSON, "From": "+1", "Body": "hola"})
            answer = await client.get(address)
    assert answer.status_code == 500
    assert "VIOLATIONS" in answer.text


async def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text("utf-8"))
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


async def test_without_a_registry_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, tmp_path)
    for setting, value in {
        "registry": f"http://127.0.0.1:{stack.free_port()}/",
        "cache": str(tmp_path / "cache"),
        "fetch_retries": "0",
    }.items():
        for variable in [name for name in os.environ if name.lower() == f"npm_config_{setting}"]:
            monkeypatch.delenv(variable)
        monkeypatch.setenv(f"npm_config_{setting}", value)
    with pytest.raises(PeersUnavailable, match=r"npm registry reachable\?.*HARBOUR_SKIP_PEERS=1"):
        installed(tmp_path)


async def test_nothing_is_left_running(tmp_path: Path) -> None:
    with stack.running(whatsapp_url="http://127.0.0.1:9/in") as peers:
        urls = (peers.proxy_url, peers.emulator_url)
    async with httpx.AsyncClient(trust_env=False) as client:
        for url in urls:
            with pytest.raises(httpx.ConnectError):
                await client.get(url)
    assert not peers.folder.exists()
