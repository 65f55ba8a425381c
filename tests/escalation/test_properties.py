"""However a danger is typed, and whatever is said around it, it stays as serious.

Over every labelled message of level 3 or 4 that the lexicons find. What must hold always is searched
for a counterexample; what is known not to hold always is counted over all of them and may not fall
below the share that stands here, which lies just under what was measured (22 November 2026).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation import RiskLevel
from escalation.evaluation import Share
from tests import rewriting as typed
from tests.labelled import Danger, dangers
from tests.world import screener

Way = Callable[[str, random.Random], str]
ALWAYS: dict[str, Way] = {
    "in capitals": typed.upper,
    "in mixed case": typed.random_case,
    "with other spaces": typed.spacing,
    "without accents": typed.no_accents,
    "with Arabic digits": typed.other_digits("arabic"),
    "with Persian digits": typed.other_digits("persian"),
    "with Devanagari digits": typed.other_digits("devanagari"),
    "with emoji": typed.emoji,
}
# Measured: .954, 1.000, .998, .997, .999 (docs/safety.md).
TYPO, GREETED, THANKED, DENIED, ONE_MORE = 0.945, 0.998, 0.995, 0.993, 0.997


@cache
def serious() -> tuple[Danger, ...]:
    """Every message labelled 3 or 4 that is found as 3 or 4."""
    return tuple(d for d in dangers() if min(d.item.low, d.found.level) >= RiskLevel.HIGH)


def kept(pairs: Iterator[tuple[Danger, str]]) -> Share:
    """How many of these other texts are at least as serious as the messages they were made of."""
    results = [screener().assess(text).level >= danger.found.level for danger, text in pairs]
    return Share(sum(results), len(results))


def test_there_are_enough_messages_to_say_anything() -> None:
    assert len(serious()) > 900


@pytest.mark.parametrize("way", ALWAYS)
@settings(derandomize=True, max_examples=400)
@given(data=st.data())
def test_however_it_is_typed_it_is_as_serious(way: str, data: st.DataObject) -> None:
    danger = data.draw(st.sampled_from(serious()))
    text = ALWAYS[way](danger.item.text, random.Random(data.draw(st.integers(0, 2**16))))
    assert screener().assess(text).level >= danger.found.level, danger.item.id


def test_an_emoji_between_two_words_puts_them_no_farther_apart() -> None:
    (danger,) = (danger for danger in serious() if danger.item.id == "fr-d132")
    words = danger.item.text.split(" ")
    for at in range(1, len(words)):
        text = " ".join([*words[:at], "🖤", *words[at:]])
        assert screener().assess(text).level >= danger.found.level, at


def test_one_typing_error_in_a_long_word_is_nearly_always_forgiven() -> None:
    """Specification 7.3 step 11. What is missed: an error that makes another known word or another
    beginning of one, and words of which only the sound or a spelling is known."""
    chance = random.Random(1)
    pairs = [(danger, typed.typo(danger.item.text, chance)) for danger in serious() for _ in range(2)]
    share = kept((danger, text) for danger, text in pairs if text != danger.item.text)
    assert share.value >= TYPO, share


def around(way: Callable[[str, str, random.Random], str], languages: dict[str, tuple[str, ...]]) -> Share:
    """Every message with something said before or behind it, joined in each way."""
    chance = random.Random(1)
    those = [danger for danger in serious() if danger.item.language in languages]
    return kept((danger, way(danger.item.text, danger.item.language, chance)) for danger in those for _ in range(2))


def test_a_greeting_before_it_makes_nothing_less_serious() -> None:
    share = around(typed.greeted, typed.GREETINGS)
    assert share.value >= GREETED, share


def test_thanks_behind_it_make_nothing_less_serious() -> None:
    """Missed: a farewell that "have a nice day" turns into an everyday one."""
    share = around(typed.thanked, typed.THANKS)
    assert share.value >= THANKED, share


def test_a_denial_in_the_same_message_takes_nothing_back() -> None:
    """Missed: "it was a joke" where a lexicon takes that for a figure of speech, and phrases of two
    parts that find their second one in the denial."""
    share = around(typed.denied, typed.DENIALS)
    assert share.value >= DENIED, share


@pytest.mark.parametrize("name", ["ru-d062", "ru-d235", "ru-d003"])
def test_a_denial_denies_what_it_speaks_of_and_not_what_was_said_before_it(name: str) -> None:
    (danger,) = (danger for danger in serious() if danger.item.id == name)
    for denial in typed.DENIALS["ru"]:
        assert screener().assess(f"{danger.item.text}. {denial}").level >= danger.found.level


@settings(derandomize=True, max_examples=200)
@given(danger=st.sampled_from(serious()), data=st.data())
def test_a_denial_in_a_later_message_takes_nothing_back(danger: Danger, data: st.DataObject) -> None:
    denials = [denial for language in typed.DENIALS.values() for denial in language]
    later = screener().assess(data.draw(st.sampled_from(denials)), recent=[danger.found.level])
    assert later.level >= danger.found.level


def test_one_more_danger_makes_nothing_less_serious() -> None:
    chance = random.Random(1)
    pairs = []
    for danger in serious():
        others = [other for other in serious() if other.item.language == danger.item.language]
        pairs.append((danger, danger.item.text + chance.choice(typed.JOINS) + chance.choice(others).item.text))
    share = kept(iter(pairs))
    assert share.value >= ONE_MORE, share
