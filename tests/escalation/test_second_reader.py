"""The second reader may raise a level, and do nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation import Assessment, RiskCategory, RiskLevel, RiskSignal, raised

NONE, WATCH, ELEVATED, HIGH, IMMINENT = RiskLevel
SELF, VIOLENCE = RiskCategory.SUICIDE_SELF, RiskCategory.VIOLENCE_BY_OTHERS
SIGN = RiskSignal(VIOLENCE, "violence", "he hits me", 0, 10, "en.r3", "en")
FOUND = Assessment(HIGH, (VIOLENCE,), (SIGN,), ("3.2",))


@given(st.sampled_from(RiskLevel), st.sampled_from(RiskLevel), st.sampled_from(RiskCategory), st.booleans())
def test_it_never_lowers_and_never_drops_what_was_found(
    before: RiskLevel, heard: RiskLevel, category: RiskCategory, minor: bool
) -> None:
    found = Assessment(before, (VIOLENCE,), (SIGN,), ("3.2",))
    after = raised(found, heard, category, minor=minor)
    assert after.level >= before
    assert set(after.categories) >= set(found.categories)
    assert after.signals[: len(found.signals)] == found.signals


def test_a_higher_level_is_taken_over_and_says_where_it_comes_from() -> None:
    after = raised(FOUND, IMMINENT, SELF)
    assert after.level is IMMINENT
    assert after.categories == (SELF, VIOLENCE)
    assert after.rules == ("second-reader",)
    assert after.signals[-1].entry == "second-reader"


@pytest.mark.parametrize("heard", [NONE, WATCH, ELEVATED, HIGH])
def test_no_more_than_was_known_changes_nothing(heard: RiskLevel) -> None:
    assert raised(FOUND, heard, SELF) == FOUND


def test_a_suspicion_of_suicide_is_asked_about() -> None:
    after = raised(Assessment(NONE), WATCH, SELF)
    assert (after.level, after.ask) == (WATCH, "meaning_check")


def test_a_suspicion_without_a_question_is_let_go() -> None:
    assert raised(Assessment(NONE), WATCH, VIOLENCE) == Assessment(NONE)


def test_for_a_minor_thoughts_of_dying_are_serious() -> None:
    assert raised(Assessment(NONE), ELEVATED, SELF, minor=True).level is HIGH
    assert raised(Assessment(NONE), ELEVATED, VIOLENCE, minor=True).level is ELEVATED
