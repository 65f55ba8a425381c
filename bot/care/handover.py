"""A counsellor takes a case, answers, and hands back; and what is said when nobody came.

Owns: request(), acknowledge(), answer(), hand_back(), tell_nobody_came(), not_delivered().
May import: store, flow's texts, and below.
Start reading at: `request`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from bot.care import feedback
from bot.care.lines import LineBook, LineOffer, LinePolicy, Told, offer_to
from bot.care.timers import NOBODY_CAME
from bot.channels.segments import own_words, split
from bot.errors import HarbourError
from bot.flow import Bundle, service_text
from bot.store import cases, contacts, content, outbox, programme, timers
from bot.store.cases import Case
from bot.store.database import Session
from bot.store.timers import Timer
from escalation.case import CLOSING_REASONS, FALSE_ALARM, CaseState, state_of

_DEFAULT_LANGUAGE = "en"


class CaseConflict(HarbourError):
    """The case is not in the state that this act needs."""

    code = "case_conflict"
    status = 409


async def request(
    session: Session,
    contact_id: uuid.UUID,
    *,
    reason: str,
    level: int,
    categories: Sequence[str] = (),
    takes_control: bool = True,
    promised_until: datetime | None = None,
) -> None:
    """Open a case or raise the open one; see `bot.conversation.events.CaseRequested`."""
    await cases.open_case(session, contact_id, reason=reason, level=level, categories=categories)
    if takes_control:
        await contacts.change_contact(session, contact_id, {"control": "counsellor"})
    if promised_until is not None:
        key = f"{NOBODY_CAME}:{contact_id}"
        await timers.set_timer(session, NOBODY_CAME, promised_until, key=key, contact_id=contact_id)


async def tell_nobody_came(session: Session, timer: Timer, lines: LinePolicy) -> None:
    """The promised time is over and nobody took the case: say so, once, instead of promising again,
    and name the help lines there are."""
    assert timer.contact_id is not None
    contact = await contacts.hold_contact(session, timer.contact_id)
    standing = await cases.standing(session, timer.contact_id)
    if contact is None or standing is None or standing.acknowledged:
        return
    case = await cases.open_case_of(session, timer.contact_id)
    if case is not None:
        await cases.add_event(session, case.id, "overdue", by="bot", level=standing.level)
    site = await programme.site_of(session, contact.id)
    offer = await offer_to(session, LineBook(), lines, contact, site=site, categories=standing.categories, before=False)
    await _say(session, contact.id, contact.language, "still_waiting", kind="notice", offer=offer)


async def acknowledge(session: Session, case: Case, by: str) -> None:
    """This counsellor has the case: the bot is silent from now on. Raises CaseConflict."""
    await contacts.hold_contact(session, case.contact_id)
    held = await _still_open(session, case)
    holder = _holder(held)
    if holder is not None and holder != by:
        raise CaseConflict(f"{holder} already has this case.")
    if holder is None:
        await cases.add_event(session, case.id, "acknowledged", by=by)
    await contacts.change_contact(session, case.contact_id, {"control": "counsellor", "open_check": None})
    await cases.audit(session, by, "acknowledged", case.id)


async def answer(session: Session, case: Case, by: str, text: str, *, sms_segments: int) -> None:
    """Send the counsellor's words. Takes the case if nobody has it. Raises CaseConflict."""
    await acknowledge(session, case, by)
    address_id = await contacts.latest_address(session, case.contact_id)
    if address_id is None:
        raise CaseConflict("There is no address to write to.")
    address = await contacts.address_state(session, address_id)
    pieces = split(text, address.address.channel, max_segments=sms_segments)
    if not pieces:
        raise CaseConflict("The answer is empty; write something.")
    await outbox.queue(session, contact_id=case.contact_id, address_id=address_id, texts=pieces, kind="counsellor")
    await cases.add_event(session, case.id, "answered", by=by)


async def hand_back(session: Session, case: Case, by: str, reason: str, *, supervisor: bool = False) -> None:
    """Close the case with a reason and let the bot speak again; a false alarm also lowers the level
    that later messages start from. Only whoever has the case may, or a `supervisor`, and the audit
    says which. Raises CaseConflict."""
    if reason not in CLOSING_REASONS:
        known = ", ".join(CLOSING_REASONS)
        raise CaseConflict(f"Closing needs one of these reasons: {known}.")
    await contacts.hold_contact(session, case.contact_id)
    held = await _still_open(session, case)
    if state_of([event.kind for event in held.events]) is not CaseState.ACTIVE:
        raise CaseConflict("Only a case that somebody has answered can be closed.")
    holder = _holder(held)
    if holder != by and not supervisor:
        raise CaseConflict(f"{holder} has this case; only they can close it, or a supervisor with --supervisor.")
    await cases.add_event(session, case.id, "closed", by=by, note=reason)
    await cases.close(session, case.id)
    await feedback.closing(session, held, reason)
    if reason == FALSE_ALARM:
        await cases.lower(session, held)
        await cases.audit(session, by, "lowered", case.id)
    await contacts.change_contact(session, case.contact_id, {"control": "bot", "open_check": None})
    await cases.audit(session, by, "closed" if holder == by else "closed as supervisor", case.id)
    await _say(session, case.contact_id, held.language, "counsellor_left", kind="notice")


async def not_delivered(session: Session, contact_id: uuid.UUID, why: str) -> None:
    """What a counsellor or the first answer to risk said will not arrive: the case must show it."""
    case = await cases.open_case_of(session, contact_id)
    if case is not None:
        await cases.add_event(session, case.id, "not delivered", by="bot", note=why)


async def _still_open(session: Session, case: Case) -> Case:
    """The case as it stands now. Raises CaseConflict when it is closed, whatever was opened since."""
    held = await cases.open_case_of(session, case.contact_id)
    if held is None or held.id != case.id:
        raise CaseConflict("The case is closed.")
    return held


def _holder(case: Case) -> str | None:
    """Who has the case."""
    return next((event.by for event in reversed(case.events) if event.kind == "acknowledged"), None)


async def _say(
    session: Session,
    contact_id: uuid.UUID,
    language: str | None,
    key: str,
    *,
    kind: str,
    offer: LineOffer | None = None,
) -> None:
    """Queue one text of the service for where the contact last wrote from; `offer` is what a text that
    names help lines needs."""
    address_id = await contacts.latest_address(session, contact_id)
    current = await content.current_hash(session)
    body = await content.body_of(session, current) if current else None
    if address_id is None or body is None:
        return
    address = await contacts.address_state(session, address_id)
    bundle = Bundle.from_json(body)
    spoken, channel = language or _DEFAULT_LANGUAGE, address.address.channel
    told = offer.told(bundle, spoken, channel.value) if offer else Told("")
    text = service_text(bundle, key, spoken, channel.value, lines=told.text)
    await outbox.queue(
        session,
        contact_id=contact_id,
        address_id=address_id,
        texts=split(own_words(text, channel), channel),
        kind=kind,
        line_ids=told.line_ids,
    )
