"""Lexicons: a changed one is used by this worker within seconds, without a restart.

Owns: keep_lexicons_fresh().
May import: conversation.
Start reading at: `keep_lexicons_fresh`.
"""

from __future__ import annotations

import asyncio

from bot.conversation.live_screener import LiveScreener, Look, Outcome
from bot.log import log
from bot.worker import metrics

_log = log("worker")
_QUIET = frozenset({Outcome.SAME, Outcome.SETTLING})


async def keep_lexicons_fresh(screener: LiveScreener, *, every: float = 1.0) -> None:
    """Look again and again, `every` seconds. Whatever is wrong with a lexicon, the worker goes on."""
    while True:
        await asyncio.sleep(every)
        try:
            look = await screener.look()
        except Exception as error:  # a lexicon must never end a worker
            look = Look(Outcome.BROKEN, type(error).__name__)
        _say(look)


def _say(look: Look) -> None:
    if look.outcome in _QUIET:
        return
    metrics.LEXICON_CHANGES.labels(look.outcome.value).inc()
    metrics.LEXICONS_STALE.set(look.outcome is not Outcome.SWAPPED)
    if look.outcome is Outcome.SWAPPED:
        _log.info("lexicons changed")
    else:
        _log.error("lexicons not used", status=look.outcome.value, error=look.sentence)
