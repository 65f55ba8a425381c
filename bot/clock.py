"""Time, ids and chance, in one place so that tests can freeze them.

Owns: now(), new_id(), jitter().
May import: the standard library.
Start reading at: `now`.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

_frozen: Callable[[], datetime] | None = None
_random = random.Random()


def now() -> datetime:
    """The current time, in UTC and aware of it."""
    return _frozen() if _frozen is not None else datetime.now(UTC)


def new_id() -> uuid.UUID:
    """A fresh random id."""
    return uuid.uuid4()


def jitter(seconds: float) -> float:
    """`seconds`, spread by up to a fifth either way, so that retries do not march in step."""
    return seconds * _random.uniform(0.8, 1.2)


def freeze(source: Callable[[], datetime] | None) -> None:
    """For tests: take the time from `source`; `None` lets it run again."""
    global _frozen
    _frozen = source
