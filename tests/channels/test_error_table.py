"""Every error has one answer, and it is the one we decided on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels._actions import ACTIONS, on_refusal, status_for
from bot.channels._http import Refused
from bot.channels.twilio import action_for
from bot.vocabulary import DeliveryStatus, SendAction

# Written out a second time on purpose: a change to the table has to be made twice, knowingly.
_DECIDED = {
    "unusable_address": "21211 21212 21614 21408 21612 30005 30006 63003 63024",
    "opted_out": "21610 63014 30004",
    "window_closed": "63016",
    "content": "21617 21619 21620 21654 21655 21656 63005 63013 63021 63027 63028 63030 63040 63041 63042 30007",
    "configuration": "20003 20404 21603 21606 21660 21703 21705 21910 63001 63002 63007 "
    "63020 63051 30034 21663 30029 11200 11205 12100 12200 12300",
    "retry": "20429 63018 63017 14107 30001 21611 30022",
    "retry_next_day": "63038 30023",
    "retry_once": "30003 30008 30017 30410 63009 63010 63012",
    "unknown": "20500 20503",
    "give_up": "63032 63049 30036",
}
_EXPECTED = {int(code): SendAction(action) for action, codes in _DECIDED.items() for code in codes.split()}


def test_the_table_holds_every_code_decided_on_and_no_other() -> None:
    assert ACTIONS == _EXPECTED


def test_no_code_stands_in_two_groups() -> None:
    codes = [code for group in _DECIDED.values() for code in group.split()]
    assert len(codes) == len(set(codes))


def test_every_action_is_reached_by_some_code() -> None:
    assert set(ACTIONS.values()) == set(SendAction)


@given(st.integers() | st.none())
def test_every_code_has_an_action_and_an_unheard_of_one_is_never_repeated(
    code: int | None,
) -> None:
    expected = SendAction.GIVE_UP if code is None else _EXPECTED.get(code, SendAction.GIVE_UP)
    assert action_for(code) is expected


@given(st.integers(300, 599), st.sampled_from([*ACTIONS, None, 1]), st.floats(0, 90) | st.none())
def test_every_refusal_has_an_outcome(status: int, code: int | None, retry_after: float | None) -> None:
    outcome = on_refusal(Refused(status, code, retry_after))
    assert outcome.action is not None
    assert outcome.status is status_for(outcome.action)
    assert (outcome.code, outcome.retry_after) == (code, retry_after)
    assert outcome.provider_id is None
    if status >= 500:
        assert outcome.status is DeliveryStatus.UNKNOWN


@pytest.mark.parametrize(
    ("status", "code", "action"),
    [
        (429, 20429, SendAction.RETRY),
        (429, 63038, SendAction.RETRY_NEXT_DAY),
        (429, None, SendAction.RETRY),
        (429, 99999, SendAction.RETRY),
        (400, 63038, SendAction.RETRY_NEXT_DAY),
        (400, 21610, SendAction.OPTED_OUT),
        (400, 99999, SendAction.GIVE_UP),
        (400, None, SendAction.GIVE_UP),
        (401, 20003, SendAction.CONFIGURATION),
        (401, None, SendAction.CONFIGURATION),
        (403, None, SendAction.CONFIGURATION),
        (404, None, SendAction.CONFIGURATION),
        (408, None, SendAction.UNKNOWN),
        (422, None, SendAction.GIVE_UP),
        (302, None, SendAction.CONFIGURATION),
        (500, None, SendAction.UNKNOWN),
        (500, 21610, SendAction.UNKNOWN),
        (503, 20503, SendAction.UNKNOWN),
    ],
)
def test_the_code_decides_before_the_http_status_except_for_5xx(
    status: int, code: int | None, action: SendAction
) -> None:
    assert on_refusal(Refused(status, code, None)).action is action


@pytest.mark.parametrize("action", SendAction)
def test_only_what_may_still_go_out_keeps_waiting(action: SendAction) -> None:
    waiting = {SendAction.RETRY, SendAction.RETRY_NEXT_DAY, SendAction.RETRY_ONCE}
    assert (status_for(action) is DeliveryStatus.QUEUED) == (action in waiting)
    assert (status_for(action) is DeliveryStatus.UNKNOWN) == (action is SendAction.UNKNOWN)
