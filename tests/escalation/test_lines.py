"""Help lines: nobody is ever given one that no human has checked, or that nobody answers now."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.lines import (
    Audience,
    HelpLine,
    Hours,
    LineChannel,
    LineConflict,
    LineContact,
    LineStatus,
    LineType,
    Need,
    SourceKind,
    Span,
    VerifyMethod,
    choose,
    days_left,
    following,
    may_be_sent,
    topics_of,
    why_not,
)

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday
TODAY = NOW.date()
CLASH = LineConflict("hours", "24/7", "mon-fri", "another list", TODAY)


def line(id: str = "xx-talk", **changed: Any) -> HelpLine:
    """A made-up line that may be given: checked yesterday, open round the clock."""
    good = HelpLine(
        id=id,
        country="XX",
        name={"en": f"The line {id}"},
        operator="made up for a test",
        type=LineType.EMOTIONAL_SUPPORT,
        contacts=(LineContact(LineChannel.PHONE, "00 00"),),
        languages=("en",),
        hours=Hours(UTC, always=True),
        source_url="https://lines.example/",
        source_kind=SourceKind.OPERATOR,
        status=LineStatus.ACTIVE,
        verified_on=TODAY - timedelta(days=1),
        verified_by="Amal",
        verify_method=VerifyMethod.CALLED,
    )
    return dataclasses.replace(good, **changed)


def need(**changed: Any) -> Need:
    return dataclasses.replace(Need(NOW, "XX", "en"), **changed)


def ids(lines: Any) -> list[str]:
    return [one.id for one in lines]


# What may be sent


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"status": LineStatus.UNVERIFIED}, "not verified"),
        ({"status": LineStatus.SUSPENDED}, "suspended"),
        ({"conflicts": (CLASH,)}, "sources disagree"),
        ({"verify_method": VerifyMethod.WEB}, "checked on the web only"),
        ({"verify_method": None}, "nobody said how it was checked"),
        ({"verified_on": None}, "not verified"),
        ({"verified_by": ""}, "not verified"),
        ({"verified_on": TODAY - timedelta(days=181)}, "the check is too old"),
        ({"verified_on": TODAY + timedelta(days=1)}, "verified in the future"),
        ({"contacts": ()}, "no number that can be used"),
        ({"contacts": (LineContact(LineChannel.PHONE, "unknown"),)}, "no number that can be used"),
    ],
)
def test_each_single_fault_keeps_a_line_from_everybody(changed: dict[str, Any], why: str) -> None:
    assert may_be_sent(line(), TODAY)
    assert why_not(line(**changed), TODAY) == why
    assert choose([line(**changed)], need()) == ()
    assert following([line(**changed)], need(), ()) is None


def test_a_check_counts_for_its_days_and_not_a_day_longer() -> None:
    checked = line(verified_on=TODAY)
    assert days_left(checked, TODAY, 30) == 30
    assert may_be_sent(checked, TODAY + timedelta(days=30), 30)
    assert not may_be_sent(checked, TODAY + timedelta(days=31), 30)


@pytest.mark.parametrize("value", ["٠٠٠", "call 00 00", "", "unknown", "00-", "0", "+", "00\n00", "8.0E+11"])
def test_what_cannot_be_dialled_as_it_stands_is_no_number(value: str) -> None:
    assert not LineContact(LineChannel.PHONE, value).usable


@pytest.mark.parametrize("value", ["000", "00 00", "+00 (00) 00-00", "(00) 00", "*00#"])
def test_a_number_may_be_spaced_as_it_is_printed(value: str) -> None:
    assert LineContact(LineChannel.PHONE, value).usable


def test_a_web_chat_needs_a_safe_address() -> None:
    assert LineContact(LineChannel.WEBCHAT, "https://chat.example/now").usable
    assert not LineContact(LineChannel.WEBCHAT, "http://chat.example/now").usable


SPANS = st.builds(Span, st.integers(0, 1439), st.integers(0, 1440))
HOURS = st.builds(
    Hours,
    zone=st.sampled_from([UTC, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/New_York")]),
    always=st.booleans(),
    weekly=st.tuples(*[st.lists(SPANS, max_size=2).map(tuple)] * 7),
    exceptions=st.dictionaries(st.sampled_from([TODAY, TODAY + timedelta(days=1)]), st.lists(SPANS).map(tuple)),
)
LINES = st.builds(
    line,
    id=st.sampled_from(["a", "b", "c", "d", "e", "f"]),
    country=st.sampled_from(["XX", "YY"]),
    admin1=st.sampled_from(["", "North"]),
    type=st.sampled_from(LineType),
    status=st.sampled_from(LineStatus),
    verified_on=st.none() | st.dates(TODAY - timedelta(days=400), TODAY + timedelta(days=40)),
    verify_method=st.none() | st.sampled_from(VerifyMethod),
    conflicts=st.sampled_from([(), (CLASH,)]),
    contacts=st.sampled_from([(), (LineContact(LineChannel.PHONE, "00 00"),), (LineContact(LineChannel.SMS, "x"),)]),
    languages=st.sampled_from([("en",), ("fr",), ("en", "fr")]),
    audience=st.sampled_from(Audience),
    may_call_police=st.sampled_from([None, True, False]),
    hours=HOURS,
)
NEEDS = st.builds(
    need,
    at=st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    country=st.sampled_from(["XX", "YY", ""]),
    admin1=st.sampled_from(["", "North"]),
    language=st.sampled_from(["en", "fr", "ar"]),
    topics=st.frozensets(st.sampled_from(LineType), max_size=2),
    minor=st.booleans(),
    police=st.booleans(),
)


@given(st.lists(LINES, max_size=8), NEEDS)
def test_whatever_the_list_holds_only_checked_open_lines_of_the_country_are_given(
    lines: list[HelpLine], wanted: Need
) -> None:
    chosen = choose(lines, wanted)
    after = following(lines, wanted, set(ids(chosen)))
    for one in [*chosen, *([after] if after else [])]:
        assert one.status is LineStatus.ACTIVE and not one.conflicts and one.usable_contacts
        assert one.verify_method in {VerifyMethod.CALLED, VerifyMethod.TEXTED, VerifyMethod.OPERATOR_EMAIL}
        assert one.verified_on is not None
        assert timedelta(0) <= wanted.at.date() - one.verified_on <= timedelta(days=180)
        assert one.hours.is_open(wanted.at)
        assert one.country == wanted.country and one.admin1 in ("", wanted.admin1)
        assert wanted.police or not one.may_call_police
    assert len(chosen) <= 3


@given(st.lists(LINES, max_size=8, unique_by=lambda one: one.id), NEEDS)
def test_the_next_line_is_always_another_one_until_there_is_none(lines: list[HelpLine], wanted: Need) -> None:
    told: list[str] = []
    while (one := following(lines, wanted, told)) is not None:
        assert one.id not in told
        told.append(one.id)
    assert set(ids(choose(lines, wanted))) <= set(told)


@given(HOURS, NEEDS)
def test_an_open_line_is_open_until_just_before_it_closes(hours: Hours, wanted: Need) -> None:
    closes = hours.closes_at(wanted.at)
    if hours.is_open(wanted.at) and closes is not None:
        assert closes > wanted.at
        assert hours.is_open(closes - timedelta(microseconds=1))
        assert not hours.is_open(closes)


# Which come first


def test_emergency_then_somebody_to_talk_to_then_what_it_is_about() -> None:
    lines = [
        line("violence", type=LineType.GBV),
        line("talk"),
        line("tracing", type=LineType.TRACING),
        line("emergency", type=LineType.EMERGENCY),
    ]
    assert ids(choose(lines, need(topics=topics_of(["R3"])))) == ["emergency", "talk", "violence"]


def test_a_line_in_the_persons_language_comes_before_one_round_the_clock() -> None:
    lines = [line("a", languages=("en",)), line("b", languages=("fr",), hours=weekdays(UTC))]
    assert ids(choose(lines, need(language="fr"), most=1)) == ["b"]
    assert ids(choose(lines, need(language="en"), most=1)) == ["a"]


def test_whoever_was_beaten_is_not_sent_to_a_line_against_suicide() -> None:
    assert choose([line(type=LineType.SUICIDE)], need(topics=topics_of(["R3"]))) == ()
    assert choose([line(type=LineType.SUICIDE)], need(topics=topics_of(["R3", "R1"])))


def test_no_line_that_may_call_the_police_is_given_unless_the_operator_says_so() -> None:
    police = line(type=LineType.EMERGENCY, may_call_police=True)
    assert choose([police], need()) == ()
    assert choose([police], need(police=True)) == (police,)


def test_nobodys_age_or_gender_is_guessed() -> None:
    children, women = line("c", audience=Audience.CHILDREN), line("w", audience=Audience.WOMEN)
    against_violence = line("v", type=LineType.GBV, audience=Audience.WOMEN)
    assert choose([children, women, against_violence], need()) == ()
    assert ids(choose([children, women], need(minor=True))) == ["c"]
    assert ids(choose([women, against_violence], need(topics=topics_of(["R3"])))) == ["v"]
    assert choose([line(audience=Audience.ADULTS)], need(minor=True)) == ()


def test_a_line_of_one_province_is_for_people_who_are_there() -> None:
    assert choose([line(admin1="North")], need()) == ()
    assert choose([line(admin1="North")], need(admin1="North"))


# Hours


def weekdays(zone: Any) -> Hours:
    return Hours(zone, weekly=((Span(9 * 60, 17 * 60),),) * 5 + ((), ()))


def test_hours_are_those_of_the_lines_own_zone() -> None:
    hours = weekdays(ZoneInfo("Asia/Kathmandu"))  # UTC+5:45
    assert hours.is_open(datetime(2026, 11, 23, 3, 15, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 11, 23, 3, 14, tzinfo=UTC))
    assert hours.closes_at(NOW) == datetime(2026, 11, 23, 11, 15, tzinfo=UTC)


def test_a_night_line_is_open_after_midnight() -> None:
    hours = Hours(UTC, weekly=((Span(20 * 60, 6 * 60),),) + ((),) * 6)
    assert hours.is_open(datetime(2026, 11, 24, 5, 59, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 11, 24, 6, 0, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 11, 23, 5, 0, tzinfo=UTC))


def test_a_holiday_closes_a_line_that_is_open_round_the_clock_otherwise() -> None:
    hours = Hours(UTC, always=True, exceptions={date(2026, 11, 25): ()})
    assert hours.is_open(NOW) and not hours.is_open(NOW + timedelta(days=2))
    assert hours.closes_at(NOW) == datetime(2026, 11, 25, tzinfo=UTC)


def test_round_the_clock_has_no_end() -> None:
    assert Hours(UTC, always=True).closes_at(NOW) is None


def test_when_the_clocks_change_the_wall_clock_counts() -> None:
    hours = weekdays(ZoneInfo("America/New_York"))
    assert hours.closes_at(datetime(2026, 10, 30, 15, 0, tzinfo=UTC)) == datetime(2026, 10, 30, 21, 0, tzinfo=UTC)
    assert hours.closes_at(datetime(2026, 11, 2, 15, 0, tzinfo=UTC)) == datetime(2026, 11, 2, 22, 0, tzinfo=UTC)
