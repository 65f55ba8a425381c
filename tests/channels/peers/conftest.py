"""The peers, started once per session, and a receiver where they expect one."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from bot.channels.twilio import TwilioAccount, TwilioChannel

from ..receiver import Receiver
from . import stack


@dataclasses.dataclass
class Line:
    """Our channel on one side of the peers, our receiver on the other."""

    peers: stack.Peers
    account: TwilioAccount
    channel: TwilioChannel
    receiver: Receiver


@pytest.fixture(scope="session")
def port() -> int:
    """Where the emulator sends inbound webhooks."""
    return stack.free_port()


@pytest.fixture(scope="session")
def peers(port: int) -> Iterator[stack.Peers]:
    with stack.running(whatsapp_url=f"http://127.0.0.1:{port}/webhooks/twilio/inbound") as running:
        yield running


@pytest_asyncio.fixture
async def line(peers: stack.Peers, port: int) -> AsyncIterator[Line]:
    receiver = Receiver()
    account = peers.account(public_base_url=await receiver.start(port))
    receiver.account = account
    channel = TwilioChannel(account)
    yield Line(peers, account, channel, receiver)
    await channel.close()
    await receiver.stop()
