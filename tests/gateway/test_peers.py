"""The whole way round with peers that are not ours: emulate writes, we answer, it reports back.

`emulate -> our gateway (uvicorn) -> row -> a turn -> outbox -> Prism (Twilio's schema) -> emulate
-> signed status callback -> our gateway -> the row says delivered`. Only the engine is scripted.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from bot import clock
from bot.channels.twilio import TwilioChannel
from bot.settings import Settings
from bot.store.database import Database
from bot.vocabulary import Channel
from bot.worker.inbound import InboundWork
from bot.worker.outbound import OutboundWork, SendPolicy
from tests.channels.peers import stack
from tests.world import World

from .conftest import serving, settings_for

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(stack.are_skipped(), reason="HARBOUR_SKIP_PEERS=1"),
]

PERSON = "+573001112222"
OURS = f"whatsapp:{stack.WHATSAPP_NUMBER}"


@dataclasses.dataclass
class Round:
    """Peers on one side, gateway and a worker's work on the other."""

    peers: stack.Peers
    database: Database
    inbound: InboundWork
    outbound: OutboundWork

    async def answer_all(self) -> None:
        """Let the worker answer and send until it finds nothing to do."""
        for work in (self.inbound, self.outbound):
            while await work():
                pass

    async def rows(self, statement: str) -> list[dict[str, object]]:
        async with self.database.transaction() as session:
            return [dict(row) for row in await session.all(sa.text(statement))]

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Wait until it holds, at most ten seconds."""
        async with asyncio.timeout(10):
            while not await holds():
                await asyncio.sleep(0.05)

    async def held_by_emulator(self) -> list[dict[str, str]]:
        """The messages to the person, as emulate keeps them, oldest first."""
        url = f"{self.peers.emulator_url}/2010-04-01/Accounts/{stack.ACCOUNT_SID}/Messages.json"
        async with httpx.AsyncClient(auth=(stack.ACCOUNT_SID, stack.AUTH_TOKEN), trust_env=False) as client:
            answer = await client.get(url, params={"PageSize": "1000"})
        messages: list[dict[str, str]] = answer.json()["messages"]
        return [one for one in messages if one["direction"].startswith("outbound")]


@pytest.fixture(scope="module")
def gateway_port() -> int:
    return stack.free_port()


@pytest.fixture(scope="module")
def peers(gateway_port: int) -> Iterator[stack.Peers]:
    with stack.running(whatsapp_url=f"http://127.0.0.1:{gateway_port}/webhooks/twilio/inbound") as running:
        yield running


@pytest.fixture(scope="module")
def settings(postgres_url: str, gateway_port: int, peers: stack.Peers) -> Settings:
    public = f"http://127.0.0.1:{gateway_port}"
    account = peers.account(public_base_url=public)
    return settings_for(
        postgres_url,
        gateway_port=gateway_port,
        public_base_url=public,
        twilio_account_sid=account.account_sid,
        twilio_auth_token=account.auth_token,
    )


@pytest.fixture(scope="module")
def _gateway(settings: Settings) -> Iterator[None]:
    with serving(settings):
        yield


@pytest_asyncio.fixture
async def round_(world: World, peers: stack.Peers, settings: Settings, _gateway: None) -> AsyncIterator[Round]:
    clock.freeze(None)
    provider = TwilioChannel(peers.account(public_base_url=settings.public_base_url))
    channels = {Channel.WHATSAPP: provider, Channel.SMS: provider}
    yield Round(
        peers,
        world.database,
        InboundWork(world.turns, lambda: None),
        OutboundWork(world.database, channels, {}, SendPolicy()),
    )
    await provider.close()


@pytest.mark.parametrize("text", ["hello", "ñ & = % + 😀", "مرحبا  ", ""])
async def test_a_message_goes_all_the_way_round_and_comes_back_delivered(round_: Round, text: str) -> None:
    await round_.peers.write_to_us(text, sender=f"whatsapp:{PERSON}", recipient=OURS)
    (waiting,) = await round_.rows("SELECT state, channel FROM inbox")
    assert waiting == {"state": "waiting", "channel": "whatsapp"}

    await round_.answer_all()
    assert await round_.rows("SELECT state FROM inbox") == [{"state": "done"}]
    sent = await round_.rows("SELECT status, provider_id FROM outbox ORDER BY position")
    assert sent and {row["status"] for row in sent} == {"sent"}, round_.peers.said()
    kept = {one["sid"]: one for one in await round_.held_by_emulator()}
    assert all(kept[str(row["provider_id"])]["to"] == f"whatsapp:{PERSON}" for row in sent)

    for row in sent:
        await round_.peers.report(str(row["provider_id"]), "delivered")

    async def delivered() -> bool:
        return {row["status"] for row in await round_.rows("SELECT status FROM outbox")} == {"delivered"}

    await round_.until(delivered)


async def test_risk_on_the_way_round_is_answered_and_opens_a_case(round_: Round) -> None:
    await round_.peers.write_to_us("i want to kill myself", sender=f"whatsapp:{PERSON}", recipient=OURS)
    await round_.answer_all()
    rows = await round_.rows("SELECT kind, status FROM outbox")
    assert {"kind": "crisis", "status": "sent"} in rows
    assert len(await round_.rows('SELECT id FROM "case"')) == 1


async def test_a_whole_welcome_over_sms_stays_in_order(round_: Round) -> None:
    before = len(await round_.held_by_emulator())
    for text in ("hello", "1", "1", "3"):
        await round_.peers.write_to_us(text, sender=PERSON, recipient=stack.SMS_NUMBER)
        await round_.answer_all()
    ours = await round_.rows("SELECT provider_id FROM outbox ORDER BY position")
    assert len(ours) >= 4
    theirs = [one["sid"] for one in await round_.held_by_emulator()]
    assert len(theirs) - before == len(ours)
    wanted = [row["provider_id"] for row in ours]
    newest = [sid for sid in theirs if sid in set(wanted)]
    assert newest in (wanted, wanted[::-1])


async def test_reports_out_of_order_end_read(round_: Round) -> None:
    await round_.peers.write_to_us("hello", sender=f"whatsapp:{PERSON}", recipient=OURS)
    await round_.answer_all()
    (row, *_) = await round_.rows("SELECT provider_id FROM outbox ORDER BY position")
    for status in ("read", "sent", "delivered"):
        await round_.peers.report(str(row["provider_id"]), status)

    async def read() -> bool:
        (first, *_) = await round_.rows("SELECT status FROM outbox ORDER BY position")
        return first["status"] == "read"

    await round_.until(read)


async def test_a_message_that_did_not_arrive_says_so(round_: Round) -> None:
    await round_.peers.write_to_us("hello", sender=PERSON, recipient=stack.SMS_NUMBER)
    await round_.answer_all()
    (row, *_) = await round_.rows("SELECT provider_id FROM outbox ORDER BY position")
    await round_.peers.report(str(row["provider_id"]), "undelivered", 30005)

    async def failed() -> bool:
        (first, *_) = await round_.rows("SELECT status FROM outbox ORDER BY position")
        return first["status"] == "failed"

    await round_.until(failed)


async def test_a_send_whose_answer_is_lost_is_found_at_the_peer_and_not_sent_twice(round_: Round) -> None:
    """As after kill -9 between Twilio's 201 and our commit: the row says sending, and its lease is over."""
    await round_.peers.write_to_us("hello", sender=f"whatsapp:{PERSON}", recipient=OURS)
    await round_.answer_all()
    before = len(await round_.held_by_emulator())
    async with round_.database.transaction() as session:
        await session.run(
            sa.text(
                "UPDATE outbox SET status = 'sending', provider_id = NULL, due_at = now() - interval '1 second' "
                "WHERE position = (SELECT max(position) FROM outbox)"
            )
        )
    await round_.answer_all()
    rows = await round_.rows("SELECT status, provider_id IS NOT NULL AS known FROM outbox")
    assert all(row == {"status": "sent", "known": True} for row in rows)
    assert len(await round_.held_by_emulator()) == before


async def test_a_stranger_who_signs_with_another_token_is_not_heard(round_: Round, settings: Settings) -> None:
    url = f"{settings.public_base_url}/webhooks/twilio/inbound"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(url, data={"From": PERSON, "Body": "hello"}, headers={"X-Twilio-Signature": "x"})
    assert answer.status_code == 403
    assert await round_.rows("SELECT id FROM inbox") == []
