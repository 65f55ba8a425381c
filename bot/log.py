"""JSON logs that hold nothing of a person: an event name, ids of ours, numbers.

Owns: setup(), log().
May import: structlog.
Start reading at: `setup`.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def setup(level: str) -> None:
    """Write one JSON object a line to standard output; libraries may speak from WARNING up."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout, force=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_known,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )


_KNOWN = frozenset(
    [
        "event",
        "level",
        "timestamp",
        "turn",
        "took",
        "decision",
        "risk",
        "language",
        "channel",
        "waited",
        "ms",
        "error",
        "status",
        "action",
        "code",
        "message",
        "attempts",
        "process",
        "port",
        "count",
        "worker",
        "timer",
        "kind",
        "what",
        "accepted_by",
    ]
)


def _only_known(logger: object, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Drop every field that is not on the list; a new field is thought about before it is logged."""
    return {key: value for key, value in event.items() if key in _KNOWN}


def log(name: str) -> Any:
    """A logger for one part of a process. Never give it texts, addresses or exceptions with them."""
    return structlog.get_logger(process=name)
