"""The life of a case, derived from its events.

Owns: CaseState, state_of(), CLOSING_REASONS, FALSE_ALARM.
May import: the standard library.
Start reading at: `state_of`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class CaseState(str, Enum):
    """Where a case stands."""

    REQUESTED = "requested"
    ACKNOWLEDGED = "acknowledged"
    ACTIVE = "active"
    CLOSED = "closed"


FALSE_ALARM = "false alarm"
"""The one reason that lowers a level: the levels found in this case no longer count for later ones."""
CLOSING_REASONS = ("helped", "referred", "no answer", FALSE_ALARM, "asked to stop", "duplicate")

_AFTER = {
    "requested": CaseState.REQUESTED,
    "acknowledged": CaseState.ACKNOWLEDGED,
    "answered": CaseState.ACTIVE,
    "closed": CaseState.CLOSED,
}


def state_of(kinds: Iterable[str]) -> CaseState:
    """The state after events of these kinds, oldest first; others change nothing."""
    state = CaseState.REQUESTED
    for kind in kinds:
        state = _AFTER.get(kind, state)
    return state
