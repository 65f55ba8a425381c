"""What happens with one message: the service's promises, for every situation there can be."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import decide as d
from bot.conversation.checks import Check, offered
from bot.conversation.decide import Situation, decide
from bot.vocabulary import Control, OptOut
from escalation import Assessment, RiskCategory, RiskLevel
from tests.world import shipped

CALM = Assessment(RiskLevel.NONE)
WATCH = Assessment(RiskLevel.WATCH, (RiskCategory.SUICIDE_SELF,), ask="meaning_check")
DANGER = Assessment(RiskLevel.IMMINENT, (RiskCategory.SUICIDE_SELF,))
UNREADABLE = Assessment(RiskLevel.WATCH, (RiskCategory.UNREADABLE,), ask="unreadable")
ASSESSMENTS = st.builds(
    Assessment,
    level=st.sampled_from([level for level in RiskLevel if level > RiskLevel.NONE]),
    categories=st.lists(st.sampled_from(RiskCategory), min_size=1, max_size=3, unique=True).map(tuple),
    ask=st.sampled_from([None, "meaning_check", "meaning_check_negated", "third_person", "need", "unreadable"]),
) | st.just(CALM)
COMMANDS = sorted({command for service in shipped().service.values() for command in service.words} - {"skip"})


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    own = draw(ASSESSMENTS)
    before = draw(st.sampled_from(RiskLevel))
    check = draw(st.sampled_from([None, *Check]))
    case_level = draw(st.sampled_from([None, 0, 1, 2, 3, 4]))
    taken = case_level is not None and draw(st.booleans())
    return Situation(
        own=own,
        latched=dataclasses.replace(own, level=max(own.level, before)),
        control=Control.COUNSELLOR if taken else draw(st.sampled_from(Control)),
        word=draw(st.sampled_from(["", *COMMANDS])),
        opt_out=draw(st.sampled_from([None, None, *OptOut])),
        opted_out=draw(st.booleans()),
        consented=draw(st.booleans()),
        open_flow=draw(st.sampled_from(["", *shipped().flows])),
        open_check=check.value if check else None,
        check_answer=draw(st.sampled_from([None, *offered(check)])) if check else None,
        case_level=case_level,
        acknowledged=taken,
        recently_answered=draw(st.booleans()),
        has_media=draw(st.booleans()),
        about_other=draw(st.booleans()),
        more_waits=draw(st.booleans()),
    )


def only_unreadable(now: Situation) -> bool:
    return set(now.own.categories) == {RiskCategory.UNREADABLE}


@given(situations())
def test_danger_in_a_message_is_an_alarm_whatever_else_is_true(now: Situation) -> None:
    decision = decide(now)
    if now.own.alarming and not (now.has_media and only_unreadable(now)):
        assert isinstance(decision, d.Alarm)
        assert decision.level >= now.own.level
        assert decision.quiet is now.acknowledged


@given(situations())
def test_an_alarm_is_never_below_what_was_known_and_never_made_of_nothing(now: Situation) -> None:
    decision = decide(now)
    if isinstance(decision, d.Alarm):
        assert decision.level >= max(now.own.level, now.latched.level)
        assert now.own.level > RiskLevel.NONE


@given(situations())
def test_stop_is_obeyed_unless_the_message_itself_is_danger(now: Situation) -> None:
    decision = decide(now)
    if now.opt_out is OptOut.STOP or now.word == "stop":
        assert isinstance(decision, d.Stop | d.Alarm)


@given(situations())
def test_while_a_counsellor_has_the_case_the_bot_says_nothing(now: Situation) -> None:
    decision = decide(now)
    if now.acknowledged and now.control is Control.COUNSELLOR:
        silent = isinstance(decision, d.Silence) or (isinstance(decision, d.Alarm) and decision.quiet)
        assert silent or isinstance(decision, d.Stop | d.Start)


@given(situations())
def test_after_stop_only_danger_a_wish_for_a_person_and_start_are_acted_on(now: Situation) -> None:
    decision = decide(now)
    if now.opted_out and isinstance(decision, d.Play):
        assert decision.start == "talk_to_person"
    if now.opted_out:
        assert not isinstance(decision, d.Ask | d.ListenLater | d.Exit | d.StillWaiting | d.Stay)


@given(situations())
def test_the_bot_never_takes_back_control_from_a_counsellor_or_from_high_danger(now: Situation) -> None:
    decision = decide(now)
    if isinstance(decision, d.Play) and decision.takes_back:
        assert not now.acknowledged
        assert (now.case_level or 0) <= RiskLevel.ELEVATED
        assert now.word == "menu"


@given(situations())
def test_without_consent_and_without_a_question_open_the_welcome_comes_first(now: Situation) -> None:
    decision = decide(now)
    free = now.control is Control.BOT and not now.opted_out and not now.word and now.opt_out is None
    calm = now.own.level is RiskLevel.NONE and now.check_answer is None and not now.has_media
    if free and calm and not now.consented and not now.open_flow:
        assert decision == d.Play(start="welcome_consent")


@given(situations())
def test_the_same_situation_is_always_decided_alike(now: Situation) -> None:
    assert decide(now) == decide(now)


@given(situations())
def test_in_danger_and_waiting_nobody_is_met_with_silence_or_told_the_same_twice_running(now: Situation) -> None:
    waits = (now.case_level or 0) >= RiskLevel.ELEVATED and not now.acknowledged and not now.opted_out
    free = waits and now.control is Control.COUNSELLOR and not now.more_waits
    decision = decide(now)
    if free and not (now.has_media and only_unreadable(now)):
        assert not isinstance(decision, d.Silence)
    if isinstance(decision, d.Stay):
        assert decision.key != now.open_check
        assert not (now.about_other and now.open_check is None and decision.key != "stay_third")


# Single promises

NORMAL = Situation(CALM, CALM)


@pytest.mark.parametrize(
    ("changes", "decision"),
    [
        ({}, d.Play()),
        ({"word": "menu"}, d.Play(start="ask_menu")),
        ({"word": "person"}, d.Play(start="talk_to_person")),
        ({"word": "language"}, d.Play(start="change_language")),
        ({"word": "delete"}, d.Play(start="my_data")),
        ({"word": "exit"}, d.Exit()),
        ({"word": "repeat"}, d.Play()),
        ({"word": "repeat", "open_flow": "breathing"}, d.Play(repeat=True)),
        ({"word": "start"}, d.Play()),
        ({"word": "start", "opted_out": True}, d.Start(provider_confirms=False)),
        ({"opt_out": OptOut.START, "opted_out": True}, d.Start(provider_confirms=True)),
        ({"opt_out": OptOut.STOP}, d.Stop(provider_confirms=True, in_crisis=False)),
        ({"word": "stop", "case_level": 2}, d.Stop(provider_confirms=False, in_crisis=True)),
        ({"word": "stop", "case_level": 1}, d.Stop(provider_confirms=False, in_crisis=False)),
        ({"own": WATCH, "latched": WATCH}, d.Ask(Check.MEANING)),
        ({"own": UNREADABLE, "latched": UNREADABLE}, d.Ask(Check.UNREADABLE)),
        ({"own": UNREADABLE, "latched": UNREADABLE, "has_media": True}, d.ListenLater()),
        ({"has_media": True}, d.Play()),
    ],
)
def test_the_promises_one_by_one(changes: dict[str, object], decision: d.Decision) -> None:
    assert decide(dataclasses.replace(NORMAL, **changes)) == decision  # type: ignore[arg-type]


def test_a_repeated_alarm_is_short_only_if_nothing_got_worse() -> None:
    now = dataclasses.replace(NORMAL, own=DANGER, latched=DANGER, recently_answered=True)
    assert decide(dataclasses.replace(now, case_level=4)) == d.Alarm(RiskLevel.IMMINENT, ("R1",), stay="stay_company")
    assert decide(dataclasses.replace(now, case_level=3)) == d.Alarm(RiskLevel.IMMINENT, ("R1",))


def test_danger_in_the_very_word_for_stop_is_danger() -> None:
    now = dataclasses.replace(NORMAL, own=DANGER, latched=DANGER, word="stop")
    assert isinstance(decide(now), d.Alarm)
