"""The whole system in one process, for journeys: the engine is scripted, everything else is real."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import settings

from bot import clock
from bot.care import handover
from bot.care.lines import LinePolicy
from bot.channels.protocol import SendingChannel
from bot.conversation.screening import load_screener
from bot.conversation.turn import TurnConfig, TurnHandler, TurnReport
from bot.dialogue.protocol import EngineTurn
from bot.dialogue.scripted import ScriptedEngine
from bot.errors import EngineUnavailable
from bot.flow import Bundle, DialogueState, TurnInput, advance, read_flows, render
from bot.store import cases, content, inbox
from bot.store.cases import Case
from bot.store.contacts import change_contact, find_or_create, hold_contact
from bot.store.database import Database
from bot.store.tables import address, outbox
from bot.supervisor import demo
from bot.vocabulary import Address, Channel, InboundMessage, Media
from bot.worker.due import DueWork
from bot.worker.outbound import OutboundWork, SendPolicy
from escalation import Screener

ROOT = Path(__file__).resolve().parents[1]
DAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday, within the demo's shift
NIGHT = datetime(2026, 11, 23, 2, 10, tzinfo=UTC)
settings.register_profile("harbour", deadline=None)  # a busy machine is no failure
settings.load_profile("harbour")
LINES = LinePolicy("XX")  # a country that is none
Understand = Callable[[str], tuple[str, float]]


@cache
def shipped() -> Bundle:
    """The flows as they are shipped."""
    return read_flows(ROOT / "flows")


def opening(key: str, language: str = "en", flow: str = "") -> str:
    """How a shipped text begins, up to its first placeholder: enough to know it by."""
    bundle = shipped()
    texts = bundle.texts[language][flow] if flow else bundle.service[language].texts
    return texts[key].text.partition("{")[0].strip()


@cache
def screener() -> Screener:
    """The lexicons as they are shipped."""
    return load_screener(ROOT / "escalation" / "lexicon")


def play(bundle: Bundle) -> Callable[[EngineTurn, str, float], dict[str, Any]]:
    """The pure interpreter behind the engine's protocol; the state goes through JSON each time."""

    def one(turn: EngineTurn, intent: str, confidence: float) -> dict[str, Any]:
        state = DialogueState.from_json(turn.state) if turn.state else DialogueState(bundle.hash)
        given = TurnInput(
            language=turn.language,
            channel=turn.channel,
            text=turn.text,
            payload=turn.payload,
            intent=intent,
            confidence=confidence,
            start=turn.start,
            result=turn.result,
            facts=turn.facts,
        )
        outcome = advance(bundle, state, given)
        says = [
            {"flow": say.flow, "key": say.key, "text": render(bundle, say, turn.language, turn.channel)}
            for say in outcome.says
        ]
        call = outcome.call and {"name": outcome.call.name, "slots": dict(outcome.call.slots)}
        return {"says": says, "call": call, "state": outcome.state.to_json()}

    return one


@dataclasses.dataclass
class World:
    """One deployment with a frozen clock. `understanding` says what the engine makes of a text."""

    database: Database
    engine: ScriptedEngine
    turns: TurnHandler
    now: datetime = DAY
    understanding: dict[str, tuple[str, float]] = dataclasses.field(default_factory=dict)
    sent: int = 0

    @staticmethod
    async def begin(database: Database) -> World:
        bundle = shipped()
        understanding: dict[str, tuple[str, float]] = {}
        engine = ScriptedEngine(lambda text: understanding.get(text, ("nlu_fallback", 0.1)), play(bundle))
        config = TurnConfig(organisation="Test organisation", second_reader=True, lines=LINES)
        world = World(database, engine, TurnHandler(database, engine, screener(), config), understanding=understanding)
        clock.freeze(lambda: world.now)
        async with database.transaction() as session:
            await content.publish(session, bundle.hash, bundle.to_json())
            await demo.load(session)
        return world

    def engine_goes_down(self) -> None:
        """From now on the engine cannot be reached."""
        self.engine.fails_with = EngineUnavailable("down for the test")

    def engine_comes_back(self) -> None:
        """The engine answers again."""
        self.engine.fails_with = None

    def pass_time(self, **amount: float) -> None:
        """Let time go by, as timedelta's arguments."""
        self.now += timedelta(**amount)

    def understands(self, text: str, intent: str, confidence: float = 0.95) -> None:
        """From now on the engine reads this text as this intent."""
        self.understanding[text] = (intent, confidence)

    def counsellor(self, name: str = "Amal") -> Counsellor:
        """Somebody of the team."""
        return Counsellor(self, name)

    def handler(self) -> TurnHandler:
        """One more worker's turn handler, beside `turns`."""
        config = TurnConfig(organisation="Test organisation", second_reader=True, lines=LINES)
        return TurnHandler(self.database, self.engine, screener(), config)

    async def send_out(self, channel: SendingChannel, policy: SendPolicy | None = None) -> None:
        """Hand over whatever is due, on every channel, to this provider."""
        send = OutboundWork(self.database, dict.fromkeys(Channel, channel), {}, policy or SendPolicy())
        for _ in range(500):
            if not await send():
                return
        raise AssertionError("sends without end")

    async def do_what_is_due(self) -> None:
        """Let every timer that is due do its work."""
        due = DueWork(self.database, LINES)
        while await due():
            pass

    async def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        """Everything in one table."""
        async with self.database.transaction() as session:
            return [dict(row) for row in await session.all(sa.select(table))]

    def person(self, value: str = "+15550001111", channel: Channel = Channel.WHATSAPP) -> Person:
        """Somebody who writes."""
        return Person(self, Address(channel, value))

    async def work(self) -> list[TurnReport]:
        """Take turns until nothing is due."""
        reports: list[TurnReport] = []
        while (report := await self.turns.next_turn()).took.value != "nothing":
            reports.append(report)
            if len(reports) > 500:
                raise AssertionError("turns without end")
        return reports


@dataclasses.dataclass
class Person:
    """A contact at their phone."""

    world: World
    address: Address
    seen: int = 0

    async def writes(self, text: str = "", **more: Any) -> list[str]:
        """Send a message, let the system work, and read what came back since the last time."""
        await self.sends(text, **more)
        await self.world.work()
        return await self.reads()

    async def sends(self, text: str = "", *, provider_id: str = "", **more: Any) -> bool:
        """Only put the message in. False if it was a duplicate."""
        self.world.sent += 1
        message = InboundMessage(
            channel=self.address.channel,
            provider_id=provider_id or f"SM{self.world.sent:032x}",
            sender=self.address,
            recipient="+15559990000",
            text=text,
            **more,
        )
        async with self.world.database.transaction() as session:
            return await inbox.receive(session, message)

    async def reads(self) -> list[str]:
        """Everything queued for this person since the last look."""
        async with self.world.database.transaction() as session:
            rows = await session.all(
                sa.select(outbox.c.position, outbox.c.sealed)
                .join(address, address.c.id == outbox.c.address_id)
                .where(address.c.fingerprint == self._fingerprint(), outbox.c.position > self.seen)
                .order_by(outbox.c.position)
            )
            self.seen = max([self.seen, *(row["position"] for row in rows)])
            return [session.keys.open(row["sealed"], "outbox.text") for row in rows]

    async def consents(self, language: str = "en") -> None:
        """As if the welcome had been gone through in this language."""
        async with self.world.database.transaction() as session:
            contact_id, _ = await find_or_create(session, [self.address])
            known = {"language": language, "language_chosen": True, "consent": "1", "consent_at": self.world.now}
            await change_contact(session, contact_id, known)

    async def taps(self, payload: str, title: str = "") -> list[str]:
        """Tap a button or a row of a list."""
        return await self.writes(title, button_payload=payload, button_title=title)

    async def sends_voice(self) -> list[str]:
        """Send a voice note, with no words to it."""
        return await self.writes("", media=(Media("https://media.example/voice", "audio/ogg"),))

    async def fates(self) -> list[tuple[str, str, str | None]]:
        """(kind, status, reason) of everything ever queued for this person, in order."""
        async with self.world.database.transaction() as session:
            rows = await session.all(
                sa.select(outbox.c.kind, outbox.c.status, outbox.c.reason)
                .join(address, address.c.id == outbox.c.address_id)
                .where(address.c.fingerprint == self._fingerprint())
                .order_by(outbox.c.position)
            )
        return [(row["kind"], row["status"], row["reason"]) for row in rows]

    async def contact(self) -> Any:
        """The contact as stored."""
        async with self.world.database.transaction() as session:
            contact_id, _ = await find_or_create(session, [self.address])
            return await hold_contact(session, contact_id)

    async def case(self) -> Case | None:
        """The open case, if any."""
        found = await self.contact()
        async with self.world.database.transaction() as session:
            return await cases.open_case_of(session, found.id)

    def _fingerprint(self) -> bytes:
        return self.world.database.keys.fingerprint(self.address.channel.value, self.address.value)


@dataclasses.dataclass
class Counsellor:
    """Somebody of the team at the desk. Every act raises CaseConflict as the desk would."""

    world: World
    name: str

    async def takes(self, person: Person) -> None:
        """Acknowledge the person's open case."""
        case = await self._case_of(person)
        async with self.world.database.transaction() as session:
            await handover.acknowledge(session, case, self.name)

    async def answers(self, person: Person, text: str) -> None:
        """Write to the person."""
        case = await self._case_of(person)
        async with self.world.database.transaction() as session:
            await handover.answer(session, case, self.name, text, sms_segments=6)

    async def closes(self, person: Person, reason: str = "helped") -> None:
        """Close the case and hand the conversation back."""
        case = await self._case_of(person)
        async with self.world.database.transaction() as session:
            await handover.hand_back(session, case, self.name, reason)

    async def _case_of(self, person: Person) -> Case:
        case = await person.case()
        assert case is not None, "this person has no open case"
        return case
