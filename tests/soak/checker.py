"""What must be true after everything was killed and came back: the claims, one function each.

Pure, so that a test can drop or double anything by hand and see it found.
Start reading at: `faults`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

OPEN = frozenset({"queued", "sending", "unknown"})
WENT_OUT = frozenset({"sent", "delivered", "read"})
SHOWN = 20


@dataclasses.dataclass(frozen=True)
class Posted:
    """One message as the sender knows it. `accepted`: the gateway answered 2xx for it at least once."""

    sid: str
    contact: str
    number: int
    text: str
    risky: bool
    accepted: bool


@dataclasses.dataclass(frozen=True)
class Turn:
    """One time an inbox row was marked done: in which transaction, and what silence it could have had.

    `may_be_silent`: a counsellor held the conversation or the address was opted out, at its end.
    """

    transaction: int
    may_be_silent: bool


@dataclasses.dataclass(frozen=True)
class InboxRow:
    """One row of the inbox. `contact` is the address it came from."""

    id: int
    sid: str
    contact: str
    text: str
    state: str
    turns: tuple[Turn, ...]


@dataclasses.dataclass(frozen=True)
class OutboxRow:
    """One row of the outbox, with the transaction that put it there."""

    id: str
    position: int
    inbox_id: int | None
    contact: str
    text: str
    kind: str
    status: str
    provider_id: str | None
    transaction: int


@dataclasses.dataclass(frozen=True)
class Taken:
    """One message that the provider accepted; they stand in the order in which it did."""

    sid: str
    contact: str
    text: str


@dataclasses.dataclass(frozen=True)
class Found:
    """Everything collected when all was quiet again. `stoppers` may have held messages."""

    posted: Sequence[Posted]
    inbox: Sequence[InboxRow]
    outbox: Sequence[OutboxRow]
    taken: Sequence[Taken]
    stoppers: frozenset[str] = frozenset()
    with_case: frozenset[str] = frozenset()
    unexpected_exits: Sequence[str] = ()


def faults(found: Found) -> list[str]:
    """Every claim that does not hold, one sentence each; empty if nothing was lost, doubled or disordered."""
    claims = (
        _every_message_was_taken_in_once,
        _taken_in_in_the_order_written,
        _every_message_had_one_turn,
        _answers_belong_to_that_turn,
        _every_message_has_its_answer,
        _answers_stand_in_order,
        _nothing_is_left_over,
        _every_answer_reached_the_provider_once,
        _the_provider_got_them_in_order,
        _nobody_died_unasked,
    )
    return [fault for claim in claims for fault in claim(found)]


def shown(found: Sequence[str]) -> str:
    """The first faults, and how many more there are."""
    more = [f"... and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "\n".join([*found[:SHOWN], *more])


def overtakings(outbox: Sequence[OutboxRow]) -> int:
    """How many answers to risk went ahead of answers to earlier messages: danger does not queue."""
    count = 0
    for rows in _by_contact(outbox).values():
        ids = [row.inbox_id for row in rows]
        for place, row in enumerate(rows):
            later = [one for one in ids[place + 1 :] if one is not None]
            count += row.kind == "crisis" and row.inbox_id is not None and any(one < row.inbox_id for one in later)
    return count


def _every_message_was_taken_in_once(found: Found) -> Iterator[str]:
    rows = Counter(row.sid for row in found.inbox)
    texts = {row.sid: row.text for row in found.inbox}
    for message in found.posted:
        if not message.accepted:
            yield f"{message.sid} was never accepted"
        if rows[message.sid] != 1:
            yield f"{message.sid} is {rows[message.sid]} times in the inbox"
        elif texts[message.sid] != message.text:
            yield f"{message.sid} is not in the inbox as it was written"
    for sid in rows.keys() - {message.sid for message in found.posted}:
        yield f"{sid} is in the inbox and was never sent"


def _taken_in_in_the_order_written(found: Found) -> Iterator[str]:
    """A contact's next message is posted when the last was accepted, so their ids must rise."""
    ids = {row.sid: row.id for row in found.inbox}
    by_contact: dict[str, list[Posted]] = defaultdict(list)
    for message in found.posted:
        if message.sid in ids:
            by_contact[message.contact].append(message)
    for messages in by_contact.values():
        messages.sort(key=lambda message: message.number)
        for first, second in pairwise(messages):
            if ids[first.sid] >= ids[second.sid]:
                yield f"{second.sid} stands in the inbox before the earlier {first.sid}"


def _every_message_had_one_turn(found: Found) -> Iterator[str]:
    for row in found.inbox:
        if row.state != "done":
            yield f"message {row.id} is still {row.state}"
        elif len(row.turns) != 1:
            yield f"message {row.id} was marked done {len(row.turns)} times"


def _answers_belong_to_that_turn(found: Found) -> Iterator[str]:
    """All answers to a message were queued by the very transaction that marked it done."""
    turns = {row.id: {turn.transaction for turn in row.turns} for row in found.inbox}
    for row in found.outbox:
        if row.inbox_id is not None and row.transaction not in turns.get(row.inbox_id, set()):
            yield f"answer {row.position} to message {row.inbox_id} was queued by another turn than the one that counts"


def _every_message_has_its_answer(found: Found) -> Iterator[str]:
    """Silence is right only while a counsellor holds the conversation or after STOP; never after risk."""
    kinds: dict[int, list[str]] = defaultdict(list)
    for row in found.outbox:
        if row.inbox_id is not None:
            kinds[row.inbox_id].append(row.kind)
    risky = {message.sid for message in found.posted if message.risky}
    for one in found.inbox:
        if not kinds[one.id] and not any(turn.may_be_silent for turn in one.turns):
            yield f"message {one.id} has no answer"
        if one.sid in risky and "crisis" not in kinds[one.id]:
            yield f"message {one.id} speaks of risk and got no first answer to it"
        if one.sid in risky and one.contact not in found.with_case:
            yield f"message {one.id} speaks of risk and opened no case"


def _answers_stand_in_order(found: Found) -> Iterator[str]:
    for rows in _by_contact(found.outbox).values():
        in_turn = [row for row in rows if row.kind != "crisis" and row.inbox_id is not None]
        for first, second in pairwise(in_turn):
            if (first.inbox_id or 0) > (second.inbox_id or 0):
                yield f"the answer to message {first.inbox_id} stands before the answer to {second.inbox_id}"


def _nothing_is_left_over(found: Found) -> Iterator[str]:
    for row in found.outbox:
        if row.status in OPEN or row.status == "failed":
            yield f"outbox message {row.position} ended as {row.status}"
        elif row.status == "held" and row.contact not in found.stoppers:
            yield f"outbox message {row.position} is held although its contact never said STOP"


def _every_answer_reached_the_provider_once(found: Found) -> Iterator[str]:
    taken = Counter(one.sid for one in found.taken)
    texts = {one.sid: (one.contact, one.text) for one in found.taken}
    ours: Counter[str] = Counter()
    for row in found.outbox:
        if row.status not in WENT_OUT:
            continue
        ours[row.provider_id or ""] += 1
        if taken[row.provider_id or ""] != 1:
            yield f"outbox message {row.position} was accepted {taken[row.provider_id or '']} times by the provider"
        elif texts[row.provider_id or ""] != (row.contact, row.text):
            yield f"outbox message {row.position} is another one at the provider"
    for sid, count in ours.items():
        if count > 1:
            yield f"{count} outbox messages claim to be {sid or 'nothing'} at the provider"
    for sid in taken.keys() - ours.keys():
        yield f"the provider accepted {sid}, which no outbox message knows of: sent twice, or never ours"


def _the_provider_got_them_in_order(found: Found) -> Iterator[str]:
    positions = {row.provider_id: row.position for row in found.outbox if row.provider_id}
    last: dict[str, int] = {}
    for one in found.taken:
        position = positions.get(one.sid)
        if position is None:
            continue
        if position < last.get(one.contact, 0):
            yield f"outbox message {position} reached the provider after the later {last[one.contact]}"
        last[one.contact] = max(position, last.get(one.contact, 0))


def _nobody_died_unasked(found: Found) -> Iterator[str]:
    for name in found.unexpected_exits:
        yield f"{name} ended by itself"


def _by_contact(outbox: Sequence[OutboxRow]) -> Mapping[str, list[OutboxRow]]:
    by_contact: dict[str, list[OutboxRow]] = defaultdict(list)
    for row in sorted(outbox, key=lambda row: row.position):
        by_contact[row.contact].append(row)
    return by_contact
