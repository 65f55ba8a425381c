"""Whatever happens to a message, nothing of it and nobody's address reaches a log."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot import log
from bot.channels.simulator import SimulatorChannel
from bot.conversation import turn as turn_module
from bot.errors import EngineFailed, HarbourError
from bot.store.database import Database
from bot.vocabulary import Channel, OutboundMessage, SendOutcome
from bot.worker.due import DueWork
from bot.worker.inbound import InboundWork
from bot.worker.outbound import OutboundWork, SendPolicy
from bot.worker.pool import Pool
from tests.conftest import KEYS
from tests.world import World, screener

WORDS, NUMBER, USER_ID = "kanarie zanjabil", "+15557654321", "CO.KANARIE99"
SECRETS = (*WORDS.split(), NUMBER, NUMBER[1:], USER_ID)


class Everything(logging.Handler):
    """Every record of every library, with its traceback."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        raised = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        self.lines.append(f"{record.getMessage()} {record.__dict__} {raised}")


@pytest.fixture
def logs() -> Iterator[list[str]]:
    """All that anybody logs, structlog's events included, at the lowest level there is."""
    handler, root = Everything(), logging.getLogger()
    before = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    for name in before:
        logging.getLogger(name).setLevel(1)
    with structlog.testing.capture_logs() as events:
        yield handler.lines
        handler.lines += [repr(event) for event in events]
        assert events, "our own loops should have logged something"
    root.removeHandler(handler)
    root.setLevel(level)
    for name, old in before.items():
        logging.getLogger(name).setLevel(old)
    found = [secret for secret in SECRETS for line in handler.lines if secret in line]
    assert found == []


class BrokenChannel(SimulatorChannel):
    """A provider whose library raises, with the message in its error."""

    async def send(self, message: OutboundMessage) -> SendOutcome:
        raise RuntimeError(f"could not send {message.text} to {message.recipient.value}")


async def one(world: World, work: Any) -> None:
    """As the pool does it."""
    await Pool("test", 1, work, poll=1)._once()


async def work_all(world: World, database: Database, channel: SimulatorChannel) -> None:
    """A worker's three loops, several rounds."""
    turns = turn_module.TurnHandler(database, world.engine, screener(), turn_module.TurnConfig(organisation="Test"))
    sending = OutboundWork(database, dict.fromkeys(Channel, channel), {}, SendPolicy())
    for _ in range(4):
        for work in (InboundWork(turns, lambda: None), sending, DueWork(database)):
            await one(world, work)
        world.pass_time(seconds=10)


async def test_no_log_holds_words_or_addresses_whatever_happens(
    world: World, postgres_url: str, logs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.worker.pool.asyncio.sleep", no_sleep)
    database = Database(postgres_url, KEYS, connections=2)
    person = world.person(NUMBER)
    await person.consents()
    for text in (WORDS, f"i want to kill myself tonight {WORDS}", f"menu {WORDS}", "stop"):
        await person.sends(text, button_title=text)
        await work_all(world, database, SimulatorChannel())
    await world.counsellor().answers(person, WORDS)
    await work_all(world, database, BrokenChannel())
    for broken in (EngineFailed("for the test"), HarbourError("for the test"), unexpected()):
        other = world.person(USER_ID)
        await other.consents()
        world.engine.fails_with = broken
        await other.sends(f"hello {WORDS}")
        await work_all(world, database, SimulatorChannel())
    await database.close()


async def test_a_crash_while_writing_down_leaves_no_words_in_the_logs(
    world: World, logs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dying(session: Any, desk: Any, events: Any) -> None:
        raise RuntimeError(f"{WORDS} {NUMBER} {events}")

    monkeypatch.setattr("bot.worker.pool.asyncio.sleep", no_sleep)
    monkeypatch.setattr(turn_module, "record", dying)
    person = world.person(NUMBER)
    await person.sends(WORDS)
    await one(world, InboundWork(world.turns, lambda: None))


async def test_a_database_that_goes_away_leaves_no_words_in_the_logs(
    world: World, logs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.worker.pool.asyncio.sleep", no_sleep)
    gone = Database("postgresql://nobody@127.0.0.1:1/none", KEYS)
    await world.person(NUMBER).sends(WORDS)
    await one(world, DueWork(gone))
    await gone.close()


def test_a_field_that_is_not_on_the_list_never_reaches_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    event = log._only_known(None, "info", {"event": "turn", "text": WORDS, "address": NUMBER, "ms": 3})
    assert event == {"event": "turn", "ms": 3}


def unexpected() -> HarbourError:
    """An error of our family that carries words it should not."""
    return HarbourError(f"about {WORDS}")


async def no_sleep(seconds: float) -> None:
    """Time is frozen anyway."""
