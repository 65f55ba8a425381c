"""Danger: it is heard first, answered at once and truthfully, and a person is told."""

from __future__ import annotations

import pytest

from bot.conversation.turn import Took
from bot.store.tables import audit_entry
from bot.vocabulary import Channel, Media, OptOut
from tests.world import NIGHT, World, opening, shipped

TONIGHT = "i want to kill myself tonight"
WANTS_TO_DIE = "i want to die"
HOPELESS = "i am hopeless"
DENIES = "i don't want to kill myself"
BROTHER = "my brother wants to kill himself"
STARVING = "i am starving"
IMMINENT, HIGH, ELEVATED = 4, 3, 2


async def test_danger_in_the_very_first_message_comes_before_the_welcome(world: World) -> None:
    person = world.person()
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))
    assert "computer program, not a person and not a" not in answer
    case, contact = await person.case(), await person.contact()
    assert case is not None and case.level == IMMINENT
    assert case.categories == ("R1",)
    assert (contact.control.value, contact.consent) == ("counsellor", None)


async def test_danger_is_answered_at_once_while_the_engine_is_down(world: World) -> None:
    world.engine_goes_down()
    person = world.person()
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))
    assert (await person.case()).level == IMMINENT
    assert world.engine.turns == []


@pytest.mark.parametrize(
    "text", [TONIGHT, "she hit me. i want to kill myself tonight", "I WANT TO KILL MYSELF TONIGHT!!"]
)
async def test_the_engine_never_has_a_say_in_danger(world: World, text: str) -> None:
    world.understands(text, "want_exercise", 1.0)
    person = world.person()
    await person.consents()
    (answer,) = await person.writes(text)
    assert answer.startswith(opening("crisis_on_duty"))
    assert world.engine.turns == []


async def test_off_duty_nobody_is_promised(world: World) -> None:
    world.now = NIGHT
    (answer,) = await world.person().writes(TONIGHT)
    assert answer.startswith(opening("crisis_off_duty"))
    assert "nobody from our team is reading now" in answer
    assert "Mon 23 Nov, 07:00" in answer
    for promise in ("bringing in", "on duty", "will contact", "minutes", "30"):
        assert promise not in answer


async def test_on_duty_the_wait_that_is_told_is_the_one_that_was_set(world: World) -> None:
    (answer,) = await world.person().writes(TONIGHT)
    assert "Someone is on duty. It can take up to 30 minutes." in answer


async def test_without_any_rota_no_opening_time_is_made_up(world: World) -> None:
    world.now = NIGHT.replace(year=2027)
    (answer,) = await world.person().writes(TONIGHT)
    assert "at a time I do not know yet" in answer
    assert opening("no_lines") in answer


@pytest.mark.parametrize("language", ["en", "es", "fr", "ar", "uk", "ru"])
async def test_the_first_answer_is_in_the_language_of_the_person(world: World, language: str) -> None:
    world.now = NIGHT
    person = world.person()
    await person.consents(language)
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("crisis_off_duty", language))


async def test_a_danger_in_the_title_of_a_button_is_heard_too(world: World) -> None:
    person = world.person()
    await person.consents()
    (answer,) = await person.taps("menu", TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))


async def test_danger_in_the_middle_of_an_exercise_ends_the_exercise(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("menu")
    await person.writes("1")
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))
    (answer,) = await person.writes("4")
    assert answer.startswith(opening("stay_company"))


# The question whether they are safe


async def test_not_safe_now_is_the_highest_level(world: World) -> None:
    person = world.person()
    await person.writes(WANTS_TO_DIE)
    assert (await person.case()).level == ELEVATED
    (answer,) = await person.writes("no")
    assert opening("still_danger") in answer
    assert (await person.case()).level == IMMINENT


@pytest.mark.parametrize("said", ["yes", "1", "safe", "Yes!"])
async def test_safe_now_is_thanked_and_lowers_nothing(world: World, said: str) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    (answer,) = await person.writes(said)
    assert answer == opening("noted_for_team")
    assert (await person.case()).level == IMMINENT


async def test_not_safe_is_understood_in_arabic_digits(world: World) -> None:
    person = world.person()
    await person.consents("ar")
    await person.writes(WANTS_TO_DIE)
    (answer,) = await person.writes("٢")
    assert opening("still_danger", "ar") in answer


# Meaning checks (D5, D5b), another person (D11), needs


async def test_hopelessness_is_asked_about_before_anything_else(world: World) -> None:
    person = world.person()
    await person.consents()
    (answer,) = await person.writes(HOPELESS)
    assert answer.startswith(opening("meaning_check"))
    assert await person.case() is None


@pytest.mark.parametrize("first", [HOPELESS, DENIES])
async def test_thoughts_of_dying_when_asked_are_an_alarm(world: World, first: str) -> None:
    person = world.person()
    await person.consents()
    await person.writes(first)
    (answer,) = await person.writes("yes")
    assert answer.startswith(opening("crisis_on_duty"))
    case, contact = await person.case(), await person.contact()
    assert case is not None and (case.level, case.categories) == (ELEVATED, ("R1",))
    assert contact.control.value == "counsellor"


@pytest.mark.parametrize("first", [HOPELESS, DENIES])
async def test_no_thoughts_of_dying_when_asked_is_believed_without_an_alarm(world: World, first: str) -> None:
    person = world.person()
    await person.consents()
    await person.writes(first)
    (answer,) = await person.writes("no")
    assert answer == opening("check_thanks")
    assert await person.case() is None


async def test_being_unsure_about_dying_brings_a_person(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes(HOPELESS)
    (answer,) = await person.writes("not sure")
    assert answer.startswith(opening("utter_on_duty", flow="talk_to_person"))
    assert (await person.contact()).control.value == "counsellor"


async def test_being_unsure_about_dying_is_no_case_of_level_zero(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes(HOPELESS)
    await person.writes("not sure")
    assert (await person.case()).level == 1


async def test_a_denial_is_asked_about_and_never_counts_as_nothing(world: World) -> None:
    person = world.person()
    await person.consents()
    (answer,) = await person.writes(DENIES)
    assert answer.startswith(opening("meaning_check_negated"))


async def test_another_persons_danger_is_asked_about_and_now_is_the_highest_level(world: World) -> None:
    person = world.person()
    await person.consents()
    (answer,) = await person.writes(BROTHER)
    assert answer.startswith(opening("third_person"))
    assert ((await person.case()).level, (await person.case()).categories) == (HIGH, ("R1T",))
    await person.writes("yes, now")
    assert (await person.case()).level == IMMINENT


async def test_whoever_stays_with_somebody_in_danger_is_never_told_to_leave(world: World) -> None:
    """Specification 3.5: stay, or get someone to stay."""
    person = world.person()
    await person.consents()
    await person.writes(BROTHER)
    (answer,) = await person.writes("yes, now")
    assert "leave the place" not in answer


@pytest.mark.parametrize("said", ["not now", "i do not know"])
async def test_another_persons_danger_stays_high_whatever_is_known(world: World, said: str) -> None:
    person = world.person()
    await person.consents()
    await person.writes(BROTHER)
    assert await person.writes(said) == [opening("noted_for_team")]
    assert (await person.case()).level == HIGH


async def test_hunger_said_in_passing_is_asked_about(world: World) -> None:
    person = world.person()
    await person.consents()
    (answer,) = await person.writes(STARVING)
    assert answer.startswith(opening("need_check"))
    (answer,) = await person.writes("no")
    assert answer == opening("need_noted")
    case, contact = await person.case(), await person.contact()
    assert case is not None and (case.level, case.categories) == (ELEVATED, ("R10",))
    assert contact.control.value == "bot", "practical help must stay in reach"


async def test_having_eaten_is_no_case(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes(STARVING)
    assert await person.writes("yes") == [opening("check_thanks")]
    assert await person.case() is None


async def test_an_answer_to_a_check_is_never_guessed(world: World) -> None:
    """A "no" inside a sentence is not the answer no."""
    person = world.person()
    await person.consents()
    await person.writes(HOPELESS)
    answers = await person.writes("i have no money to eat well")
    assert opening("check_thanks") not in " ".join(answers)


# What follows an alarm


async def test_a_repeated_alarm_within_minutes_is_answered_shortly(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    world.pass_time(minutes=2)
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("stay_company"))
    assert [event.kind for event in (await person.case()).events] == ["requested", "raised"]


# Nobody has come yet, and they go on writing


@pytest.mark.parametrize("language", ["en", "es", "fr", "ar", "uk", "ru"])
async def test_in_danger_at_night_the_person_stays_in_a_conversation(world: World, language: str) -> None:
    """Service specification 8, T07: no silence, no wall of text again, no promise."""
    world.now = NIGHT
    person = world.person()
    await person.consents(language)
    said = await person.writes("i wnt 2 kil my slef tnite")
    for words in ("no 1 picks up", "nobody", "what now", "ok", "and now", "still here"):
        world.pass_time(seconds=30)
        (answer,) = await person.writes(words)
        assert answer != said[-1]
        assert len(answer) < len(said[0])
        said.append(answer)
    no_lines = shipped().service[language].texts["no_lines"].text
    assert said[1].startswith(opening("stay_company", language)) and no_lines in said[1]
    assert opening("stay_here", language) in said


async def test_whoever_has_nobody_near_is_told_where_to_go_and_asked_whether_they_are_safe(world: World) -> None:
    person = world.person()
    await person.writes(WANTS_TO_DIE)
    await person.writes("hello?")
    (answer,) = await person.writes("no")
    assert opening("stay_go") in answer and opening("stay_safe") in answer
    (answer,) = await person.writes("no")
    assert answer.startswith(opening("still_danger"))
    case = await person.case()
    assert (case.level, case.categories) == (IMMINENT, ("R1",))


async def test_whoever_has_somebody_near_and_is_safe_is_thanked_and_it_lowers_nothing(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    await person.writes("hello?")
    (answer,) = await person.writes("yes")
    assert opening("stay_with_them") in answer and opening("stay_safe") in answer
    assert await person.writes("yes") == [opening("stay_heard")]
    assert (await person.case()).level == IMMINENT


async def test_many_short_messages_at_once_get_one_answer(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    for words in ("please", "is", "anybody", "there"):
        await person.sends(words)
    await world.work()
    (answer,) = await person.reads()
    assert answer.startswith(opening("stay_company"))


async def test_whoever_waits_beside_somebody_in_danger_is_never_sent_away_from_them(world: World) -> None:
    person = world.person()
    await person.writes(BROTHER)
    first, second = [(await person.writes(words))[0] for words in ("what shall i do", "please")]
    assert first.startswith(opening("stay_third"))
    assert second == opening("stay_third_here")


async def test_once_a_counsellor_has_the_case_the_bot_stays_out(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    await world.counsellor().takes(person)
    assert await person.writes("hello?") == []


async def test_an_alarm_an_hour_later_is_answered_in_full_again(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    world.pass_time(hours=1, minutes=1)
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))


async def test_a_worse_alarm_within_minutes_is_answered_in_full(world: World) -> None:
    person = world.person()
    await person.writes(WANTS_TO_DIE)
    world.pass_time(minutes=2)
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))
    assert (await person.case()).level == IMMINENT


async def test_a_harmless_message_after_an_alarm_is_no_alarm(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    world.pass_time(hours=2)
    answers = await person.writes("good morning")
    assert not any(answer.startswith("Thank you for telling me") for answer in answers)
    assert [event.kind for event in (await person.case()).events] == ["requested"]


async def test_whoever_waits_in_danger_and_writes_on_hears_that_it_arrives(world: World) -> None:
    world.now = NIGHT
    person = world.person()
    await person.writes(TONIGHT)
    world.pass_time(minutes=20)
    (answer,) = await person.writes("is there nobody")
    assert answer.startswith(opening("held_off_duty"))
    assert "Mon 23 Nov, 07:00" in answer


async def test_a_little_sign_after_a_great_one_counts_as_the_great_one(world: World) -> None:
    person = world.person()
    await person.writes(BROTHER)
    amal = world.counsellor()
    await amal.answers(person, "I am here.")
    await amal.closes(person)
    world.pass_time(days=1)
    await person.reads()
    (answer,) = await person.writes(HOPELESS)
    assert answer.startswith(opening("crisis_on_duty"))
    assert (await person.case()).level == HIGH


@pytest.mark.parametrize(("reason", "counts_on"), [("false alarm", False), ("helped", True), ("no answer", True)])
async def test_only_a_false_alarm_lowers_what_later_messages_start_from(
    world: World, reason: str, counts_on: bool
) -> None:
    person = world.person()
    await person.consents()
    await person.writes(TONIGHT)
    amal = world.counsellor()
    await amal.answers(person, "I am here.")
    await amal.closes(person, reason)
    world.pass_time(hours=3)
    await person.reads()
    (answer,) = await person.writes(HOPELESS)
    assert answer.startswith(opening("crisis_on_duty" if counts_on else "meaning_check"))
    assert (await person.case() is not None) is counts_on
    assert ("Amal", "lowered") in [(row["by"], row["act"]) for row in await world.rows(audit_entry)] or counts_on


async def test_a_false_alarm_lowers_nothing_of_an_earlier_case(world: World) -> None:
    person, amal = world.person(), world.counsellor()
    await person.consents()
    await person.writes(BROTHER)
    await amal.answers(person, "I am here.")
    await amal.closes(person, "helped")
    world.pass_time(days=1)
    await person.writes(TONIGHT)
    await amal.answers(person, "I am here.")
    await amal.closes(person, "false alarm")
    world.pass_time(days=1)
    await person.reads()
    await person.writes(HOPELESS)
    assert (await person.case()).level == HIGH


async def test_after_two_weeks_a_little_sign_is_a_little_sign_again(world: World) -> None:
    person = world.person()
    await person.writes(BROTHER)
    amal = world.counsellor()
    await amal.answers(person, "I am here.")
    await amal.closes(person)
    await person.reads()
    world.pass_time(days=15)
    (answer,) = await person.writes(HOPELESS)
    assert answer.startswith(opening("meaning_check"))


async def test_a_denial_never_lowers_the_level_of_a_case(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    await person.writes(DENIES)
    assert (await person.case()).level == IMMINENT


async def test_the_same_wish_for_the_third_time_counts_one_higher(world: World) -> None:
    person = world.person()
    for _ in range(3):
        await person.writes(WANTS_TO_DIE)
        world.pass_time(hours=3)
    assert (await person.case()).level == HIGH


async def test_the_same_wish_for_the_third_time_in_ten_days_does_not(world: World) -> None:
    person, amal = world.person(), world.counsellor()
    await person.consents()
    for _ in range(3):
        await person.writes(WANTS_TO_DIE)
        await amal.answers(person, "I am here.")
        level = (await person.case()).level
        await amal.closes(person)
        world.pass_time(days=5)
    assert level == ELEVATED


async def test_one_wish_with_a_little_sign_after_it_is_not_three_wishes(world: World) -> None:
    """Rule 9 counts the same level three times, not one great sign and the small ones after it."""
    person = world.person()
    await person.consents()
    await person.writes(WANTS_TO_DIE)
    amal = world.counsellor()
    await amal.answers(person, "I am here.")
    await amal.closes(person)
    for _ in range(2):
        world.pass_time(hours=3)
        await person.writes(HOPELESS)
    assert (await person.case()).level == ELEVATED


# What cannot be read


async def test_a_voice_note_goes_to_a_person_and_the_bot_stays(world: World) -> None:
    person = world.person()
    await person.consents()
    (answer,) = await person.sends_voice()
    assert answer.startswith(opening("voice_note"))
    case, contact = await person.case(), await person.contact()
    assert case is not None and case.categories == ("R11",)
    assert contact.control.value == "bot"
    (menu,) = await person.writes("menu")
    assert "Send a number" in menu


async def test_a_second_voice_note_goes_to_the_queue_at_a_higher_level_and_the_bot_stays(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.sends_voice()
    world.pass_time(minutes=5)
    (answer,) = await person.sends_voice()
    assert answer.startswith(opening("voice_note"))
    assert (await person.case()).level == ELEVATED
    assert (await person.contact()).control.value == "bot"


async def test_two_voice_notes_with_calm_words_between_are_not_two_in_a_row(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.sends_voice()
    await person.writes("good morning")
    await person.sends_voice()
    assert (await person.case()).level == 1


async def test_off_duty_a_voice_note_is_told_when_somebody_listens(world: World) -> None:
    world.now = NIGHT
    person = world.person()
    await person.consents()
    (answer,) = await person.sends_voice()
    assert "Mon 23 Nov, 07:00" in answer


async def test_words_with_a_picture_are_screened(world: World) -> None:
    person = world.person()
    (answer,) = await person.writes(TONIGHT, media=(Media("https://media.example/1", "image/jpeg"),))
    assert answer.startswith(opening("crisis_on_duty"))


async def test_signs_nobody_can_read_are_asked_about_and_danger_is_one_tap_away(world: World) -> None:
    person = world.person()
    await person.consents()
    (answer,) = await person.writes("💊😭🖤")
    assert answer.startswith(opening("unreadable"))
    (answer,) = await person.writes("1")
    assert answer.startswith(opening("danger_on_duty"))
    assert (await person.case()).level == IMMINENT


# Danger and STOP


async def test_stop_in_a_crisis_is_obeyed_with_one_last_word(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    (answer,) = await person.writes("stop")
    assert answer.startswith(opening("stop_in_crisis"))
    case = await person.case()
    assert case is not None and case.level == IMMINENT


async def test_on_sms_the_provider_has_the_last_word_after_stop_and_the_case_stays(world: World) -> None:
    person = world.person(channel=Channel.SMS)
    await person.writes(TONIGHT)
    assert await person.writes("STOP", opt_out=OptOut.STOP) == []
    assert (await person.case()).level == IMMINENT


async def test_danger_after_stop_is_still_heard_and_answered(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("stop")
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))
    assert (await person.case()).level == IMMINENT
    assert (await person.fates())[-1][0] == "crisis"


async def test_whoever_writes_again_after_a_crisis_and_stop_is_not_met_with_silence(world: World) -> None:
    """The last word was: to come back, just write."""
    person = world.person()
    await person.writes(TONIGHT)
    amal = world.counsellor()
    await amal.answers(person, "I am here.")
    await person.writes("stop")
    await amal.closes(person, "asked to stop")
    await person.reads()
    world.pass_time(hours=2)
    assert await person.writes("i am back") != []


@pytest.mark.parametrize("minutes", [1, 30])
async def test_whoever_comes_back_soon_after_stop_in_a_crisis_is_not_met_with_silence(
    world: World, minutes: int
) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    await person.writes("stop")
    world.pass_time(minutes=minutes)
    assert await person.writes("i am back") != []


# Danger does not queue


async def test_danger_overtakes_an_older_message_that_waits_for_the_engine(world: World) -> None:
    person = world.person()
    await person.consents()
    world.engine_goes_down()
    assert await person.writes("when is the group") == []
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))


async def test_danger_that_came_in_together_with_a_stuck_message_is_answered_at_once(world: World) -> None:
    person = world.person()
    await person.consents()
    world.engine_goes_down()
    await person.sends("when is the group")
    await person.sends(TONIGHT)
    await world.work()
    answers = await person.reads()
    assert any(answer.startswith(opening("crisis_on_duty")) for answer in answers)


async def test_danger_that_came_in_while_the_engine_was_being_asked_is_answered_at_once(world: World) -> None:
    person = world.person()
    await person.consents()
    world.engine_goes_down()
    await person.sends("when is the group")
    await person.sends("hello?")
    await person.sends(TONIGHT)
    reports = [await world.turns.next_turn() for _ in range(6)]
    assert Took.ANSWERED in {report.took for report in reports}
    assert (await person.case()).level == IMMINENT


# While a counsellor holds the conversation


async def test_while_a_counsellor_writes_danger_raises_the_case_and_the_bot_is_silent(world: World) -> None:
    person, amal = world.person(), world.counsellor()
    await person.writes(WANTS_TO_DIE)
    await amal.takes(person)
    await amal.answers(person, "I am Amal, I am here.")
    await person.reads()
    assert await person.writes(TONIGHT) == []
    case = await person.case()
    assert case.level == IMMINENT
    assert [event.kind for event in case.events] == ["requested", "acknowledged", "answered", "raised"]


async def test_while_a_counsellor_writes_the_bot_asks_no_checks(world: World) -> None:
    person, amal = world.person(), world.counsellor()
    await person.writes(WANTS_TO_DIE)
    await amal.takes(person)
    await person.reads()
    for text in (HOPELESS, "💊😭🖤", "no", "menu", "person"):
        assert await person.writes(text) == []


async def test_when_nobody_comes_in_the_promised_time_it_is_said(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    world.pass_time(minutes=29)
    await world.do_what_is_due()
    assert await person.reads() == []
    world.pass_time(minutes=2)
    await world.do_what_is_due()
    (answer,) = await person.reads()
    assert answer.startswith(opening("still_waiting"))
    assert "overdue" in [event.kind for event in (await person.case()).events]


async def test_when_somebody_came_in_time_nothing_is_said_of_waiting(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    await world.counsellor().takes(person)
    await person.reads()
    world.pass_time(minutes=31)
    await world.do_what_is_due()
    assert await person.reads() == []


async def test_whoever_writes_on_in_danger_is_still_told_in_time_that_nobody_came(world: World) -> None:
    """Writing again must not put off the promise that was made."""
    person = world.person()
    await person.writes(TONIGHT)
    for _ in range(8):
        world.pass_time(minutes=4)
        await person.writes(TONIGHT)
        await world.do_what_is_due()
    assert any(answer.startswith(opening("still_waiting")) for answer in await person.reads())
