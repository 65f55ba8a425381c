"""Messages to a system and the moment its answer reaches our fake of Twilio.

Owns: Contact, Taken, WatchedTwilio, Phone, closed_loop(), open_loop().
May import: `tests.channels`, the standard library.
Start reading at: `Phone.turn`.

Load and fake share one event loop, hence one clock, and little of the processor.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from tests.bench.machine import Usage
from tests.bench.script import said
from tests.channels.fake_twilio import FakeTwilio
from tests.channels.inbound_forms import encoded, signed, whatsapp
from tests.channels.tiny_http import Answer, Poster

PATIENCE = 60.0


class BenchFailed(Exception):
    """The comparison cannot go on; the sentence says why."""


@dataclasses.dataclass
class Contact:
    """One person: `number` is unique, `length` is how many turns they have had, `at` the next one."""

    number: int
    language: str
    length: int
    at: int = 0

    @property
    def phone(self) -> str:
        """Their address as Twilio writes it."""
        return f"whatsapp:+99900{self.number:07d}"

    @property
    def user_id(self) -> str:
        """Their WhatsApp user id, which Twilio sends along."""
        return f"whatsapp:CO.{self.number:012X}"


@dataclasses.dataclass(frozen=True)
class Taken:
    """One turn. Seconds since the POST began; `posted` is wall time, to compare with the database."""

    sid: str
    posted: float
    acknowledged: float
    called: float


class WatchedTwilio(FakeTwilio):
    """Our fake; it says when a message to somebody arrives, and counts."""

    def __init__(self, **given: object) -> None:
        super().__init__(**given)  # type: ignore[arg-type]
        self.calls: Counter[str] = Counter()
        self.awaited: dict[str, asyncio.Future[float]] = {}

    async def _create(self, account: str, fields: dict[str, str]) -> Answer | None:
        recipient = fields.get("To", "")
        self.calls[recipient] += 1
        future = self.awaited.pop(recipient, None)
        if future is not None and not future.done():
            future.set_result(time.perf_counter())
        return await super()._create(account, fields)


class Phone:
    """All contacts' phones, in front of one system: `url` is where its webhook listens."""

    def __init__(self, fake: WatchedTwilio, url: str, public_url: str) -> None:
        self.fake = fake
        self.url = url
        self.public_url = public_url
        self._poster = Poster()

    async def post(self, contact: Contact) -> tuple[str, int]:
        """Send the contact's next message; its sid and the status of the answer."""
        form = whatsapp(said(contact.language, contact.at), sender=contact.phone, user_id=contact.user_id)
        contact.at += 1
        headers = signed(self.public_url, form)
        return dict(form)["MessageSid"], await self._poster.post(self.url, headers, encoded(form))

    async def turn(self, contact: Contact) -> Taken:
        """One message until both have happened: the webhook is answered, and Twilio was called."""
        answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.fake.awaited[contact.phone] = answer
        posted, begun = time.time(), time.perf_counter()
        sid, status = await self.post(contact)
        acknowledged = time.perf_counter()
        if not 200 <= status < 300:
            raise BenchFailed(f"The webhook {self.url} answered {status or 'nothing'}.")
        try:
            called = await asyncio.wait_for(answer, PATIENCE)
        except TimeoutError:
            text = said(contact.language, contact.at - 1)
            raise BenchFailed(f"{self.url}: no answer within {PATIENCE:.0f} s to {text!r}.") from None
        return Taken(sid, posted, acknowledged - begun, called - begun)

    async def close(self) -> None:
        """Close its connections."""
        await self._poster.close()


@dataclasses.dataclass
class Run:
    """Turns that were taken together. `wall` ends with the last one that counts for throughput."""

    taken: list[Taken] = dataclasses.field(default_factory=list)
    counted: int = 0
    wall: float = 0.0


async def closed_loop(
    phone: Phone, contacts: Sequence[Contact], at_once: int, turns: int, cap: float, each: int
) -> Run:
    """`at_once` contacts, each writing again when answered, until `turns` are taken or `cap` seconds over.

    A contact writes `each` messages and gives way to a fresh one, so that lengths stay what they are.
    """
    run, waiting, begun = Run(), list(reversed(contacts)), time.perf_counter()

    def over() -> bool:
        return run.counted >= turns or time.perf_counter() - begun > cap

    async def slot() -> None:
        while waiting and not over():
            contact = waiting.pop()
            for _ in range(each):
                if over():
                    return
                run.taken.append(await phone.turn(contact))
                if not over() or not run.counted:
                    run.counted, run.wall = len(run.taken), time.perf_counter() - begun

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(slot())
    return run


@dataclasses.dataclass
class Offered:
    """What an open loop offered and how it was answered; seconds from when each message was due.

    `drained` is how long after the last message the last answer went out; None if too long.
    """

    rate: float
    seconds: float
    answered: list[float] = dataclasses.field(default_factory=list)
    late_starts: list[float] = dataclasses.field(default_factory=list)
    refused: int = 0
    drained: float | None = None
    usage: Usage = dataclasses.field(default_factory=Usage)


async def open_loop(
    send: Callable[[Contact], Awaitable[int]], contacts: Sequence[Contact], rate: float, seconds: float
) -> Offered:
    """Messages at random moments (Poisson, fixed seed), whether or not earlier ones are answered.

    The time counts from the moment a message was due, not from when it could be sent, so that
    waiting in the load generator is not forgotten (coordinated omission).
    """
    found = Offered(rate, seconds)

    async def one(contact: Contact, due: float) -> None:
        found.late_starts.append(time.perf_counter() - due)
        status = await send(contact)
        found.answered.append(time.perf_counter() - due)
        found.refused += not 200 <= status < 300

    async with asyncio.TaskGroup() as group:
        async for number, due in _moments(rate, seconds):
            group.create_task(one(contacts[number % len(contacts)], due))
    return found


async def _moments(rate: float, seconds: float) -> AsyncIterator[tuple[int, float]]:
    chance, begun, number, after = random.Random(80), time.perf_counter(), 0, 0.0
    while (after := after + chance.expovariate(rate)) < seconds:
        await asyncio.sleep(max(0.0, begun + after - time.perf_counter()))
        yield number, begun + after
        number += 1
