"""Settings that must stand before Rasa is imported, and logs that hold nothing of a person.

Owns: prepare(), hush(), where().
May import: `lean`, the standard library and structlog.
Start reading at: `hush`.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from pathlib import Path

from bot.engine.lean import leave_out_tensorflow

OURS = "harbour"
# A turn says one thing per prediction; the interpreter itself stops at 200 steps.
_MOST_SAYS = "500"
_ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    "MAX_NUMBER_OF_PREDICTIONS": _MOST_SAYS,
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_INTRA_OP_PARALLELISM_THREADS": "1",
    "TF_INTER_OP_PARALLELISM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "SANIC_WORKERS": "1",
    "LOG_LEVEL": "ERROR",
    "LOG_LEVEL_LIBRARIES": "ERROR",
    # A library of Rasa's asks git for its own version when imported, and Rasa for ours.
    "GIT_DIR": os.devnull,
}


def prepare() -> None:
    """Set what Rasa reads when it is imported, and keep what we do not need out. Call it first."""
    os.environ.update(_ENVIRONMENT)
    warnings.showwarning = lambda *_, **__: None
    leave_out_tensorflow(Path(__file__).with_name("config.yml"))


def hush() -> None:
    """From here on, a log line of a library tells where it comes from, never what it says.

    Rasa logs message texts, slots and trackers, at DEBUG and sometimes in warnings.
    """
    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OwnWordsOnly("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in list(logging.root.manager.loggerDict):
        _through_root(logging.getLogger(name))
    logging.getLogger(OURS).setLevel(logging.INFO)


def _through_root(logger: logging.Logger) -> None:
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


class _OwnWordsOnly(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if record.name.split(".")[0] != OURS:
            record = logging.makeLogRecord({**record.__dict__, **_only_place(record)})
        return super().format(record)


def _only_place(record: logging.LogRecord) -> dict[str, object]:
    place = f"(words withheld) {record.module}:{record.lineno}"
    if record.exc_info and record.exc_info[1] is not None:
        place += f" {where(record.exc_info[1])}"
    return {"msg": place, "args": (), "exc_info": None, "exc_text": None, "stack_info": None}


def where(error: BaseException) -> str:
    """The kind of `error` and of its causes, and the line each came from. No message of theirs."""
    found = []
    cause: BaseException | None = error
    while cause is not None and len(found) < 5:
        frames = traceback.extract_tb(cause.__traceback__)
        line = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
        found.append(f"{type(cause).__name__} at {line}")
        cause = cause.__cause__
    return ", from ".join(found)
