"""What our fake does, so that tests which lean on it know what they lean on."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from bot.channels.twilio import TwilioAccount, TwilioChannel, action_for
from bot.errors import BadSignature
from bot.vocabulary import Channel, DeliveryStatus, OptOut, SendAction

from . import inbound_forms
from .conftest import PERSON, Provider, to_sms, to_whatsapp
from .fake_twilio import FakeTwilio, break_down, fail_later, refuse
from .inbound_forms import encoded, signed
from .receiver import Receiver

pytestmark = pytest.mark.asyncio


@dataclasses.dataclass
class Both:
    """Our channel, our fake, and a receiver the fake calls back."""

    fake: FakeTwilio
    channel: TwilioChannel
    receiver: Receiver
    account: TwilioAccount
    url: str


@pytest_asyncio.fixture
async def both(account: TwilioAccount) -> AsyncIterator[Both]:
    receiver = Receiver()
    url = await receiver.start()
    fake = FakeTwilio(deliver_to=url)
    account = dataclasses.replace(account, api_base_url=await fake.start())
    receiver.account = account
    channel = TwilioChannel(account)
    yield Both(fake, channel, receiver, account, url)
    await channel.close()
    await fake.stop()
    await receiver.stop()


async def test_every_status_comes_back_signed_with_our_id(both: Both) -> None:
    message = to_whatsapp()
    outcome = await both.channel.send(message)
    await both.receiver.until(lambda: len(both.receiver.reports) == 2)
    assert [report.status for report in both.receiver.reports] == [
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
    ]
    assert {report.message_id for report in both.receiver.reports} == {message.id}
    assert {report.provider_id for report in both.receiver.reports} == {outcome.provider_id}
    assert both.receiver.refused == []


@pytest.mark.parametrize(
    ("code", "callback", "action"),
    [
        (63016, "failed", SendAction.WINDOW_CLOSED),
        (21610, "failed", SendAction.OPTED_OUT),
        (30003, "undelivered", SendAction.RETRY_ONCE),
    ],
)
async def test_a_message_taken_and_then_refused_is_reported_with_its_reason(
    both: Both, code: int, callback: str, action: SendAction
) -> None:
    both.fake.next(fail_later(code, callback))
    assert (await both.channel.send(to_whatsapp())).status is DeliveryStatus.SENT
    await both.receiver.until(lambda: bool(both.receiver.reports))
    report = both.receiver.reports[0]
    assert (report.status, report.code) == (DeliveryStatus.FAILED, code)
    assert action_for(report.code) is action


async def test_a_report_may_overtake_the_answer(both: Both) -> None:
    both.fake.next(break_down(accepted=True))
    message = to_whatsapp()
    assert (await both.channel.send(message)).status is DeliveryStatus.UNKNOWN
    await both.receiver.until(lambda: bool(both.receiver.reports))
    assert both.receiver.reports[0].message_id == message.id


async def test_reports_in_any_order_end_delivered(both: Both) -> None:
    both.fake.statuses = ("read", "delivered", "sent")
    await both.channel.send(to_whatsapp())
    await both.receiver.until(lambda: len(both.receiver.reports) == 3)
    status = DeliveryStatus.SENDING
    for report in both.receiver.reports:
        status = status.after(report.status)
    assert status is DeliveryStatus.READ


async def test_a_receiver_that_is_gone_breaks_nothing(both: Both) -> None:
    await both.receiver.stop()
    assert (await both.channel.send(to_whatsapp())).status is DeliveryStatus.SENT
    while not both.fake.callbacks:
        await asyncio.sleep(0.01)
    assert both.fake.callbacks[0].answer == 0


@pytest.mark.parametrize(
    ("recipient", "action"),
    [
        ("+15005550001", SendAction.UNUSABLE_ADDRESS),
        ("+15005550003", SendAction.UNUSABLE_ADDRESS),
        ("+15005550004", SendAction.OPTED_OUT),
        ("+15005550009", SendAction.UNUSABLE_ADDRESS),
    ],
)
async def test_twilios_magic_numbers_fail_as_documented(provider: Provider, recipient: str, action: SendAction) -> None:
    assert (await provider.channel.send(to_sms(value=recipient))).action is action


@pytest.mark.parametrize(("text", "code"), [("", 21619), ("a" * 1601, 21617), ("a" * 1600, None)])
async def test_the_limits_of_a_text_are_kept(provider: Provider, text: str, code: int | None) -> None:
    assert (await provider.channel.send(to_sms(text))).code == code


async def test_a_fault_for_one_person_stays_with_that_person(provider: Provider) -> None:
    provider.fake.always(PERSON, refuse(21610))
    for _ in range(2):
        assert (await provider.channel.send(to_sms())).action is SendAction.OPTED_OUT
    assert (await provider.channel.send(to_whatsapp())).status is DeliveryStatus.SENT


_FORMS = {
    "sms": inbound_forms.sms("hola"),
    "whatsapp": inbound_forms.whatsapp("hola"),
    "hidden number": inbound_forms.hidden_number("hola"),
    "tap": inbound_forms.tap("Sí", "yes"),
    "media": inbound_forms.media(("image/jpeg", "https://api.twilio.com/m"), caption="hola"),
    "location": inbound_forms.location(4.6, -74.0, "Refugio"),
    "opt-out": inbound_forms.opt_out("STOP"),
}


@pytest.mark.parametrize("name", _FORMS)
async def test_every_kind_of_inbound_form_is_signed_and_read(both: Both, name: str) -> None:
    public = f"{both.account.public_base_url}/webhooks/twilio/inbound"
    form = _FORMS[name]
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{both.url}/webhooks/twilio/inbound",
            content=encoded(form),
            headers=signed(public, form),
        )
    assert answer.status_code == 200
    read = both.receiver.inbound[0]
    assert read.provider_id == dict(form)["MessageSid"]
    assert (read.channel is Channel.SMS) == (name in ("sms", "opt-out"))
    assert (read.opt_out is OptOut.STOP) == (name == "opt-out")
    assert read.sender.is_business_scoped == (name == "hidden number")


async def test_a_form_signed_for_another_address_is_refused(both: Both) -> None:
    form = inbound_forms.sms("hola")
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{both.url}/in", content=encoded(form), headers=signed("https://else.example/in", form)
        )
    assert answer.status_code == 403
    assert isinstance(both.receiver.refused[0], BadSignature)


async def test_it_runs_in_a_thread(account: TwilioAccount) -> None:
    fake = FakeTwilio(statuses=())
    with fake.in_thread() as base_url:
        channel = TwilioChannel(dataclasses.replace(account, api_base_url=base_url))
        assert (await channel.send(to_sms())).status is DeliveryStatus.SENT
        await channel.close()
    assert len(fake.messages) == 1


async def test_it_runs_as_a_process_and_is_scripted_over_http(account: TwilioAccount) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-u", "-m", "tests.channels.fake_twilio", "--port", "0"]
    process = await asyncio.create_subprocess_exec(*command, cwd=root, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        base_url = (await process.stdout.readline()).decode().split()[-1]
        await _script_over_http(base_url, account)
    finally:
        process.terminate()
        await process.wait()


async def _script_over_http(base_url: str, account: TwilioAccount) -> None:
    channel = TwilioChannel(dataclasses.replace(account, api_base_url=base_url))
    async with httpx.AsyncClient(base_url=base_url) as client:
        await client.post("/_fake/next", json=[dataclasses.asdict(refuse(20429, 429, "3"))])
        await client.post("/_fake/always", json={"+570": dataclasses.asdict(refuse(21610))})
        assert (await channel.send(to_sms())).retry_after == 3.0
        assert (await channel.send(to_sms(value="+570"))).action is SendAction.OPTED_OUT
        assert (await channel.send(to_sms())).status is DeliveryStatus.SENT
        kept = (await client.get("/_fake/messages")).json()
        await client.post("/_fake/forget")
        assert [message["to"] for message in kept] == [PERSON]
        assert (await client.get("/_fake/messages")).json() == []
        assert {report["answer"] for report in (await client.get("/_fake/callbacks")).json()} <= {0}
        assert (await client.get("/_fake/nothing")).status_code == 404
    await channel.close()
