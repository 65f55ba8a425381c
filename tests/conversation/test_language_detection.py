"""Which language a first message is written in; and when in doubt, that there is doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.language import CODES, SURE, detect, settled

KNOWN = [
    ("en", "hello I need help"), ("en", "can someone talk to me"), ("en", "Where is the clinic?"), ("en", "good morning"),
    ("es", "hola necesito ayuda"), ("es", "buenas tardes, ¿dónde hay comida?"), ("es", "quiero hablar con alguien"),
    ("fr", "bonjour je voudrais parler avec quelqu'un"), ("fr", "J’ai besoin d’aide svp"), ("fr", "je suis perdu"),
    ("ar", "مرحبا"), ("ar", "أحتاج مساعدة من فضلكم"), ("ar", "mar7aba kifak"), ("ar", "bdi e7ki ma3 7ada"),
    ("uk", "Доброго дня, потрібна допомога"), ("uk", "мені дуже погано"), ("uk", "є тут хто?"),
    ("ru", "Здравствуйте"), ("ru", "помогите пожалуйста"), ("ru", "мне очень плохо"), ("ru", "это бот?"),
]  # fmt: skip
UNSURE = ["", "   ", "?", "12345", "👋🙏", "ok", "Anna", "де", "мама", "группа", "ሰላም", "नमस्ते", "你好"]
UKRAINIAN = ["Привіт", "допомога", "я з Харкова, де поїсти?", "їсти", "ґанок", "дякую", "потрібен лікар, терміново"]


@pytest.mark.parametrize(("language", "text"), KNOWN)
def test_a_clear_message_is_known(language: str, text: str) -> None:
    found = detect(text)
    assert found.language == language
    assert found.confidence >= SURE


@pytest.mark.parametrize("text", UNSURE)
def test_an_unclear_message_is_not_guessed(text: str) -> None:
    assert detect(text).language is None


@pytest.mark.parametrize("text", UKRAINIAN)
def test_ukrainian_is_ukrainian(text: str) -> None:
    assert detect(text).language == "uk"


def test_ukrainian_with_russian_words_in_it_is_never_russian() -> None:
    assert detect("привіт, спасибо").language != "ru"
    assert detect("слухаю пісню, класний трек, плохо").language != "ru"


@given(st.text())
def test_whatever_is_written_there_is_an_answer_and_always_the_same(text: str) -> None:
    assert detect(text) == detect(text)
    assert detect(text).language in {None, *CODES}


@pytest.mark.parametrize("text", ["je ne veux pas vivre", "no quiero vivir así", "I do not want to live like this"])
def test_the_same_message_is_known_the_same_way_every_time(text: str) -> None:
    assert len({detect(text) for _ in range(20)}) == 1


def test_what_the_contact_speaks_decides_between_ukrainian_and_russian_only_when_the_text_does_not() -> None:
    assert detect("мама", known="uk").language == "uk"
    assert detect("мама", known="ru").language == "ru"
    assert detect("допоможіть мені", known="ru").language == "uk"


SPOKEN = ("en", "es", "fr", "ar", "uk", "ru")


def test_one_message_in_another_language_changes_nothing_and_two_do() -> None:
    language, other = settled("en", None, "necesito hablar con alguien", SPOKEN)
    assert (language, other) == ("en", "es")
    assert settled("en", other, "no puedo dormir por la noche", SPOKEN) == ("es", None)


@pytest.mark.parametrize("between", ["i cannot sleep at night", "je ne peux pas dormir"])
def test_two_messages_that_do_not_agree_change_nothing(between: str) -> None:
    _, other = settled("en", "es", between, SPOKEN)
    assert settled("en", other, "necesito hablar con alguien", SPOKEN) == ("en", "es")


@pytest.mark.parametrize("text", ["hola", "gracias amiga", "12", "ok"])
def test_a_short_or_unsure_message_changes_nothing(text: str) -> None:
    assert settled("en", "es", text, SPOKEN) == ("en", "es")


@pytest.mark.parametrize("text", ["мне нужна помощь пожалуйста", "ninahitaji msaada wenu tafadhali"])
def test_ukrainian_does_not_give_way_to_russian_or_to_what_nobody_answers_in(text: str) -> None:
    assert settled("uk", None, text, SPOKEN) == ("uk", None)
