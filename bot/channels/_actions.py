"""Twilio's error codes, and what each demands of us: one closed table.

Grouped from the pages under https://www.twilio.com/docs/api/errors; the grouping is ours.
"""

from __future__ import annotations

from bot.channels._http import Refused
from bot.vocabulary import DeliveryStatus, SendAction, SendOutcome

_CODES: dict[SendAction, tuple[int, ...]] = {
    # no such number, not a mobile, country not permitted, not on WhatsApp, unreachable
    SendAction.UNUSABLE_ADDRESS: (
        *(21211, 21212, 21408, 21612, 21614),
        *(30005, 30006, 63003, 63024),
    ),
    # the person said STOP or blocked us
    SendAction.OPTED_OUT: (21610, 30004, 63014),
    SendAction.WINDOW_CLOSED: (63016,),
    # too long, empty, refused by a filter, a template that is wrong or paused
    SendAction.CONTENT: (
        *(21617, 21619, 21620, 21654, 21655, 21656, 30007),
        *(63005, 63013, 63021, 63027, 63028, 63030, 63040, 63041, 63042),
    ),
    # credentials, senders, regions, webhooks: an operator must look
    SendAction.CONFIGURATION: (
        *(20003, 20404, 21603, 21606, 21660, 21663, 21703, 21705, 21910),
        *(30029, 30034, 63001, 63002, 63007, 63020, 63051),
        *(11200, 11205, 12100, 12200, 12300),
    ),
    # rate limits and full queues: nothing was accepted
    SendAction.RETRY: (14107, 20429, 21611, 30001, 30022, 63017, 63018),
    SendAction.RETRY_NEXT_DAY: (30023, 63038),
    # the phone was off, the carrier stumbled
    SendAction.RETRY_ONCE: (30003, 30008, 30017, 30410, 63009, 63010, 63012),
    # Twilio's own failure: it may have been accepted
    SendAction.UNKNOWN: (20500, 20503),
    # expired in the queue; withheld by Meta's experiments and marketing limits
    SendAction.GIVE_UP: (30036, 63032, 63049),
}

ACTIONS: dict[int, SendAction] = {code: action for action, codes in _CODES.items() for code in codes}
"""Every code this service knows, and its action."""

_WAITING = (SendAction.RETRY, SendAction.RETRY_NEXT_DAY, SendAction.RETRY_ONCE)
_BY_STATUS = {
    401: SendAction.CONFIGURATION,
    403: SendAction.CONFIGURATION,
    404: SendAction.CONFIGURATION,
    408: SendAction.UNKNOWN,
    429: SendAction.RETRY,
}


def action_for(code: int | None) -> SendAction:
    """What to do about a message that failed with one of Twilio's codes.

    For refused requests and for the `ErrorCode` of status callbacks alike. A code that is not in
    the table, or none at all, is GIVE_UP: sending it again would be a guess.
    """
    if code is None:
        return SendAction.GIVE_UP
    return ACTIONS.get(code, SendAction.GIVE_UP)


def on_refusal(refused: Refused) -> SendOutcome:
    """The outcome of a request that Twilio answered with an error.

    Any 5xx leaves it open whether the message was accepted. The code decides before the HTTP
    status, since a daily limit (63038) can come as HTTP 429 and must not be retried hotly.
    """
    action = _on_refusal(refused)
    return SendOutcome(status_for(action), action=action, code=refused.code, retry_after=refused.retry_after)


def _on_refusal(refused: Refused) -> SendAction:
    if refused.status >= 500:
        return SendAction.UNKNOWN
    if refused.code in ACTIONS:
        return ACTIONS[refused.code]
    if refused.status < 400:  # a redirect: this is not Twilio's API
        return SendAction.CONFIGURATION
    return _BY_STATUS.get(refused.status, SendAction.GIVE_UP)


def status_for(action: SendAction) -> DeliveryStatus:
    """Where a message stands after `action` was decided: waiting, unknown or failed."""
    if action in _WAITING:
        return DeliveryStatus.QUEUED
    if action is SendAction.UNKNOWN:
        return DeliveryStatus.UNKNOWN
    return DeliveryStatus.FAILED
