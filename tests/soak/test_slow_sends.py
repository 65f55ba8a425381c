"""A send that has to wait for the provider's rate limit goes out once all the same.

SMS go out one a second. Behind a burst a message waits for its turn longer than the lease under
which its worker holds it; another worker must not send it meanwhile, nor the first one after it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import cast

import pytest

from bot.channels.protocol import SendingChannel
from bot.store import outbox
from bot.store.contacts import find_or_create
from bot.store.database import Database
from bot.store.wake import RateLimit
from bot.vocabulary import Address, Channel, DeliveryStatus, OutboundMessage, SendOutcome
from bot.worker import outbound
from bot.worker.outbound import OutboundWork, SendPolicy

LEASE = timedelta(seconds=0.3)


class Phone(SendingChannel):
    """Takes everything, remembers how often, and says so when asked."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    async def send(self, message: OutboundMessage) -> SendOutcome:
        self.sent[str(message.id)] += 1
        return SendOutcome(DeliveryStatus.SENT, provider_id=f"{message.id}-{self.sent[str(message.id)]}")

    async def find(self, message: OutboundMessage, *, since: datetime, known: frozenset[str]) -> SendOutcome | None:
        count = self.sent[str(message.id)]
        return SendOutcome(DeliveryStatus.SENT, provider_id=f"{message.id}-1") if count else None

    async def close(self) -> None:
        """Nothing."""


class Gate:
    """A rate limit of which the first one in line waits until told to go; the others do not wait."""

    def __init__(self) -> None:
        self.waits = 0
        self.opened = asyncio.Event()

    async def wait(self) -> None:
        self.waits += 1
        if self.waits == 1:
            await self.opened.wait()


@pytest.fixture(autouse=True)
def _lists_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the provider has, its list shows at once: here it is not the list that is late."""
    for name in ("_LISTED_AFTER", "_LOOK_AGAIN"):
        if hasattr(outbound, name):
            old = getattr(outbound, name)
            monkeypatch.setattr(outbound, name, timedelta(0) if isinstance(old, timedelta) else 0.0)


async def _queue(database: Database, number: str) -> None:
    async with database.transaction() as session:
        contact, address = await find_or_create(session, [Address(Channel.SMS, number)])
        await outbox.queue(session, contact_id=contact, address_id=address, texts=["hello"], kind="reply")


def _work(database: Database, phone: Phone, limit: object) -> OutboundWork:
    limits = {Channel.SMS: cast(RateLimit, limit)}
    return OutboundWork(database, {Channel.SMS: phone}, limits, SendPolicy(lease=LEASE))


async def test_who_waited_longer_than_the_lease_does_not_send_what_another_has_sent(database: Database) -> None:
    await _queue(database, "+15550001111")
    phone, gate = Phone(), Gate()
    slow = asyncio.create_task(_work(database, phone, gate)())
    while not gate.waits:
        await asyncio.sleep(0.01)
    await asyncio.sleep(LEASE.total_seconds() + 0.1)
    other = _work(database, phone, gate)
    for _ in range(4):
        await other()
    gate.opened.set()
    await slow
    assert list(phone.sent.values()) == [1]
