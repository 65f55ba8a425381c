"""What is found when all is quiet again: rows, the provider's list, and what the logs tell of look-ups.

Owns: collect(), reconciled().
Start reading at: `collect`.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from bot.store.database import Row, Session
from bot.store.wire import message_from_json

from .checker import Found, InboxRow, OutboxRow, Posted, Taken, Turn
from .plan import STOP, WORKERS, Plan
from .sender import Sender
from .system import System

_WHATSAPP = "whatsapp:"
_INBOX = sa.text("SELECT id, provider_id, address_id, sealed, state FROM inbox ORDER BY id")
_OUTBOX = sa.text(
    "SELECT o.id, position, inbox_id, address_id, kind, sealed, status, provider_id, w.transaction "
    "FROM outbox o LEFT JOIN soak_answer w ON w.outbox_id = o.id ORDER BY position"
)
_CASES = sa.text('SELECT a.id FROM address a JOIN "case" c ON c.contact_id = a.contact_id')


@dataclasses.dataclass(frozen=True)
class Reconciled:
    """How sends whose outcome was unclear came to an end.

    `found` by listing at the provider; `sent_again` because the list did not have them;
    `by_callback`: a callback closed the row before we could write it down ourselves.
    """

    found: int
    sent_again: int
    by_callback: int


async def collect(plan: Plan, sender: Sender, system: System) -> Found:
    """Everything the checker wants to see."""
    async with system.database.transaction() as session:
        addresses = await _addresses(session)
        turns = await _turns(session)
        inbox = [_inbox_row(session, row, addresses, turns) for row in await session.all(_INBOX)]
        outbox = [_outbox_row(session, row, addresses) for row in await session.all(_OUTBOX)]
        cases = frozenset(addresses[row["id"]] for row in await session.all(_CASES))
    taken = [Taken(one["sid"], one["to"], one["body"]) for one in await system.ask_provider("messages")]
    return Found(
        posted=_posted(plan, sender),
        inbox=inbox,
        outbox=outbox,
        taken=taken,
        stoppers=frozenset(plan.contacts[one.contact].address for one in plan.messages if one.text == STOP),
        with_case=cases,
        unexpected_exits=tuple(system.unexpected_exits),
    )


def reconciled(system: System, outbox: Iterable[OutboxRow]) -> Reconciled:
    """Read from the workers' logs: a claim that follows an unclear or unwritten one was a look-up."""
    events: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for name in WORKERS:
        for event in system.said(name):
            if event.get("event") == "send":
                events[event["message"]][event["attempts"]] = event
    found = again = by_callback = 0
    for row in outbox:
        mine = events[row.id]
        for attempt, event in mine.items():
            before = mine.get(attempt - 1)
            if attempt > 1 and (before is None or before["status"] == "unknown"):
                found += event["status"] == "sent"
                again += event["status"] == "queued"
        closed_by_us = any(event["status"] == "sent" for event in mine.values())
        by_callback += row.status in ("sent", "delivered", "read") and not closed_by_us
    return Reconciled(found, again, by_callback)


def _posted(plan: Plan, sender: Sender) -> list[Posted]:
    return [
        Posted(one.sid, plan.contacts[one.contact].address, one.number, one.text, one.risky, one.sid in sender.accepted)
        for one in plan.messages
    ]


async def _addresses(session: Session) -> dict[Any, str]:
    rows = await session.all(sa.text("SELECT id, sealed FROM address"))
    return {row["id"]: _WHATSAPP + session.keys.open(row["sealed"], "address.value") for row in rows}


async def _turns(session: Session) -> dict[int, tuple[Turn, ...]]:
    turns: dict[int, tuple[Turn, ...]] = defaultdict(tuple)
    for row in await session.all(sa.text("SELECT inbox_id, transaction, may_be_silent FROM soak_turn")):
        turns[row["inbox_id"]] += (Turn(row["transaction"], row["may_be_silent"]),)
    return turns


def _inbox_row(
    session: Session, row: Row, addresses: Mapping[Any, str], turns: Mapping[int, tuple[Turn, ...]]
) -> InboxRow:
    message = message_from_json(session.keys.open_json(row["sealed"], "inbox.message"))
    contact = addresses[row["address_id"]]
    return InboxRow(row["id"], row["provider_id"], contact, message.text, row["state"], turns.get(row["id"], ()))


def _outbox_row(session: Session, row: Row, addresses: Mapping[Any, str]) -> OutboxRow:
    return OutboxRow(
        id=str(row["id"]),
        position=row["position"],
        inbox_id=row["inbox_id"],
        contact=addresses[row["address_id"]],
        text=session.keys.open(row["sealed"], "outbox.text"),
        kind=row["kind"],
        status=row["status"],
        provider_id=row["provider_id"],
        transaction=row["transaction"] or 0,
    )
