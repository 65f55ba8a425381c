"""How well the language of a first message is known, on `first_messages/<language>.txt`.

Those messages were written before the detector was tuned and are not learnt from. `-s` prints the
table of docs/nlu.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.conversation.evaluate_language import Tally, measured, table
from bot.conversation.language import CODES

FOLDER = Path(__file__).parent / "first_messages"
SHORT = 3


def texts(language: str) -> list[str]:
    lines = (FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, bool], Tally]:
    return {
        (language, short): measured(
            [(language, text) for text in texts(language) if (len(text.split()) <= SHORT) is short]
        )
        for language in CODES
        for short in (True, False)
    }


@pytest.mark.parametrize("language", CODES)
def test_enough_was_written_of_each_language(language: str) -> None:
    written = texts(language)
    short = sum(len(text.split()) <= SHORT for text in written)
    assert len(set(written)) == len(written) >= 40
    assert short >= 18 and len(written) - short >= 14


@pytest.mark.parametrize("language", CODES)
def test_a_first_message_of_up_to_three_words_is_known(found: dict[tuple[str, bool], Tally], language: str) -> None:
    assert found[language, True].share("right") >= 0.8


@pytest.mark.parametrize("language", CODES)
def test_a_first_sentence_is_known(found: dict[tuple[str, bool], Tally], language: str) -> None:
    assert found[language, False].share("right") >= 0.9


def test_hardly_any_first_message_is_taken_for_another_language(found: dict[tuple[str, bool], Tally]) -> None:
    everything = sum((tally for tally in found.values()), Tally())
    print("\n" + "\n".join(table(everything)))
    assert everything.share("right") >= 0.95
    assert everything.share("wrong") <= 0.01


def test_no_ukrainian_first_message_is_taken_for_russian(found: dict[tuple[str, bool], Tally]) -> None:
    assert not (found["uk", True] + found["uk", False]).confused["uk", "ru"]
