"""Which language a first message is written in; and when in doubt, that there is doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.language import CODES, SURE, detect

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
