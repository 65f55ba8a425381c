"""Every piece of writing in a message is screened, and a broken lexicon never goes unnoticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.conversation.screening import load_screener, screen, signals_json
from bot.errors import ContentError
from bot.vocabulary import Address, Channel, InboundMessage, Location, Media
from escalation import RiskLevel
from tests.world import screener

TONIGHT = "i want to kill myself tonight"
SENDER = Address(Channel.SMS, "+1")


def message(**parts: object) -> InboundMessage:
    return InboundMessage(Channel.SMS, "SM1", SENDER, "+2", **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "parts",
    [
        {"text": TONIGHT},
        {"button_title": TONIGHT},
        {"text": "hello", "button_title": TONIGHT},
        {"location": Location(1, 2, TONIGHT)},
        {"text": TONIGHT, "media": (Media("https://m.example/1", "audio/ogg"),)},
        {"text": TONIGHT, "forwarded": True},
    ],
)
def test_danger_is_found_wherever_it_is_written(parts: dict[str, object]) -> None:
    assert screen(screener(), message(**parts)).level is RiskLevel.IMMINENT


def test_a_voice_note_is_watched_and_an_empty_message_is_nothing() -> None:
    voice = message(media=(Media("https://m.example/1", "audio/ogg"),))
    assert screen(screener(), voice).level is RiskLevel.WATCH
    assert screen(screener(), message()).level is RiskLevel.NONE


def test_what_was_known_before_is_never_lowered() -> None:
    assert screen(screener(), message(text="hello"), [RiskLevel.HIGH, RiskLevel.WATCH]).level is RiskLevel.HIGH


def test_the_signs_can_be_stored_and_show_the_words_to_the_counsellor() -> None:
    signs = json.loads(json.dumps(signals_json(screen(screener(), message(text=TONIGHT)))))
    assert any("kill myself" in sign["matched"] for sign in signs)
    assert all(sign["category"].startswith("R") for sign in signs)


def test_without_a_lexicon_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="without one nobody is screened"):
        load_screener(tmp_path)


@pytest.mark.parametrize("text", ["language: en\nentries: 5\n", "a: [", "", "- x\n"])
def test_a_broken_lexicon_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "en.yml").write_text(text)
    with pytest.raises(ContentError, match="cannot be used"):
        load_screener(tmp_path)
