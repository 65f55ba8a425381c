"""An account, messages and our fake, for the tests of this folder."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.channels.twilio import TwilioAccount, TwilioChannel
from bot.vocabulary import Address, Channel, OutboundMessage, SendOutcome

from .fake_twilio import FakeTwilio, Fault
from .inbound_forms import ACCOUNT, SMS_SENDER, TOKEN, WHATSAPP_SENDER

PERSON = "+573001112222"


@dataclasses.dataclass
class Provider:
    """Our channel, speaking to our fake; `impatient` is the same, waiting 0.3 s for an answer."""

    fake: FakeTwilio
    account: TwilioAccount
    channel: TwilioChannel
    impatient: TwilioChannel

    async def send(self, message: OutboundMessage, fault: Fault) -> SendOutcome:
        """Send `message` while `fault` is in the way."""
        self.fake.next(fault)
        channel = self.impatient if fault.hang else self.channel
        return await channel.send(message)


@pytest.fixture
def account() -> TwilioAccount:
    return TwilioAccount(
        ACCOUNT,
        TOKEN,
        public_base_url="https://harbour.example.org",
        whatsapp_sender=WHATSAPP_SENDER.removeprefix("whatsapp:"),
        sms_sender=SMS_SENDER,
    )


@pytest_asyncio.fixture
async def provider(account: TwilioAccount) -> AsyncIterator[Provider]:
    fake = FakeTwilio(statuses=())
    base_url = await fake.start()
    account = dataclasses.replace(account, api_base_url=base_url)
    channel = TwilioChannel(account)
    impatient = TwilioChannel(dataclasses.replace(account, read_timeout=0.3))
    yield Provider(fake, account, channel, impatient)
    await channel.close()
    await impatient.close()
    await fake.stop()


def to_whatsapp(text: str = "hola", value: str = PERSON) -> OutboundMessage:
    return OutboundMessage(uuid.uuid4(), Address(Channel.WHATSAPP, value), text)


def to_sms(text: str = "hola", value: str = PERSON) -> OutboundMessage:
    return OutboundMessage(uuid.uuid4(), Address(Channel.SMS, value), text)
