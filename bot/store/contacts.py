"""Contacts and the addresses they are reached at.

Owns: Contact, AddressState, change_contact(), opt_out(), opt_in(), mark_unusable().
May import: SQLAlchemy, `bot.vocabulary`, `bot.clock`.
Start reading at: `Contact`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot import clock
from bot.store.database import Row, Session
from bot.store.statement import updating
from bot.store.tables import address, contact
from bot.vocabulary import Address, Channel, Control

_STATE = "contact.state"
MINORS = frozenset({"under_13", "teen"})


@dataclasses.dataclass(frozen=True)
class Contact:
    """A person who writes, as far as we know them. `state` is where their dialogue stands;
    `other_language` the one of their last long message, when it was not theirs."""

    id: uuid.UUID
    language: str | None
    language_chosen: bool
    other_language: str | None
    site_id: uuid.UUID | None
    control: Control
    consent: str | None
    age_band: str | None
    state: Mapping[str, Any] | None
    open_check: str | None
    crisis_answered_at: datetime | None
    paused_until: datetime | None
    last_inbound_at: datetime | None

    @property
    def minor(self) -> bool:
        """Whether they said they are under 18."""
        return self.age_band in MINORS


@dataclasses.dataclass(frozen=True)
class AddressState:
    """One address with what may be sent to it."""

    id: uuid.UUID
    address: Address
    opted_out_at: datetime | None
    unusable_at: datetime | None
    last_inbound_at: datetime | None


def contact_from(session: Session, row: Row) -> Contact:
    """A row of the table as a value."""
    return Contact(
        id=row["id"],
        language=row["language"],
        language_chosen=row["language_chosen"],
        other_language=row["other_language"],
        site_id=row["site_id"],
        control=Control(row["control"]),
        consent=row["consent"],
        age_band=row["age_band"],
        state=session.keys.open_json(row["sealed_state"], _STATE) if row["sealed_state"] else None,
        open_check=row["open_check"],
        crisis_answered_at=row["crisis_answered_at"],
        paused_until=row["paused_until"],
        last_inbound_at=row["last_inbound_at"],
    )


def fingerprints(session: Session, addresses: Sequence[Address]) -> dict[bytes, Address]:
    """The addresses by their keyed hash, each once, in order."""
    return {session.keys.fingerprint(one.channel.value, one.value): one for one in addresses}


def advisory_locks(known: Iterable[bytes]) -> list[int]:
    """What to lock for these fingerprints, in an order that never ends in a deadlock."""
    return sorted(int.from_bytes(one[:8], "big", signed=True) for one in known)


async def find_or_create(session: Session, addresses: Sequence[Address]) -> tuple[uuid.UUID, uuid.UUID]:
    """The contact behind the first of `addresses`, and that address; what is unknown is created.

    Takes the address's advisory lock until commit, so that two messages of one new contact make
    one contact, and are numbered in the order in which their transactions end.
    """
    known = fingerprints(session, addresses)
    first = next(iter(known))
    for lock in advisory_locks(known):
        await session.scalar(sa.select(sa.func.pg_advisory_xact_lock(lock)))
    rows = await session.all(
        sa.select(address.c.id, address.c.contact_id, address.c.fingerprint).where(
            address.c.fingerprint.in_(list(known))
        )
    )
    found = {bytes(row["fingerprint"]): row for row in rows}
    owner = found.get(first) or next(iter(found.values()), None)
    contact_id = owner["contact_id"] if owner else await _new_contact(session)
    for fingerprint, one in known.items():
        if fingerprint not in found:
            found[fingerprint] = await _new_address(session, contact_id, fingerprint, one)
    return contact_id, found[first]["id"]


async def _new_contact(session: Session) -> uuid.UUID:
    contact_id = clock.new_id()
    await session.insert(contact, {"id": contact_id, "created_at": clock.now()})
    return contact_id


async def _new_address(session: Session, contact_id: uuid.UUID, fingerprint: bytes, one: Address) -> Row:
    row = await session.one(
        insert(address)
        .values(
            id=clock.new_id(),
            contact_id=contact_id,
            channel=one.channel.value,
            fingerprint=fingerprint,
            sealed=session.keys.seal(one.value, "address.value"),
        )
        .on_conflict_do_update(
            index_elements=[address.c.channel, address.c.fingerprint],
            set_={"channel": one.channel.value},
        )
        .returning(address.c.id, address.c.contact_id, address.c.fingerprint)
    )
    assert row is not None
    return row


async def hold_contact(session: Session, contact_id: uuid.UUID) -> Contact | None:
    """That contact, locked until commit; waits for whoever holds it."""
    row = await session.one(sa.select(contact).where(contact.c.id == contact_id).with_for_update(key_share=True))
    return contact_from(session, row) if row else None


async def change_contact(session: Session, contact_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Set columns; the key "state" is sealed on the way."""
    stored = dict(values)
    if "state" in stored:
        state = stored.pop("state")
        stored["sealed_state"] = None if state is None else session.keys.seal_json(state, _STATE)
    await session.run(updating(contact, tuple(stored)), {**stored, "one": contact_id})


async def address_state(session: Session, address_id: uuid.UUID) -> AddressState:
    """One address, opened. Raises LookupError if it is gone."""
    row = await session.one(sa.select(address).where(address.c.id == address_id))
    if row is None:
        raise LookupError("address")
    return address_from(session, row)


def address_from(session: Session, row: Row) -> AddressState:
    """A row of the table as a value."""
    value = session.keys.open(row["sealed"], "address.value")
    return AddressState(
        id=row["id"],
        address=Address(Channel(row["channel"]), value),
        opted_out_at=row["opted_out_at"],
        unusable_at=row["unusable_at"],
        last_inbound_at=row["last_inbound_at"],
    )


async def latest_address(session: Session, contact_id: uuid.UUID) -> uuid.UUID | None:
    """The address the contact last wrote from."""
    found: uuid.UUID | None = await session.scalar(
        sa.select(address.c.id)
        .where(address.c.contact_id == contact_id)
        .order_by(address.c.last_inbound_at.desc().nulls_last())
        .limit(1)
    )
    return found


async def opt_out(session: Session, address_id: uuid.UUID) -> None:
    """Nothing automatic goes to this address from now on."""
    await session.run(
        sa.update(address)
        .where(address.c.id == address_id, address.c.opted_out_at.is_(None))
        .values(opted_out_at=clock.now())
    )


async def opt_in(session: Session, address_id: uuid.UUID) -> None:
    """Automatic messages may go to this address again."""
    await session.run(sa.update(address).where(address.c.id == address_id).values(opted_out_at=None))


async def mark_unusable(session: Session, address_id: uuid.UUID) -> None:
    """The provider says nothing can ever arrive here."""
    await session.run(sa.update(address).where(address.c.id == address_id).values(unusable_at=clock.now()))
