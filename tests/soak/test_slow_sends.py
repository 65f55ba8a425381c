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
import sqlalchemy as sa

from bot.channels.protocol import SendingChannel
from bot.store import outbox
from bot.store.contacts import find_or_create
from bot.store.database import Database
from bot.store.wake import RateLimit
from bot.vocabulary import Address, Channel, DeliveryStatus, OutboundMessage, SendOutcome
from bot.worker import outbound
from bot.worker.outbound import OutboundWork, SendPolicy

LEASE = timedelta(seconds=0.3)


class Gate:
    """Where the first one in line waits until told to go; the others do not wait."""

    def __init__(self, *, open_: bool = False) -> None:
        self.waits = 0
        self.opened = asyncio.Event()
        if open_:
            self.opened.set()

    async def wait(self) -> None:
        self.waits += 1
        if self.waits == 1:
            await self.opened.wait()

    async def reached(self) -> None:
        """Until somebody waits here."""
        while not self.waits:
            await asyncio.sleep(0.01)


class Phone(SendingChannel):
    """Takes everything, remembers how often, and says so when asked."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.before_send = self.before_answer = Gate(open_=True)

    async def send(self, message: OutboundMessage) -> SendOutcome:
        self.sent[str(message.id)] += 1
        await self.before_send.wait()
        return SendOutcome(DeliveryStatus.SENT, provider_id=f"{message.id}-{self.sent[str(message.id)]}")

    async def find(self, message: OutboundMessage, *, since: datetime, known: frozenset[str]) -> SendOutcome | None:
        count = self.sent[str(message.id)]
        await self.before_answer.wait()
        return SendOutcome(DeliveryStatus.SENT, provider_id=f"{message.id}-1") if count else None

    async def close(self) -> None:
        """Nothing."""


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
    await gate.reached()
    await asyncio.sleep(LEASE.total_seconds() + 0.1)
    other = _work(database, phone, gate)
    for _ in range(4):
        await other()
    gate.opened.set()
    await slow
    assert list(phone.sent.values()) == [1]


async def test_a_look_up_that_took_longer_than_its_lease_has_no_say_any_more(database: Database) -> None:
    """It found nothing, as nothing was out then; by now another worker is in the middle of sending."""
    await _queue(database, "+15550001111")
    async with database.transaction() as session:
        await session.run(sa.text("UPDATE outbox SET status = 'unknown', tried_at = now(), attempts = 1"))
    phone = Phone()
    phone.before_answer, phone.before_send = Gate(), Gate()
    work = _work(database, phone, Gate(open_=True))
    late = asyncio.create_task(work())
    await phone.before_answer.reached()
    await asyncio.sleep(LEASE.total_seconds() + 0.1)
    await work()  # looks it up, and finds that it has to be sent
    sending = asyncio.create_task(work())
    await phone.before_send.reached()
    phone.before_answer.opened.set()
    await late
    await work()
    phone.before_send.opened.set()
    await sending
    assert list(phone.sent.values()) == [1]
