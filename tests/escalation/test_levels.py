"""The level rules, as claims about what a person lives through (service specification 3.2 and 8).

The messages are written for this file, except the tables SPECIFIED and SCENARIOS: those are the
specification's own regression lines (8.13) and the first messages of its end-to-end tests (8, T01-T12).
"""

from __future__ import annotations

import pytest

from escalation import Assessment, Earlier, RiskCategory, RiskLevel, Screener, highest

NONE, WATCH, ELEVATED, HIGH, IMMINENT = RiskLevel

SPECIFIED = [
    ("I will jump tonight, I am at the place", "4", "R1"),
    ("goodbye, thank you for everything, don't write back", "3", "R1"),
    ("bye thanks see you tomorrow", "0", ""),
    ("everyone would be better without me", "2", "R1"),
    ("I used to think about dying, not any more", "1", "R1"),
    ("I'm not suicidal but my cousin is", "3", "R1T"),
    ("asking for a friend: how do people end it", "3", "R1T"),
    ("how many tablets of paracetamol for my child's fever", "0", ""),
    ("dead tired, kill the lights", "0", ""),
    ("he will kill me when he comes home", "34", "R3"),
    ("they took my passport and I can't leave the house", "3", "R5"),
    ("I will burn his house tomorrow", "4", "R2"),
    ("voices tell me to do it", "3", "R7"),
    ("my baby is not breathing well", "4", "R6"),
    ("I am 12 and alone at the border", "4", "R4"),
    ("the volunteer wants pictures of me for food", "3", "R9"),
    ("no quiero vivir asi, sin papeles", "2", "R1"),
    ("me quiero morir de la vergüenza jaja", "1", "R1"),
    ("si no me dan la cita me mato lol", "2", "R1"),
    ("تعبت من الحياة", "1", "R1"),
    ("تقبرني شو طيب الأكل", "0", ""),
    ("mabde 3ish ba3d lyom", "4", "R1"),
    ("j'en peux plus des moustiques", "0", ""),
    ("je vais me foutre en l'air ce soir", "4", "R1"),
    ("вже не страшно, все підготувала", "34", "R1"),
    ("хочу кофе, убила бы за него", "0", ""),
    ("میخوام همه چی تموم بشه امشب", "4", "R1"),
    ("قربونت برم مرسی", "0", ""),
    ("nakufa njaa, hatujala leo", "2", "R10"),
    ("STOP", "0", ""),
]

SCENARIOS = [
    ("T01-1", "I don't want to kill myself, I just want to sleep", (), "1", "R1"),
    ("T01-3", "2 i am tired not sleeping 3 days", (WATCH,), "1", ""),
    ("T01-5", "sleep and not wake up", (WATCH, WATCH), "2", "R1"),
    ("T02-1", "me muero de hambre y este calor me mata", (), "1", "R10"),
    ("T02-5", "gracias jaja me muero de risa con mi bebé", (), "0", ""),
    ("T03-1", "akhi bado ymout 3am y7ki eno ma bado y3ish", (), "3", "R1T"),
    ("T03-3", "halla2 msakkar 3a 7alo bel 2oda", (HIGH,), "4", "R1T"),
    ("T04-1", "слухаю пісню, там співають «забери мене в темряву назавжди» 😭 класний трек", (), "1", "R1"),
    ("T04-3", "хоча якщо чесно думаю про роскомнадзор кожен вечір", (WATCH, WATCH), "2", "R1"),
    ("T05-1", "slt jpp, ya 2 an g essayé de me tuer, là sa recommence ds ma tete", (), "2", "R1"),
    ("T05-3", "jé pri d cachet a coté de moi", (ELEVATED,), "4", "R6"),
    ("T07-1", "i wnt 2 kil my slef tnite", (), "4", "R1"),
    ("T10-1", "не бачу сенсу, сьогодні все закінчу", (), "4", "R1"),
    ("T12-1", "je suis vide, je bois tous les soirs", (), "1", "R1"),
    ("T12-4", "et mon chef demande du sexe aux filles du camp", (WATCH,), "3", "R9"),
]


@pytest.mark.parametrize(("text", "levels", "category"), SPECIFIED)
def test_every_line_of_the_specification_comes_out_as_written(
    screener: Screener, text: str, levels: str, category: str
) -> None:
    assessed = screener.assess(text)
    assert str(int(assessed.level)) in levels
    assert not category or RiskCategory(category) in assessed.categories


@pytest.mark.parametrize(("name", "text", "recent", "levels", "category"), SCENARIOS)
def test_every_message_of_the_twelve_scenarios_comes_out_as_written(
    screener: Screener, name: str, text: str, recent: tuple[RiskLevel, ...], levels: str, category: str
) -> None:
    assessed = screener.assess(text, recent=recent)
    assert str(int(assessed.level)) in levels, name
    assert not category or RiskCategory(category) in assessed.categories


# Rule 1


def test_a_denial_never_lowers_the_level(screener: Screener) -> None:
    assert screener.assess("I am fine now, it was a joke", recent=[HIGH]).level is HIGH


def test_what_somebody_said_days_ago_still_counts(screener: Screener) -> None:
    later = screener.assess("good morning", recent=[WATCH, IMMINENT, NONE, NONE])
    assert (later.level, later.rules) == (IMMINENT, ("3.2-1",))


def test_a_graver_message_raises_what_was_known(screener: Screener) -> None:
    assert screener.assess("I have just taken all the pills", recent=[ELEVATED]).level is IMMINENT


def test_the_worst_of_several_dangers_decides(screener: Screener) -> None:
    both = screener.assess("my husband beats me and I wish I was dead")
    assert both.level is HIGH
    assert {RiskCategory.VIOLENCE_BY_OTHERS, RiskCategory.SUICIDE_SELF} <= set(both.categories)


# Rule 2


@pytest.mark.parametrize(
    "text",
    [
        "I'm going to kill myself tonight",
        "I want to die and I have the pills here",
        "voy a matarme esta noche",
        "je vais me tuer ce soir",
        "رح اقتل حالي الليلة",
        "я покончу с собой сегодня ночью",
        "я вб'ю себе сьогодні вночі",
    ],
)
def test_a_will_to_die_with_a_time_or_a_means_is_imminent_and_asks_nothing_first(screener: Screener, text: str) -> None:
    assessed = screener.assess(text)
    assert assessed.level is IMMINENT
    assert "3.2-2" in assessed.rules
    assert assessed.ask is None


def test_somebody_who_has_already_acted_is_in_imminent_danger(screener: Screener) -> None:
    assert screener.assess("I took a whole box of pills to die").level is IMMINENT


def test_a_goodbye_together_with_a_wish_to_die_is_imminent(screener: Screener) -> None:
    assert screener.assess("goodbye everyone, I want to die").level is IMMINENT


# Rule 3


@pytest.mark.parametrize("text", ["I want to kill myself", "quiero matarme", "je veux me suicider", "хочу вбити себе"])
def test_somebody_who_means_to_die_without_a_time_is_at_high_risk(screener: Screener, text: str) -> None:
    assert screener.assess(text).level is HIGH


@pytest.mark.parametrize(
    "text", ["I wish I was dead", "ojalá no despertara", "je voudrais être mort", "лучше бы я умер"]
)
def test_a_wish_to_be_dead_needs_a_person_and_is_asked_about(screener: Screener, text: str) -> None:
    assessed = screener.assess(text)
    assert (assessed.level, assessed.ask) == (ELEVATED, "meaning_check")


def test_a_threat_with_an_if_is_still_a_threat(screener: Screener) -> None:
    assert screener.assess("if they refuse my papers I will kill myself").level is ELEVATED


# Rule 4


@pytest.mark.parametrize("text", ["I don't want to kill myself", "no quiero matarme", "je ne veux pas me tuer"])
def test_words_that_deny_suicide_are_never_nothing(screener: Screener, text: str) -> None:
    assessed = screener.assess(text)
    assert (assessed.level, assessed.ask) == (WATCH, "meaning_check_negated")


def test_a_denial_by_somebody_who_was_in_danger_lately_needs_a_person(screener: Screener) -> None:
    assert "3.2-4" in screener.assess("I don't want to kill myself", recent=[ELEVATED]).rules
    assert screener.assess("I don't want to kill myself", recent=[ELEVATED]).level is ELEVATED


def test_a_song_about_dying_is_watched_not_alarmed(screener: Screener) -> None:
    assert screener.assess('the song goes "I want to die" and I cry').level is WATCH


def test_what_is_over_is_watched_not_alarmed(screener: Screener) -> None:
    assert screener.assess("I used to want to die").level is WATCH


def test_a_year_named_at_the_start_of_a_long_message_without_full_stops_does_not_make_it_all_past(
    screener: Screener,
) -> None:
    story = "je suis arrivé en 2019 et j'ai fait la demande et puis le recours et j'ai travaillé dans les vignes "
    assert screener.assess(story + "et le patron est parti avec tout voilà alors je vais me tuer").level >= HIGH
    assert screener.assess("en 2019 je me disais je vais me tuer").level is WATCH


# Rule 5


def test_a_brother_who_wants_to_die_is_an_alarm_and_the_writer_is_asked_too(screener: Screener) -> None:
    assessed = screener.assess("my brother says he wants to kill himself")
    assert (assessed.level, assessed.ask) == (HIGH, "third_person")
    assert assessed.categories[0] is RiskCategory.SUICIDE_OTHER


def test_a_brother_who_wants_to_die_tonight_is_in_imminent_danger(screener: Screener) -> None:
    assert screener.assess("my brother wants to kill himself tonight").level is IMMINENT


def test_a_locked_door_after_such_a_message_means_now(screener: Screener) -> None:
    later = screener.assess("he locked himself in the room", recent=[HIGH])
    assert (later.level, later.rules) == (IMMINENT, ("3.2-5",))


# Rule 6


@pytest.mark.parametrize(
    "text",
    [
        "this heat is killing me",
        "I'm dead 😂😂",
        "I could murder a tea",
        "me muero de risa",
        "jsuis mort mdr",
        "bmout fik",
        "to2borni",
        "вбитися можна, яка черга",
    ],
)
def test_a_figure_of_speech_is_not_an_alarm(screener: Screener, text: str) -> None:
    assert screener.assess(text).level <= WATCH
    assert not screener.assess(text).alarming


@pytest.mark.parametrize("text", ["I'm starving", "me muero de hambre", "ميت من الجوع", "помираю від голоду"])
def test_hunger_that_may_be_meant_is_asked_about(screener: Screener, text: str) -> None:
    assessed = screener.assess(text)
    assert (assessed.level, assessed.ask) == (WATCH, "need")


# Rule 7


def test_an_attempt_at_an_unknown_time_needs_a_person(screener: Screener) -> None:
    assert screener.assess("I tried to kill myself").level is ELEVATED


def test_an_attempt_last_week_is_a_high_risk(screener: Screener) -> None:
    assessed = screener.assess("I tried to kill myself last week")
    assert (assessed.level, assessed.rules) == (HIGH, ("3.2-7",))


# Rule 8


def test_a_voice_note_that_nobody_has_heard_is_watched(screener: Screener) -> None:
    assessed = screener.assess("", has_media=True)
    assert (assessed.level, assessed.ask) == (WATCH, "unreadable")


def test_a_second_voice_note_goes_to_a_person(screener: Screener) -> None:
    assert screener.assess("", has_media=True, recent=[WATCH]).level is ELEVATED


def test_tears_and_pills_without_words_are_watched(screener: Screener) -> None:
    assessed = screener.assess("💊😭🖤")
    assert (assessed.level, assessed.ask) == (WATCH, "unreadable")


def test_a_knife_after_tears_goes_to_a_person(screener: Screener) -> None:
    assert screener.assess("🔪", recent=[WATCH]).level is ELEVATED


@pytest.mark.parametrize("text", ["😂💀", "👍", "🙏🙏"])
def test_laughter_and_thanks_without_words_are_nothing(screener: Screener, text: str) -> None:
    assert screener.assess(text).level is NONE


def test_an_empty_message_is_nothing(screener: Screener) -> None:
    assert screener.assess("  ") == Assessment(NONE)


# Rule 9


def test_the_same_worry_for_the_third_time_counts_one_higher(screener: Screener) -> None:
    third = screener.assess("I wish I was dead", recent=[ELEVATED, ELEVATED])
    assert (third.level, third.rules) == (HIGH, ("3.2-9",))


@pytest.mark.parametrize(("days", "level"), [(6.9, HIGH), (7.1, ELEVATED)])
def test_the_third_time_counts_within_seven_days_only(screener: Screener, days: float, level: RiskLevel) -> None:
    """What is older still holds the level up for two weeks, but is no third time."""
    earlier = [Earlier(ELEVATED, days), Earlier(ELEVATED, 0.5)]
    assert screener.assess("I wish I was dead", recent=earlier).level is level


def test_nothing_for_the_third_time_is_still_nothing(screener: Screener) -> None:
    assert screener.assess("good morning", recent=[NONE, NONE, NONE]).level is NONE


# Rule 11


@pytest.mark.parametrize(
    "text",
    [
        "no quiero vivir",
        "не хочу жить",
        "не хочу жити",
        "je veux plus vivre",
        "ما بدي عيش",
        "I don't want to be here any more",
    ],
)
def test_not_wanting_to_live_is_no_denial(screener: Screener, text: str) -> None:
    assessed = screener.assess(text)
    assert assessed.level >= ELEVATED
    assert {sign.polarity for sign in assessed.signals} == {"affirmed"}


def test_a_plain_goodbye_is_watched_and_asked_about(screener: Screener) -> None:
    assessed = screener.assess("farewell my friends")
    assert (assessed.level, assessed.ask) == (WATCH, "meaning_check")


@pytest.mark.parametrize(
    "text",
    [
        "goodbye, look after my children",
        "farewell, I am sorry for everything",
        "adiós, cuida a mis hijos",
        "прощай, позаботься о моих детях",
    ],
)
def test_a_goodbye_that_hands_over_the_children_is_a_high_risk(screener: Screener, text: str) -> None:
    assert screener.assess(text).level >= HIGH


# Rule 13


def test_a_child_who_wishes_to_be_dead_is_at_high_risk(screener: Screener) -> None:
    child = screener.assess("I wish I was dead", minor=True)
    assert (child.level, child.rules) == (HIGH, ("3.2-13",))


def test_a_child_who_says_so_in_the_message_counts_as_a_child(screener: Screener) -> None:
    assert screener.assess("I am 15 and I wish I was dead").level is HIGH


# The table of other dangers


@pytest.mark.parametrize(
    ("text", "level", "category"),
    [
        ("I will stab him with a knife tomorrow", IMMINENT, "R2"),
        ("my husband is outside with a knife", IMMINENT, "R3"),
        ("my husband hits me", HIGH, "R3"),
        ("they want to marry my daughter off, she is 13", HIGH, "R4"),
        ("my boss keeps our passports and does not pay us", HIGH, "R5"),
        ("she is unconscious", IMMINENT, "R6"),
        ("I hear voices that tell me to hurt people", HIGH, "R7"),
        ("the guard wants sex for a tent", HIGH, "R9"),
        ("we have had nothing to eat today", ELEVATED, "R10"),
        ("our boat is sinking", IMMINENT, "R10"),
    ],
)
def test_each_danger_has_its_own_level(screener: Screener, text: str, level: RiskLevel, category: str) -> None:
    assessed = screener.assess(text)
    assert assessed.level is level
    assert RiskCategory(category) in assessed.categories


# Several texts


def test_the_worse_half_of_a_message_decides(screener: Screener) -> None:
    halves = [
        screener.assess("hello"),
        screener.assess("I want to kill myself"),
        screener.assess("my baby is not breathing"),
    ]
    merged = highest(halves)
    assert merged.level is IMMINENT
    assert set(merged.signals) == {sign for half in halves for sign in half.signals}


def test_no_texts_are_nothing() -> None:
    assert highest([]) == Assessment(NONE)


def test_only_what_needs_a_person_soon_is_alarming(screener: Screener) -> None:
    assert screener.assess("I wish I was dead").alarming
    assert not screener.assess("I used to want to die").alarming


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("الجار سيشنق نفسه هكذا قال لي اخي", HIGH),  # "will" written as one with the verb
        ("دي حاجة بتخنقني، حماتي حتضربني زي كل يوم", HIGH),
        ("گال اخوي راح يگتلني من يوصل للبيت", HIGH),  # Iraqi letters for q and k
        ("اشتريت حبلا وربطته", HIGH),  # a case ending
        ("مبقتش عايزة اعيش", ELEVATED),  # "not" written around the verb
    ],
)
def test_arabic_word_forms_are_read_as_the_word_they_are_made_of(screener: Screener, text: str, least: RiskLevel):
    assert screener.assess(text).level >= least


def test_arabizi_is_read_without_digits_and_with_stems(screener: Screener):
    assert screener.assess("gozi beydrabni kol yom bel kharzana w ana khayfa").level >= HIGH
    assert screener.assess("sabbet el banzin 3ala nafsi w el kabrit fi eidi").level is IMMINENT
    assert screener.assess("Allah ya kawo mana sauki, mun gode da taimako").level is NONE


def test_how_long_something_lasts_does_not_make_it_past(screener: Screener):
    assert screener.assess("من سنة اشتغل عندهم بدون راتب وحابسني صاحب المزرعة في المخزن").level >= HIGH


def test_a_condition_inside_a_farewell_is_not_a_condition(screener: Screener):
    farewell = "اذا صار شي ديروا بالكم على ولادي، انا ما رح ارجع"
    assert screener.assess(farewell).level >= HIGH


@pytest.mark.parametrize("text", ["دەمەوێ خۆم بکوژم", "دەمه‌وێ خوم بکوژم", "دةمةوێ خۆم بكوژم", "damawet xom bkujm"])
def test_sorani_is_read_however_its_letters_are_typed(screener: Screener, text: str) -> None:
    assert screener.assess(text).level >= HIGH


@pytest.mark.parametrize("text", ["не пишите мне", "let me go and cook now", "so much", "too heavy"])
def test_words_of_leaving_that_take_no_leave_alarm_nobody(screener: Screener, text: str) -> None:
    assert screener.assess(text).level < ELEVATED


def test_one_thing_said_counts_once_however_many_entries_know_it(screener: Screener) -> None:
    once = screener.assess("не ищите меня")
    twice = screener.assess("не ищите меня. все долги я отдала, кота забрала соседка")
    assert once.level < HIGH <= twice.level
