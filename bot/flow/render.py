"""From a Say to the words a person reads, in their language and for their channel.

Owns: render(), service_text(), choices_of().
May import: the standard library.
Start reading at: `render`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.flow.bundle import Bundle, Choice, Text
from bot.flow.state import Say

_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_AROUND_BREAKS = re.compile(r"[ \t]*\n[ \t]*")
_EMPTY_LINES = re.compile(r"\n{3,}")
FALLBACK = "en"


def text_of(bundle: Bundle, say: Say, language: str) -> Text:
    """The text behind `say`: the person's language, else English, which is always complete."""
    for code in (language, FALLBACK):
        texts = bundle.texts.get(code, {}).get(say.flow, {}) if say.flow else _service(bundle, code)
        if say.key in texts:
            return texts[say.key]
    raise KeyError(f"{say.flow}/{say.key}")


def choices_of(bundle: Bundle, say: Say, language: str) -> dict[str, Choice]:
    """The answers `say` offers, in the order they are shown."""
    if say.choices_from:
        given = say.slots.get(say.choices_from) or []
        return {str(one["value"]): Choice(str(one["title"])) for one in given}
    written = text_of(bundle, say, language).choices
    return {value: written[value] for value in say.choices}


def render(bundle: Bundle, say: Say, language: str, channel: str) -> str:
    """The words to send; offered answers become numbered lines."""
    text = text_of(bundle, say, language)
    body = fill(text.sms if channel == "sms" and text.sms else text.text, say.slots)
    titles = [choice.title for choice in choices_of(bundle, say, language).values()]
    lines = [f"{number}. {title}" for number, title in enumerate(titles, start=1)]
    return "\n".join([body, *lines])


def service_text(bundle: Bundle, key: str, language: str, channel: str, **values: Any) -> str:
    """A text of the service itself (outside any flow)."""
    return render(bundle, Say("", key, values), language, channel)


def fill(text: str, values: Mapping[str, Any]) -> str:
    """`text` with each {name} replaced by its value; an unset one by nothing. No code runs.

    A value may bring paragraphs of its own: no line is left with spaces at its ends, and never more
    than one is empty.
    """

    def value(found: re.Match[str]) -> str:
        given = values.get(found.group(1))
        return "" if given is None else str(given)

    return _EMPTY_LINES.sub("\n\n", _AROUND_BREAKS.sub("\n", _PLACE.sub(value, text))).strip()


def _service(bundle: Bundle, language: str) -> Mapping[str, Text]:
    service = bundle.service.get(language)
    return service.texts if service else {}
