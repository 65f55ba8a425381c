"""Long texts arrive whole, in pieces a phone can show, at a price we can foretell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.segments import (
    MAX_UNITS,
    Encoding,
    is_gsm7,
    own_words,
    sms_segments,
    split,
    to_gsm7,
)
from bot.vocabulary import Channel

_GSM, _UCS = Encoding.GSM7, Encoding.UCS2

_words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
_gaps = st.sampled_from([" ", "  ", ". ", "\n", "\n\n", "! ", "؟ ", ", ", "。"])
_texts = st.lists(st.tuples(_words, _gaps), max_size=120).map(lambda pairs: "".join(word + gap for word, gap in pairs))
_channels = st.sampled_from(Channel)


def _bare(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("text", "encoding", "segments", "units"),
    [
        ("", _GSM, 1, 0),
        ("a" * 160, _GSM, 1, 160),
        ("a" * 161, _GSM, 2, 161),
        ("a" * 306, _GSM, 2, 306),
        ("a" * 307, _GSM, 3, 307),
        ("€" * 80, _GSM, 1, 160),
        ("€" * 81, _GSM, 2, 162),
        ("a" * 152 + "€" + "a" * 152, _GSM, 3, 306),
        ("é" * 160, _GSM, 1, 160),
        ("ñ¿¡ü" * 40, _GSM, 1, 160),
        ("á", _UCS, 1, 1),
        ("ç", _UCS, 1, 1),
        ("я" * 70, _UCS, 1, 70),
        ("я" * 71, _UCS, 2, 71),
        ("я" * 134, _UCS, 2, 134),
        ("я" * 135, _UCS, 3, 135),
        ("😀" * 35, _UCS, 1, 70),
        ("😀" * 36, _UCS, 2, 72),
        ("я" * 66 + "😀" + "я" * 66, _UCS, 3, 134),
        ("a" * 159 + "’", _UCS, 3, 160),
    ],
)
def test_the_price_of_an_sms_is_known(text: str, encoding: Encoding, segments: int, units: int) -> None:
    counted = sms_segments(text)
    assert (counted.encoding, counted.segments, counted.units) == (encoding, segments, units)


@given(_texts, st.integers(0, 400))
def test_a_shorter_text_never_costs_more(text: str, length: int) -> None:
    assert sms_segments(text[:length]).segments <= sms_segments(text).segments


@given(_texts, _channels, st.integers(1, 8))
def test_nothing_a_person_should_read_is_lost_or_added(text: str, channel: Channel, most: int) -> None:
    assert _bare("".join(split(text, channel, max_segments=most))) == _bare(text)


@given(_texts, st.integers(1, 8))
def test_every_sms_keeps_to_its_segments(text: str, most: int) -> None:
    for piece in split(text, Channel.SMS, max_segments=most):
        assert sms_segments(piece).segments <= most


@given(_texts, _channels)
def test_every_piece_fits_the_providers_limit_and_is_not_blank(text: str, channel: Channel) -> None:
    for piece in split(text, channel, max_segments=40):
        assert len(piece.encode("utf-16-le")) // 2 <= MAX_UNITS < 1600
        assert piece == piece.strip() != ""


@given(st.lists(st.text("aé я€😀", min_size=1, max_size=12), max_size=200).map(" ".join))
def test_no_word_is_cut_that_need_not_be(text: str) -> None:
    pieces = split(text, Channel.SMS, max_segments=1)
    assert [word for piece in pieces for word in piece.split()] == text.split()


@given(_texts)
def test_what_fits_is_sent_as_it_is(text: str) -> None:
    if len(text) <= 700 and text.strip():
        assert split(text, Channel.WHATSAPP) == [text.strip()]


def test_a_blank_text_is_no_message() -> None:
    assert split(" \n\t ", Channel.WHATSAPP) == []


def test_paragraphs_stay_together_when_they_can() -> None:
    paragraph = "Una frase corta. " * 30
    pieces = split("\n\n".join([paragraph.strip()] * 6), Channel.WHATSAPP)
    assert all(piece.endswith("Una frase corta.") for piece in pieces)
    assert [piece.count("\n\n") for piece in pieces] == [1, 1, 1]


def test_a_paragraph_too_long_is_cut_between_sentences() -> None:
    text = "Esto es una frase «con citas.» " * 100
    assert all(piece.endswith("citas.»") for piece in split(text, Channel.WHATSAPP))


def test_a_phone_number_with_spaces_stays_in_one_message() -> None:
    for padding in range(120, 160):
        text = "x" * padding + " +963 11 234 5678 llame"
        pieces = split(text, Channel.SMS, max_segments=1)
        assert any("+963 11 234 5678" in piece for piece in pieces), padding


@pytest.mark.parametrize("character", ["e\u0301", "👩\u200d👩\u200d👧", "👍🏽", "🇨🇴", "नि", "ی\u200c"])
def test_a_visible_character_is_not_torn_apart(character: str) -> None:
    pieces = split(character * 400, Channel.SMS, max_segments=1)
    assert len(pieces) > 1
    assert all(len(piece) % len(character) == 0 for piece in pieces)


def test_even_one_endless_character_is_carried() -> None:
    endless = "e" + "\u0301" * 3000
    assert "".join(split(endless, Channel.SMS, max_segments=1)) == endless


def test_less_than_one_segment_is_no_limit_at_all() -> None:
    with pytest.raises(ValueError, match="max_segments"):
        split("hola", Channel.SMS, max_segments=0)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("“Hola” – dijo… ‘bien’", "\"Hola\" - dijo... 'bien'"),
        ("116\u00a0123", "116 123"),
        ("«Salut»\u202f!", '"Salut" !'),
        ("cafe\u0301", "café"),
        ("\u2066+57 300\u2069", "+57 300"),
        ("número", "número"),
        ("“más”", "“más”"),
        ("ça va…", "ça va…"),
        ("п’ять", "п’ять"),
        ("ya", "ya"),
    ],
)
def test_look_alikes_are_made_plain_only_where_that_saves_a_message(text: str, plain: str) -> None:
    assert to_gsm7(text) == plain


@given(_texts)
def test_made_plain_a_text_is_gsm7_or_untouched_and_keeps_every_letter(text: str) -> None:
    plain = to_gsm7(text)
    assert is_gsm7(plain) or plain == text
    assert to_gsm7(plain) == plain


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("¿Está más tranquilo? Sí, señor.", "¿Esta mas tranquilo? Si, señor."),
        ("Ça va, la sœur – « être »", 'Ça va, la soeur - " etre "'),
        ("hello", "hello"),
        ("Привіт, más", "Привіт, más"),
        ("مرحبا", "مرحبا"),
    ],
)
def test_our_own_words_go_without_accents_on_sms_where_that_makes_them_gsm7(text: str, sent: str) -> None:
    assert own_words(text, Channel.SMS) == sent
    assert own_words(text, Channel.WHATSAPP) == text
