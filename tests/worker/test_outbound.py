"""A message goes out once, in order; what became of it is known or looked up, never guessed."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.protocol import ChannelUnavailable, SendingChannel
from bot.store import cases, contacts, outbox
from bot.store.tables import address as address_table
from bot.vocabulary import Channel, DeliveryReport, DeliveryStatus, OutboundMessage, SendAction, SendOutcome
from bot.worker.outbound import OutboundWork, SendPolicy
from tests.world import Person, World

SENT = "sent"
LONG = timedelta(days=2)


@dataclasses.dataclass
class FakeProvider(SendingChannel):
    """Answers sends and look-ups from two lists; when they are empty, everything goes well."""

    sends: list[SendOutcome | Exception] = dataclasses.field(default_factory=list)
    finds: list[SendOutcome | Exception | None] = dataclasses.field(default_factory=list)
    sent: list[str] = dataclasses.field(default_factory=list)
    asked: list[tuple[str, datetime, frozenset[str]]] = dataclasses.field(default_factory=list)

    async def send(self, message: OutboundMessage) -> SendOutcome:
        self.sent.append(message.text)
        await asyncio.sleep(0)
        return self._next(self.sends, message)

    async def find(self, message: OutboundMessage, *, since: datetime, known: frozenset[str]) -> SendOutcome | None:
        self.asked.append((message.text, since, known))
        return self._next(self.finds, message) if self.finds else None

    async def close(self) -> None:
        """Nothing to close."""

    def _next(self, planned: list[Any], message: OutboundMessage) -> Any:
        outcome = planned.pop(0) if planned else SendOutcome(DeliveryStatus.SENT, provider_id=f"SM{message.id.hex}")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def failing(action: SendAction, code: int | None = None, retry_after: float | None = None) -> SendOutcome:
    status = DeliveryStatus.UNKNOWN if action is SendAction.UNKNOWN else DeliveryStatus.FAILED
    return SendOutcome(status, action=action, code=code, retry_after=retry_after)


async def expecting(world: World, *texts: str, kind: str = "reply", number: str = "+15550001111") -> Person:
    """A person for whom these messages wait."""
    person = world.person(number)
    async with world.database.transaction() as session:
        contact_id, address_id = await contacts.find_or_create(session, [person.address])
        await session.run(
            sa.update(address_table).where(address_table.c.id == address_id).values(last_inbound_at=world.now)
        )
        await outbox.queue(session, contact_id=contact_id, address_id=address_id, texts=texts, kind=kind)
    return person


async def change_address(world: World, **values: Any) -> None:
    async with world.database.transaction() as session:
        await session.run(sa.update(address_table).values(**values))


async def statuses(person: Person) -> list[tuple[str, str | None]]:
    return [(status, reason) for _, status, reason in await person.fates()]


# In order


async def test_what_was_queued_for_one_person_goes_out_in_that_order(world: World) -> None:
    provider = FakeProvider()
    person = await expecting(world, "one", "two", "three")
    await world.send_out(provider)
    assert provider.sent == ["one", "two", "three"]
    assert await statuses(person) == [(SENT, None)] * 3


async def test_a_message_that_must_be_tried_again_holds_back_the_ones_behind_it(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.RETRY)])
    await expecting(world, "one", "two")
    await world.send_out(provider)
    assert provider.sent == ["one"]
    world.pass_time(seconds=10)
    await world.send_out(provider)
    assert provider.sent == ["one", "one", "two"]


async def test_a_message_that_will_never_arrive_holds_back_nothing(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.CONTENT, 21617)])
    person = await expecting(world, "one", "two")
    await world.send_out(provider)
    assert await statuses(person) == [("failed", "content"), (SENT, None)]


async def test_one_persons_trouble_holds_back_nobody_else(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.RETRY, retry_after=600)])
    await expecting(world, "stuck", number="+15551")
    await expecting(world, "free", number="+15552")
    await world.send_out(provider)
    assert provider.sent == ["stuck", "free"]


async def test_many_senders_at_once_send_each_message_once_and_in_order(world: World) -> None:
    provider = FakeProvider()
    for n in range(6):
        await expecting(world, *(f"{n}.{i}" for i in range(5)), number=f"+1555{n}")
    work = OutboundWork(world.database, {Channel.WHATSAPP: provider}, {}, SendPolicy())

    async def sender() -> None:
        for _ in range(30):
            if not await work():
                await asyncio.sleep(0.01)

    await asyncio.gather(*(sender() for _ in range(5)))
    assert sorted(provider.sent) == [f"{n}.{i}" for n in range(6) for i in range(5)]
    for n in range(6):
        mine = [text for text in provider.sent if text.startswith(f"{n}.")]
        assert mine == sorted(mine)


# What must not be sent is held, with the reason


async def test_nothing_automatic_goes_out_after_stop(world: World) -> None:
    provider = FakeProvider()
    person = await expecting(world, "a notice", kind="notice")
    await change_address(world, opted_out_at=world.now)
    await world.send_out(provider)
    assert (provider.sent, await statuses(person)) == ([], [("held", "opted_out")])


@pytest.mark.parametrize(("hours", "fate"), [(23.9, (SENT, None)), (24.1, ("held", "window_closed"))])
async def test_a_whatsapp_message_outside_the_window_is_held(world: World, hours: float, fate: tuple[str, str]) -> None:
    person = await expecting(world, "late")
    world.pass_time(hours=hours)
    await world.send_out(FakeProvider())
    assert await statuses(person) == [fate]


async def test_sms_knows_no_window(world: World) -> None:
    person = world.person(channel=Channel.SMS)
    await person.writes("hello")
    world.pass_time(days=30)
    await world.send_out(FakeProvider())
    assert {status for status, _ in await statuses(person)} == {SENT}


async def test_an_address_that_can_never_be_reached_is_not_tried(world: World) -> None:
    provider = FakeProvider()
    person = await expecting(world, "x")
    await change_address(world, unusable_at=world.now)
    await world.send_out(provider)
    assert (provider.sent, await statuses(person)) == ([], [("failed", "unusable_address")])


async def test_a_channel_without_an_account_holds_the_message(world: World) -> None:
    person = await expecting(world, "x")
    work = OutboundWork(world.database, {}, {}, SendPolicy())
    assert await work()
    assert await statuses(person) == [("held", "configuration")]


# The closed table of outcomes


@pytest.mark.parametrize(
    ("action", "fate"),
    [
        (SendAction.GIVE_UP, ("failed", "give_up")),
        (SendAction.CONTENT, ("failed", "content")),
        (SendAction.CONFIGURATION, ("failed", "configuration")),
        (SendAction.OPTED_OUT, ("failed", "opted_out")),
        (SendAction.UNUSABLE_ADDRESS, ("failed", "unusable_address")),
        (SendAction.WINDOW_CLOSED, ("held", "window_closed")),
        (SendAction.RETRY, ("queued", "retry")),
        (SendAction.RETRY_ONCE, ("queued", "retry_once")),
        (SendAction.RETRY_NEXT_DAY, ("queued", "retry_next_day")),
        (SendAction.UNKNOWN, ("unknown", "unknown")),
    ],
)
async def test_every_outcome_has_its_one_consequence(world: World, action: SendAction, fate: tuple[str, str]) -> None:
    provider = FakeProvider(sends=[failing(action, 12345)])
    person = await expecting(world, "x")
    await world.send_out(provider)
    assert await statuses(person) == [fate]
    assert (await world.rows(outbox.outbox))[0]["code"] == 12345


def test_the_table_above_names_every_outcome_there_is() -> None:
    (mark,) = test_every_outcome_has_its_one_consequence.pytestmark
    assert {case[0] for case in mark.args[1]} == set(SendAction)


async def test_a_number_that_opted_out_at_the_provider_counts_as_stop_here(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.OPTED_OUT, 21610)])
    person = await expecting(world, "one", "two")
    await world.send_out(provider)
    assert await statuses(person) == [("failed", "opted_out"), ("held", "opted_out")]


async def test_a_number_that_does_not_exist_is_not_tried_again(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.UNUSABLE_ADDRESS, 21211)])
    person = await expecting(world, "one", "two")
    await world.send_out(provider)
    assert await statuses(person) == [("failed", "unusable_address")] * 2


async def test_tries_are_given_up_after_so_many_and_wait_longer_each_time(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.RETRY) for _ in range(9)])
    person = await expecting(world, "x")
    gaps = await gaps_between_tries(world, provider, minutes=10)
    assert len(provider.sent) == 5
    assert gaps == sorted(gaps) and 1 <= gaps[0] <= 4 and gaps[-1] >= 10
    assert await statuses(person) == [("failed", "retry")]


async def test_the_provider_says_when_to_come_back(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.RETRY, retry_after=100)])
    await expecting(world, "x")
    (gap,) = await gaps_between_tries(world, provider, minutes=4)
    assert 80 <= gap <= 121


async def test_what_may_be_tried_once_more_is_tried_once_more_after_a_minute(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.RETRY_ONCE) for _ in range(9)])
    person = await expecting(world, "x")
    (gap,) = await gaps_between_tries(world, provider, minutes=10)
    assert 48 <= gap <= 73
    assert await statuses(person) == [("failed", "retry_once")]


async def test_a_daily_limit_waits_for_the_next_day(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.RETRY_NEXT_DAY, 63038)])
    person = await expecting(world, "x")
    await change_address(world, last_inbound_at=world.now + timedelta(days=2))
    await world.send_out(provider)
    world.pass_time(hours=18)
    await world.send_out(provider)
    assert provider.sent == ["x"]
    world.pass_time(hours=12)
    await world.send_out(provider)
    assert await statuses(person) == [(SENT, None)]


async def gaps_between_tries(world: World, provider: FakeProvider, minutes: int) -> list[float]:
    """Seconds between one send and the next, second by second."""
    tries: list[datetime] = []
    for _ in range(minutes * 60):
        before = len(provider.sent)
        await world.send_out(provider)
        tries += [world.now] * (len(provider.sent) - before)
        if not [row for row in await world.rows(outbox.outbox) if row["status"] in ("queued", "sending", "unknown")]:
            break
        world.pass_time(seconds=1)
    return [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(tries)]


# Danger, and a counsellor's words


@pytest.mark.parametrize("kind", ["crisis", "counsellor"])
async def test_when_what_matters_most_will_not_arrive_the_case_shows_it(world: World, kind: str) -> None:
    person = await expecting(world, "x", kind=kind)
    async with world.database.transaction() as session:
        await cases.open_case(session, (await person.contact()).id, reason="risk", level=4)
    await world.send_out(FakeProvider(sends=[failing(SendAction.GIVE_UP, 30003)]))
    event = (await person.case()).events[-1]
    assert (event.kind, event.note) == ("not delivered", "give_up")


async def test_an_answer_to_danger_does_not_wait_behind_small_talk_that_cannot_be_sent_now(world: World) -> None:
    """A reply that waits a day for the provider's limit, and then danger."""
    provider = FakeProvider(sends=[failing(SendAction.RETRY, retry_after=300)])
    person = world.person()
    await person.consents()
    await person.writes("menu")
    await world.send_out(provider)
    (answer,) = (await person.writes("i want to kill myself tonight"))[-1:]
    await world.send_out(provider)
    assert provider.sent[-1] == answer


# What is not known is looked up


async def test_a_send_without_an_answer_is_looked_up_and_not_sent_again(world: World) -> None:
    found = SendOutcome(DeliveryStatus.SENT, provider_id="SM77")
    provider = FakeProvider(sends=[failing(SendAction.UNKNOWN)], finds=[found])
    person = await expecting(world, "x")
    first_tried = world.now
    await world.send_out(provider)
    world.pass_time(seconds=10)
    await world.send_out(provider)
    assert provider.sent == ["x"]
    assert provider.asked == [("x", first_tried, frozenset())]
    assert await statuses(person) == [(SENT, None)]
    assert (await world.rows(outbox.outbox))[0]["provider_id"] == "SM77"


async def test_only_what_the_provider_does_not_have_is_sent_again(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.UNKNOWN)])
    person = await expecting(world, "x")
    await keep_sending(world, provider, minutes=5)
    assert provider.sent == ["x", "x"]
    assert provider.asked, "it must have been looked up before it was sent again"
    assert await statuses(person) == [(SENT, None)]


async def test_a_second_unclear_send_gets_as_much_time_to_show_up_as_the_first(world: World) -> None:
    """The provider lists a message only some time after it took it."""
    provider = FakeProvider(sends=[failing(SendAction.UNKNOWN), failing(SendAction.UNKNOWN)])
    await expecting(world, "x")
    first, second, third = await moments_of_sending(world, provider, minutes=5)
    assert (third - second) > (second - first) / 2


async def keep_sending(world: World, provider: FakeProvider, minutes: int) -> None:
    for _ in range(minutes * 30):
        await world.send_out(provider)
        world.pass_time(seconds=2)


async def moments_of_sending(world: World, provider: FakeProvider, minutes: int) -> list[datetime]:
    """When each send happened."""
    moments: list[datetime] = []
    for _ in range(minutes * 30):
        before = len(provider.sent)
        await world.send_out(provider)
        moments += [world.now] * (len(provider.sent) - before)
        world.pass_time(seconds=2)
    return moments


async def test_while_the_provider_cannot_be_asked_nothing_is_sent(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.UNKNOWN)], finds=[ChannelUnavailable("for the test")] * 3)
    await expecting(world, "x", "y")
    for _ in range(3):
        await world.send_out(provider)
        world.pass_time(seconds=10)
    assert provider.sent == ["x"]
    assert len(provider.asked) == 2


async def test_messages_already_known_are_not_mistaken_for_the_lost_one(world: World) -> None:
    provider = FakeProvider(
        sends=[
            SendOutcome(DeliveryStatus.SENT, provider_id="SM1"),
            failing(SendAction.UNKNOWN),
        ]
    )
    await expecting(world, "same words", "same words")
    await world.send_out(provider)
    world.pass_time(seconds=10)
    await world.send_out(provider)
    assert provider.asked[0][2] == frozenset({"SM1"})


async def test_a_provider_that_never_answers_is_not_sent_the_same_words_for_ever(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.UNKNOWN) for _ in range(99)], finds=[None] * 99)
    person = await expecting(world, "x", kind="reply")
    for _ in range(60):
        await world.send_out(provider)
        world.pass_time(seconds=10)
    assert len(provider.sent) <= 5
    assert (await statuses(person))[0][0] == "failed"


async def test_a_sender_that_died_in_the_middle_is_followed_by_a_look_up(world: World) -> None:
    dying, living = (
        FakeProvider(sends=[RuntimeError("the process dies")]),
        FakeProvider(finds=[SendOutcome(DeliveryStatus.SENT, provider_id="SM5")]),
    )
    person = await expecting(world, "x")
    with pytest.raises(RuntimeError):
        await world.send_out(dying)
    await world.send_out(living)
    assert (living.sent, living.asked, await statuses(person)) == ([], [], [("sending", None)])
    world.pass_time(seconds=46)
    await world.send_out(living)
    assert living.sent == [] and len(living.asked) == 1
    assert await statuses(person) == [(SENT, None)]


async def test_after_stop_a_message_that_may_be_out_is_looked_up_but_not_sent_again(world: World) -> None:
    provider = FakeProvider(sends=[failing(SendAction.UNKNOWN)], finds=[None])
    person = await expecting(world, "x")
    await world.send_out(provider)
    await change_address(world, opted_out_at=world.now)
    for _ in range(3):
        world.pass_time(seconds=10)
        await world.send_out(provider)
    assert provider.sent == ["x"]
    assert await statuses(person) == [("held", "opted_out")]


# Later words of the provider


async def report(world: World, status: DeliveryStatus, provider_id: str, code: int | None = None) -> bool:
    async with world.database.transaction() as session:
        return await outbox.report(session, DeliveryReport(provider_id, status, code=code)) is not None


async def sent_message(world: World) -> tuple[Person, str]:
    person = await expecting(world, "x")
    await world.send_out(FakeProvider(sends=[SendOutcome(DeliveryStatus.SENT, provider_id="SM1")]))
    return person, "SM1"


async def test_delivered_and_read_are_kept_whatever_order_they_come_in(world: World) -> None:
    person, provider_id = await sent_message(world)
    assert await report(world, DeliveryStatus.READ, provider_id)
    assert not await report(world, DeliveryStatus.DELIVERED, provider_id)
    assert not await report(world, DeliveryStatus.SENT, provider_id)
    assert await statuses(person) == [("read", None)]


async def test_a_word_about_a_message_that_is_not_ours_changes_nothing(world: World) -> None:
    person, _ = await sent_message(world)
    assert not await report(world, DeliveryStatus.READ, "SM-of-somebody-else")
    assert await statuses(person) == [(SENT, None)]


async def test_delivered_that_comes_before_the_answer_to_the_send_stays(world: World) -> None:
    person = await expecting(world, "x")
    async with world.database.transaction() as session:
        claimed = await outbox.claim(session, LONG)
    assert claimed is not None
    async with world.database.transaction() as session:
        early = DeliveryReport("SM1", DeliveryStatus.DELIVERED, message_id=claimed.message.id)
        assert await outbox.report(session, early) is not None
        await outbox.settle(
            session, claimed.message.id, DeliveryStatus.SENT, attempts=claimed.attempts, provider_id="SM1"
        )
    assert await statuses(person) == [("delivered", None)]


@given(st.lists(st.sampled_from(DeliveryStatus), min_size=1))
def test_a_status_only_ever_moves_forward(reports: list[DeliveryStatus]) -> None:
    status = DeliveryStatus.QUEUED
    for one in reports:
        after = status.after(one)
        assert after.rank >= status.rank
        status = after
    assert status.rank == max(one.rank for one in [DeliveryStatus.QUEUED, *reports])


@given(st.permutations(list(DeliveryStatus)))
def test_in_whatever_order_all_reports_come_the_end_is_the_same(order: list[DeliveryStatus]) -> None:
    status = DeliveryStatus.QUEUED
    for one in order:
        status = status.after(one)
    assert status is DeliveryStatus.READ


# What was held for a closed window


async def test_a_counsellors_words_held_for_the_window_go_out_first_and_in_order_once_the_person_writes(
    world: World,
) -> None:
    provider = FakeProvider()
    person = await expecting(world, "one", "two", kind="counsellor")
    await change_address(world, last_inbound_at=world.now - timedelta(hours=25))
    await world.send_out(provider)
    assert provider.sent == []
    world.pass_time(hours=2)
    await person.consents()
    answers = await person.writes("menu")
    await world.send_out(provider)
    assert provider.sent[:2] == ["one", "two"]
    assert provider.sent[-1] == answers[-1]
    assert {status for status, _ in await statuses(person)} == {SENT}


@pytest.mark.parametrize(
    ("kind", "hours", "fate"),
    [
        ("crisis", 20, SENT),
        ("crisis", 25, "held"),
        ("counsellor", 6 * 24, SENT),
        ("counsellor", 8 * 24, "held"),
        ("reply", 1, "held"),
        ("notice", 1, "held"),
    ],
)
async def test_only_what_still_means_something_is_sent_late(world: World, kind: str, hours: int, fate: str) -> None:
    person = await expecting(world, "late words", kind=kind)
    await change_address(world, last_inbound_at=world.now - timedelta(hours=25))
    await world.send_out(FakeProvider())
    world.pass_time(hours=hours)
    await person.consents()
    await person.writes("menu")
    await world.send_out(FakeProvider())
    assert (await statuses(person))[0][0] == fate


async def test_what_stop_held_stays_held_when_the_person_writes_again(world: World) -> None:
    person = await expecting(world, "x", kind="counsellor")
    await change_address(world, opted_out_at=world.now)
    await world.send_out(FakeProvider())
    assert await statuses(person) == [("held", "opted_out")]
    await person.writes("hello")
    assert (await statuses(person))[0] == ("held", "opted_out")


async def test_a_failed_send_is_not_found_again_when_the_next_one_is_looked_up(world: World) -> None:
    full = SendOutcome(DeliveryStatus.FAILED, provider_id="SM1", action=SendAction.RETRY, code=30001)
    provider = FakeProvider(sends=[failing(SendAction.UNKNOWN), failing(SendAction.UNKNOWN)], finds=[full])
    await expecting(world, "x")
    await keep_sending(world, provider, minutes=1)
    assert provider.asked[1][2] == frozenset({"SM1"})


async def test_how_much_waits_to_go_out_is_known(world: World) -> None:
    await expecting(world, "x", "y")
    world.pass_time(seconds=20)
    async with world.database.transaction() as session:
        assert await outbox.queue_state(session) == (2, 20.0)
    await world.send_out(FakeProvider())
    async with world.database.transaction() as session:
        assert await outbox.queue_state(session) == (0, 0.0)
