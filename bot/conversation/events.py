"""What a turn decided, as frozen facts in the past tense; `record.py` turns them into rows.

Owns: the events of a turn.
May import: the standard library; the package escalation's values.
Start reading at: `Event`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from escalation import Assessment


@dataclasses.dataclass(frozen=True)
class Screened:
    """A message was screened."""

    inbox_id: int
    assessment: Assessment


@dataclasses.dataclass(frozen=True)
class ReplyQueued:
    """Something is to be said. `kind` is reply, crisis or confirmation; `line_ids` are the help lines
    that it gives."""

    text: str
    kind: str = "reply"
    line_ids: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ContactChanged:
    """What we know of the contact changed; keys are columns, or "state"."""

    values: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class CaseRequested:
    """A human is needed. With `takes_control` the bot falls silent.

    `promised_until` is the time the contact was told; if nobody has come by then, they are told.
    """

    reason: str
    level: int
    categories: tuple[str, ...] = ()
    takes_control: bool = True
    promised_until: datetime | None = None


@dataclasses.dataclass(frozen=True)
class ControlReturned:
    """The bot answers again although the case stays open."""


@dataclasses.dataclass(frozen=True)
class OptedOut:
    """The contact said STOP on this address."""


@dataclasses.dataclass(frozen=True)
class OptedIn:
    """The contact said START on this address."""


@dataclasses.dataclass(frozen=True)
class Answered:
    """The message has had its turn."""

    inbox_id: int


Event = Screened | ReplyQueued | ContactChanged | CaseRequested | ControlReturned | OptedOut | OptedIn | Answered
