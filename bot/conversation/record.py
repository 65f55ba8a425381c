"""Events to rows: the one place where what a turn decided is written down.

Owns: record().
May import: store, care, channels' splitting of texts, and below.
Start reading at: `record`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Any, assert_never

from bot.care import handover
from bot.channels.segments import own_words, split
from bot.conversation.events import (
    Answered,
    CaseRequested,
    ContactChanged,
    ControlReturned,
    Event,
    OptedIn,
    OptedOut,
    ReplyQueued,
    Screened,
)
from bot.conversation.screening import signals_json
from bot.store import assessments, contacts, inbox, outbox
from bot.store.database import Session
from bot.vocabulary import Channel


@dataclasses.dataclass(frozen=True)
class Desk:
    """Whose turn it is, and where answers go."""

    contact_id: uuid.UUID
    address_id: uuid.UUID
    channel: Channel
    inbox_id: int | None
    sms_segments: int = 6


async def record(session: Session, desk: Desk, events: Sequence[Event]) -> None:
    """Write all events of one turn in the caller's transaction."""
    for event in _merged(events):
        await _write(session, desk, event)


def _merged(events: Sequence[Event]) -> list[Event]:
    """The same events, with what changed of the contact said once; what changed later wins."""
    values: dict[str, Any] = {}
    rest: list[Event] = []
    for event in events:
        if isinstance(event, ContactChanged):
            values |= event.values
        else:
            rest.append(event)
    return [ContactChanged(values), *rest] if values else rest


async def _write(session: Session, desk: Desk, event: Event) -> None:
    match event:
        case Screened(inbox_id, found):
            await assessments.record(
                session,
                inbox_id=inbox_id,
                contact_id=desk.contact_id,
                level=int(found.level),
                categories=[category.value for category in found.categories],
                rules=found.rules,
                signals=signals_json(found),
            )
        case ReplyQueued(text, kind, line_ids):
            await outbox.queue(
                session,
                contact_id=desk.contact_id,
                address_id=desk.address_id,
                texts=split(own_words(text, desk.channel), desk.channel, max_segments=desk.sms_segments),
                kind=kind,
                inbox_id=desk.inbox_id,
                line_ids=line_ids,
            )
        case ContactChanged(values):
            await contacts.change_contact(session, desk.contact_id, values)
        case CaseRequested():
            await handover.request(
                session,
                desk.contact_id,
                reason=event.reason,
                level=event.level,
                categories=event.categories,
                takes_control=event.takes_control,
                promised_until=event.promised_until,
            )
        case ControlReturned():
            await contacts.change_contact(session, desk.contact_id, {"control": "bot"})
        case OptedOut():
            await contacts.opt_out(session, desk.address_id)
        case OptedIn():
            await contacts.opt_in(session, desk.address_id)
        case Answered(inbox_id):
            await inbox.done(session, inbox_id)
        case _:
            assert_never(event)
