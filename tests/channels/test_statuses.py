"""However Twilio's reports are shuffled, a message's status never goes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.twilio import read_status
from bot.vocabulary import DeliveryStatus

_REPORTS = [
    *("accepted", "scheduled", "queued", "sending", "sent", "partially_delivered"),
    *("delivered", "read", "failed", "undelivered", "canceled"),
]
_reports = st.lists(st.sampled_from(_REPORTS), max_size=12)


def _read(report: str) -> DeliveryStatus:
    return read_status([("MessageStatus", report), ("MessageSid", "SM1")], "").status


def _after(start: DeliveryStatus, reports: list[str]) -> DeliveryStatus:
    for report in reports:
        start = start.after(_read(report))
    return start


@given(st.sampled_from(DeliveryStatus), _reports)
def test_a_status_only_moves_forward(start: DeliveryStatus, reports: list[str]) -> None:
    status = start
    for report in reports:
        following = status.after(_read(report))
        assert following.rank >= status.rank
        status = following


@given(_reports, st.randoms(use_true_random=False))
def test_the_order_of_reports_does_not_matter(reports: list[str], chance: object) -> None:
    shuffled = list(reports)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    start = DeliveryStatus.SENDING
    assert _after(start, reports) is _after(start, shuffled)


@given(_reports)
def test_a_message_that_arrived_is_never_called_failed(reports: list[str]) -> None:
    status = _after(DeliveryStatus.QUEUED, ["delivered", *reports])
    assert status in (DeliveryStatus.DELIVERED, DeliveryStatus.READ)


@given(_reports)
def test_reporting_twice_changes_nothing(reports: list[str]) -> None:
    once = _after(DeliveryStatus.SENT, reports)
    assert _after(once, reports) is once
