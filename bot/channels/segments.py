"""How long a message may be, and where to cut one that is longer.

Owns: sms_segments, to_gsm7, own_words, split.
May import: bot.vocabulary.
Start reading at: `split`.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterator
from enum import StrEnum

from bot.vocabulary import Channel

MAX_UNITS = 1500
"""UTF-16 units per message. Twilio's limit is 1600 on every channel (error 21617); the rest is
margin. WhatsApp itself would carry 4096."""

_GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")

_LOOK_ALIKES = str.maketrans(
    {
        # single quotes, prime, accents standing alone, letter apostrophe
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`\u02bc", "'"),
        # double quotes, guillemets, double prime
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
        # hyphens, dashes, minus, bullet
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022", "-"),
        # tab, no-break and other wide or narrow spaces
        **dict.fromkeys("\t\u00a0\u1680\u202f\u205f\u3000", " "),
        **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
        # zero-width and direction marks, soft hyphen, byte-order mark
        **dict.fromkeys(map(chr, [*range(0x200B, 0x2010), *range(0x2066, 0x206A)]), ""),
        **dict.fromkeys("\u00ad\u2060\u202a\u202b\u202c\ufeff", ""),
        "\u2026": "...",
        "\u2028": "\n",
        "\u2029": "\n",
    }
)


_LIGATURES = {"œ": "oe", "Œ": "OE"}


class Encoding(StrEnum):
    """How an SMS travels: 7 bits a character, or 16 as soon as one character needs them."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclasses.dataclass(frozen=True)
class Segments:
    """What an SMS costs. `units` are septets (GSM-7) or 16-bit units (UCS-2)."""

    encoding: Encoding
    segments: int
    units: int


def sms_segments(text: str) -> Segments:
    """Count the segments of one SMS: 160 or 70 units if it is one, else 153 or 67 each.

    GSM 03.38: the characters ``^{}\\[~]|€`` and form feed take two septets. A character of two
    units is never cut between two segments, so it may leave the last unit of one empty.
    """
    if is_gsm7(text):
        return _count(Encoding.GSM7, (2 if c in _GSM7_EXTENSION else 1 for c in text), 160, 153)
    return _count(Encoding.UCS2, (2 if ord(c) > 0xFFFF else 1 for c in text), 70, 67)


def is_gsm7(text: str) -> bool:
    """Whether every character is in the GSM-7 default alphabet or its extension."""
    return all(c in _GSM7_BASIC or c in _GSM7_EXTENSION for c in text)


def to_gsm7(text: str) -> str:
    """`text` with typographic look-alikes made plain, if that makes all of it GSM-7.

    Curly quotes, dashes, ellipses, special spaces and invisible marks are swapped; letters never
    are, so "más" stays "más" and, as it needs UCS-2 anyway, so does everything around it.
    """
    plain = unicodedata.normalize("NFC", text).translate(_LOOK_ALIKES)
    return plain if is_gsm7(plain) else text


def own_words(text: str, channel: Channel) -> str:
    """One of our own texts as it travels best: on SMS without accents where that makes all of it GSM-7.

    "más" becomes "mas" then, as people write it on SMS, since one "á" would halve what a segment
    holds. For our texts only: what a counsellor writes keeps its letters.
    """
    if channel is not Channel.SMS:
        return text
    plain = unicodedata.normalize("NFC", text).translate(_LOOK_ALIKES)
    bare = "".join(c if is_gsm7(c) else _LIGATURES.get(c) or unicodedata.normalize("NFD", c)[0] for c in plain)
    return bare if is_gsm7(bare) else text


def own_sms_size(text: str) -> tuple[int, bool]:
    """How many segments one of our own texts takes on SMS, and whether it needs UCS-2."""
    size = sms_segments(own_words(text, Channel.SMS))
    return size.segments, size.encoding is Encoding.UCS2


def split(text: str, channel: Channel, *, max_segments: int = 6) -> list[str]:
    """Cut `text` into messages that the channel can carry, in order.

    It is cut between paragraphs where that leaves fair pieces, else between lines, sentences or
    words (not inside a spaced-out phone number if it can be helped), and only inside a word or a
    visible character that alone is too long. `max_segments` counts for SMS only. Whitespace at the
    cuts is dropped and nothing else is changed; a blank text gives no message.
    """
    if max_segments < 1:
        raise ValueError("max_segments must be at least 1")
    fits = _fitting(channel, max_segments)
    pieces = []
    rest = text.strip()
    while rest:
        cut = _cut(rest, _longest_prefix(rest, fits))
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return pieces


def _count(encoding: Encoding, widths: Iterator[int], single: int, part: int) -> Segments:
    total, segments, room = 0, 1, part
    for width in widths:
        if width > room:
            segments, room = segments + 1, part
        room -= width
        total += width
    return Segments(encoding, 1 if total <= single else segments, total)


def _fitting(channel: Channel, max_segments: int) -> Callable[[str], bool]:
    if channel is Channel.SMS:
        return lambda piece: sms_segments(piece).segments <= max_segments and _utf16(piece) <= MAX_UNITS
    return lambda piece: _utf16(piece) <= MAX_UNITS


def _utf16(text: str) -> int:
    return len(text) + sum(c > "\uffff" for c in text)


def _longest_prefix(text: str, fits: Callable[[str], bool]) -> int:
    """The largest n for which the first n characters fit; at least 1. `fits` is monotone."""
    low, high = 1, min(len(text), MAX_UNITS)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(text[:middle]):
            low = middle
        else:
            high = middle - 1
    return low


_AHEAD = 64  # how far beyond the room to look, to see what a gap at its end stands between

# Ellipsis, Arabic question mark and full stop, danda; closing quotes; CJK stops need no space.
_STOPS = ".!?\u2026\u061f\u06d4\u0964"
_CLOSERS = "\"'\u201d\u2019\u00bb)\\]"
_WIDE_STOPS = "\u3002\uff01\uff1f"

# Where to cut, best first, and how much of the room must be filled for it to be worth it.
_PLACES = (
    (re.compile(r"(?P<gap>\n[^\S\n]*\n\s*)"), 0.3),
    (re.compile(r"(?P<gap>\n\s*)"), 0.3),
    (re.compile(rf"(?:[{_STOPS}][{_CLOSERS}]*(?=\s)|[{_WIDE_STOPS}])(?P<gap>\s*)"), 0.3),
    (re.compile(r"(?P<gap>(?<![\d+\s])\s+|(?<!\s)\s++(?![\d(]))"), 0.3),
    (re.compile(r"(?P<gap>\s+)"), 0.0),
)


def _cut(text: str, longest: int) -> int:
    """Where the first piece ends: at a gap, or else somewhere in the first `longest` characters."""
    if longest == len(text):
        return longest
    nearby = text[: longest + _AHEAD]
    for place, filled in _PLACES:
        cuts = (found.start("gap") for found in place.finditer(nearby))
        good = [cut for cut in cuts if max(1.0, filled * longest) <= cut <= longest]
        if good:
            return good[-1]
    return _between_characters(text, longest)


def _between_characters(text: str, longest: int) -> int:
    for cut in range(longest, 0, -1):
        if not _belongs_together(text, cut):
            return cut
    return longest


def _belongs_together(text: str, cut: int) -> bool:
    """Whether a cut here would tear one visible character apart (an approximation of UAX 29)."""
    before, after = text[cut - 1], text[cut]
    if _extends(after) or before == "\u200d" or (before, after) == ("\r", "\n"):
        return True
    return _is_flag_half(after) and _flag_halves_before(text, cut) % 2 == 1


def _extends(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or character in "\u200c\u200d"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, cut: int) -> int:
    start = cut
    while start > 0 and _is_flag_half(text[start - 1]):
        start -= 1
    return cut - start
