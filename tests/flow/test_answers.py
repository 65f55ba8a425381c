"""What people write as an answer: numbers in any script, words in any spelling, and nothing guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.flow.answers import choice_in, number_in, plain, range_in
from bot.flow.bundle import Choice
from tests.world import shipped

DIGITS = {
    "ascii": "0123456789",
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "persian": "۰۱۲۳۴۵۶۷۸۹",
    "devanagari": "०१२३४५६७८९",
    "bengali": "০১২৩৪৫৬৭৮৯",
    "full width": "０１２３４５６７８９",
    "burmese": "၀၁၂၃၄၅၆၇၈၉",
    "amharic has none, tamil": "௦௧௨௩௪௫௬௭௮௯",
}
THREE = {"yes": Choice("Yes, a person", ("yes",)), "no": Choice("No", ()), "later": Choice("Not now", ("later",))}


@pytest.mark.parametrize("script", DIGITS)
@given(number=st.integers(0, 999))
def test_a_number_is_a_number_in_every_script(script: str, number: int) -> None:
    written = "".join(DIGITS[script][int(digit)] for digit in str(number))
    assert number_in(written, ()) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [("7", 7), (" 7 ", 7), ("7.", 7), ("7/10", 7), ("7 / 10", 7), ("٧/١٠", 7), ("7️⃣", 7), ("7 of 10", 7),
     ("7 out of 10", 7), ("7 de 10", 7), ("7 sur 10", 7), ("7 з 10", 7), ("7 из 10", 7), ("٧ من ١٠", 7),
     ("10", 10), ("007", 7)],
)  # fmt: skip
def test_the_ways_people_write_a_number(written: str, number: int) -> None:
    assert number_in(written, ()) == number


@pytest.mark.parametrize("written", ["", "7.5", "7 8", "about 7", "seven", "1000", "½", "VII", "7a", "tel 7"])
def test_what_is_no_plain_number_is_not_guessed(written: str) -> None:
    assert number_in(written, ()) is None


@pytest.mark.parametrize("language", sorted(shipped().service))
def test_every_spelling_of_every_number_is_understood_in_its_language(language: str) -> None:
    numbers = shipped().service[language].numbers
    assert len(numbers) == 11
    for number, spellings in enumerate(numbers):
        for word in (*spellings, *(word.upper() for word in spellings)):
            assert number_in(word, numbers) == number, word


@given(st.text(max_size=60))
def test_making_plain_twice_is_making_plain_once(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Menú", "menu"), ("𝐒𝐓𝐎𝐏", "stop"), ("Ⓜenu", "menu"), ("MENU!!!", "menu"), ("п’ять", "п'ять"), ("п’ять", "пʼять"), ("توقّف", "توقف"), ("أريد", "اريد"),
     ("قائمة", "قائمه"), ("menu 🙏", "menu"), ("ａｂｃ", "abc"), ("Ме\u0301ню", "меню"), ("je  suis\nlà", "je suis la"),
     ("\u200fمساعدة", "مساعده"), ("к\u0438\u0306", "кй")],
)  # fmt: skip
def test_what_differs_only_in_dress_is_the_same(one: str, other: str) -> None:
    assert plain(one) == plain(other)


@pytest.mark.parametrize(
    ("text", "payload", "chosen"),
    [("1", "", "yes"), ("3", "", "later"), ("٢", "", "no"), ("No", "", "no"), ("LATER!", "", "later"),
     ("anything", "no", "no"), ("Yes, a person", "yes", "yes"), ("1", "unknown", "yes"), ("yes, a person please", "", "yes"),
     ("not now thanks", "", "later"), ("4", "", None), ("0", "", None), ("", "", None), ("yesterday", "", None),
     ("knowing", "", None), ("1 or 2", "", None)],
)  # fmt: skip
def test_which_answer_was_meant(text: str, payload: str, chosen: str | None) -> None:
    assert choice_in(text, payload, THREE) == chosen


@pytest.mark.parametrize("text", ["yes, a person please", "not now thanks", "I do not say yes"])
def test_where_a_guess_would_hurt_only_the_very_words_count(text: str) -> None:
    assert choice_in(text, "", THREE, exact=True) is None


def test_two_answers_that_both_stand_in_a_sentence_are_not_guessed_between() -> None:
    both = {"a": Choice("group"), "b": Choice("human")}
    assert choice_in("the group or the human", "", both) is None


@given(st.text(max_size=60), st.text(max_size=10))
def test_whatever_is_written_the_answer_is_one_that_was_offered_or_none(text: str, payload: str) -> None:
    for exact in (True, False):
        assert choice_in(text, payload, THREE, exact=exact) in {*THREE, None}


# The shipped questions


def questions() -> list[tuple[str, str, str]]:
    """(flow, key, language) of every text that offers answers; flow "" is the service."""
    bundle = shipped()
    found = [
        (flow, key, language)
        for language, flows in bundle.texts.items()
        for flow, texts in flows.items()
        for key, text in texts.items()
        if text.choices
    ]
    return found + [
        ("", key, language)
        for language, service in bundle.service.items()
        for key, text in service.texts.items()
        if text.choices
    ]


def choices(flow: str, key: str, language: str) -> dict[str, Choice]:
    bundle = shipped()
    texts = bundle.texts[language][flow] if flow else bundle.service[language].texts
    model = bundle.texts["en"][flow] if flow else bundle.service["en"].texts
    return {value: texts[key].choices[value] for value in model[key].choices}


@pytest.mark.parametrize(("flow", "key", "language"), questions())
def test_every_answer_is_understood_by_its_number_its_title_and_each_of_its_words(
    flow: str, key: str, language: str
) -> None:
    offered = choices(flow, key, language)
    wrong = []
    for number, (value, choice) in enumerate(offered.items(), start=1):
        for written in (str(number), choice.title, choice.title.upper(), *choice.also):
            if choice_in(written, "", offered, exact=True) != value:
                wrong.append((value, written))
    assert wrong == []


@pytest.mark.parametrize(("flow", "key", "language"), questions())
def test_no_two_answers_share_a_word(flow: str, key: str, language: str) -> None:
    owners: dict[str, set[str]] = {}
    for value, choice in choices(flow, key, language).items():
        for word in (choice.title, *choice.also):
            owners.setdefault(plain(word), set()).add(value)
    assert {word: values for word, values in owners.items() if len(values) > 1} == {}


def test_one_word_is_one_command_in_whatever_language() -> None:
    owners: dict[str, set[str]] = {}
    for service in shipped().service.values():
        for command, words in service.words.items():
            for word in words:
                owners.setdefault(plain(word), set()).add(command)
    assert {word: commands for word, commands in owners.items() if len(commands) > 1} == {}


@pytest.mark.parametrize(
    ("written", "value"),
    [("17", "teen"), ("i am 17", "teen"), ("١٧ سنة", "teen"), ("tengo 12 años", "child"), ("18", "adult"), ("99", "adult"),
     ("121", None), ("seventeen", None), ("16 or 17", None), ("2010-05-01", None), ("", None)],
)  # fmt: skip
def test_an_age_is_the_band_it_lies_in(written: str, value: str | None) -> None:
    assert range_in(written, {"child": (0, 12), "teen": (13, 17), "adult": (18, 120)}) == value
