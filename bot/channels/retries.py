"""When a message that did not get through is tried again, whoever said so, and how often.

Owns: wait_before_retry().
May import: bot.vocabulary.
Start reading at: `wait_before_retry`.

The same rule holds when a send is refused and when a status callback says so later.
"""

from __future__ import annotations

from bot.vocabulary import SendAction

_ONCE_LATER = 60.0
_NEXT_DAY = 24 * 3600.0
_LONGEST = 300.0


def wait_before_retry(
    action: SendAction | None, attempts: int, *, most: int, retry_after: float | None = None
) -> float | None:
    """Seconds until the next try after `attempts` tries; None when there is none.

    `most` is how often a message may be tried at all; what is worth one more try gets two.
    `retry_after` is the provider's own wish in seconds.
    """
    if action is SendAction.RETRY_ONCE:
        return _ONCE_LATER if attempts < 2 else None
    if attempts >= most:
        return None
    if action is SendAction.RETRY:
        return retry_after if retry_after is not None else min(_LONGEST, 2.0**attempts)
    return _NEXT_DAY if action is SendAction.RETRY_NEXT_DAY else None
