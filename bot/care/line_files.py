"""Reading help lines from a file of the organisation: YAML or CSV.

Owns: read_lines(), ReadLine.
May import: PyYAML, the package escalation's values, `bot.errors`.
Start reading at: `read_lines`.

Every value is taken as it is written, so a number in a file is never turned into another one.
A file says what a line is; whether it was checked is said by a human with `harbour lines verify`.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import yaml

from bot.errors import ContentError
from escalation.lines import (
    UNKNOWN,
    Audience,
    Cost,
    HelpLine,
    Hours,
    LineChannel,
    LineContact,
    LineType,
    SourceKind,
    Span,
)

LONGEST_NAME = 40
_FLAGS = ("anonymous", "accessible_for_deaf", "migrants_ok", "id_required", "may_call_police")
_NEEDED = ("id", "country", "name", "operator", "type", "contacts", "languages", "hours", "source_url", "source_kind")
_KEYS = {*_NEEDED, *_FLAGS, "admin1", "audience"}
_CONTACT_KEYS = {"channel", "value", "dial_note", "cost", "callable_from_abroad", "works_without_sim"}
_BY_A_HUMAN = {"status", "verified_on", "verified_by", "verify_method", "next_check_due", "conflicts"}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALWAYS, _CLOSED = "24/7", "closed"
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_TIMES = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)")
_JOINER = "\u200c"

_E = TypeVar("_E", bound=Enum)
_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class ReadLine:
    """One line, and where in the file it stands ("FILE:LINE")."""

    where: str
    line: HelpLine


@dataclasses.dataclass(frozen=True)
class _Entry:
    """One entry of a file: its values as they are written, its line, and the line of each value."""

    values: Mapping[str, Any]
    at: int
    lines: Mapping[str, int] = dataclasses.field(default_factory=dict)


class _WrongError(Exception):
    """What is wrong with one value, and how to mend it."""


def read_lines(path: Path) -> list[ReadLine]:
    """All lines of a `.yml`, `.yaml` or `.csv` file, none of them verified.

    Raises ContentError with every mistake: file, line, what is wrong and how to mend it. With one
    mistake anywhere nothing is read.
    """
    try:
        written = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(f"{path}: cannot be read as UTF-8 text; check the name and how it was saved.") from error
    entries = _csv_entries if path.suffix.lower() == ".csv" else _yaml_entries
    mistakes: list[str] = []
    found: list[ReadLine] = []
    known: dict[str, int] = {}
    for entry in entries(path, written):
        line, wrong = _read(entry)
        mistakes += [f"{path}:{at}: {sentence}" for at, sentence in wrong]
        if line is None:
            continue
        if line.id in known:
            mistakes.append(f'{path}:{entry.at}: "{line.id}" stands in line {known[line.id]} too; keep one of the two')
        known[line.id] = entry.at
        found.append(ReadLine(f"{path}:{entry.at}", line))
    if mistakes:
        raise ContentError("\n".join([*mistakes, "Nothing was imported."]))
    return found


# From file to entries


def _yaml_entries(path: Path, written: str) -> Iterator[_Entry]:
    try:
        root = yaml.compose(written, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ContentError(f"{path}:{line}: this is no YAML: {error.problem}. Nothing was imported.") from error
    listed = _child(root, "lines")
    if not isinstance(listed, yaml.SequenceNode):
        raise ContentError(f"{path}:1: there is no list `lines:`; write one, with an entry for each line.")
    for node in listed.value:
        at = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            raise ContentError(f"{path}:{at}: this entry has no keys; write `id:`, `country:` and so on.")
        lines = {key.value: key.start_mark.line + 1 for key, _ in node.value}
        yield _Entry(_plain(path, node), at, lines)


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _plain(path: Path, node: yaml.Node) -> Any:
    """A node as strings, lists and mappings: no value is interpreted."""
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(path, item) for item in node.value]
    found: dict[str, Any] = {}
    for key, value in node.value:
        if key.value in found:
            raise ContentError(f'{path}:{key.start_mark.line + 1}: "{key.value}" stands here twice; keep one.')
        found[key.value] = _plain(path, value)
    return found


def _csv_entries(path: Path, written: str) -> Iterator[_Entry]:
    reader = csv.DictReader(io.StringIO(written), restkey="", strict=True)
    try:
        for row in reader:
            if "" in row:
                raise ContentError(f"{path}:{reader.line_num}: more values than columns; put texts in quotes.")
            yield _Entry(_from_row({key: value.strip() for key, value in row.items() if value}), reader.line_num)
    except csv.Error as error:
        raise ContentError(f"{path}:{reader.line_num}: this is no CSV: {error}. Nothing was imported.") from error


def _from_row(row: dict[str, str]) -> dict[str, Any]:
    """A row as an entry of YAML would be: one column for each language's name and each way to reach a line."""
    more = {
        key: row.pop(key) for key in ("dial_note", "cost", "works_without_sim", "callable_from_abroad") if key in row
    }
    ways = [
        {"channel": way.value, "value": row.pop(way.value), **(more if way is LineChannel.PHONE else {})}
        for way in LineChannel
        if way.value in row
    ]
    hours = {key: row.pop(key) for key in ("tz", "weekly", "exceptions") if key in row}
    names = {key.removeprefix("name_"): row.pop(key) for key in list(row) if key.startswith("name_")}
    languages = row.pop("languages", "").replace(";", " ").split()
    parts: dict[str, Any] = {"name": names, "contacts": ways, "languages": languages, "hours": hours}
    return {**row, **{key: part for key, part in parts.items() if part}}


# From entry to line


def _read(entry: _Entry) -> tuple[HelpLine | None, list[tuple[int, str]]]:
    values, wrong = entry.values, []

    def take(key: str, read: Callable[[Any], _T], otherwise: Any = None) -> Any:
        if key not in values:
            return otherwise
        try:
            return read(values[key])
        except _WrongError as error:
            wrong.append((entry.lines.get(key, entry.at), f"{key}: {error}"))
            return otherwise

    for key in values:
        if key not in _KEYS:
            wrong.append((entry.lines.get(key, entry.at), _unknown(key)))
    for key in _NEEDED:
        if key not in values:
            wrong.append((entry.at, f"{key} is missing; write it"))
    given = {
        "id": take("id", _matching(_ID, "small letters, digits and dashes, for example xx-support")),
        "country": take("country", _country),
        "admin1": take("admin1", _text, ""),
        "name": take("name", _names),
        "operator": take("operator", _text),
        "type": take("type", _one_of(LineType)),
        "contacts": take("contacts", _contacts),
        "languages": take("languages", _languages),
        "hours": take("hours", _hours),
        "audience": take("audience", _one_of(Audience), Audience.EVERYONE),
        **{flag: take(flag, _flag) for flag in _FLAGS},
        "source_url": take(
            "source_url", _matching(re.compile(r"https?://\S+"), "an address that begins with https://")
        ),
        "source_kind": take("source_kind", _one_of(SourceKind)),
    }
    return (None if wrong else HelpLine(**given)), wrong


def _unknown(key: str) -> str:
    if key in _BY_A_HUMAN:
        return f"a file cannot say {key}; take it out, and use `harbour lines verify` after a human has checked"
    return f'"{key}" is no key of a line; mend it or take it out (known: {", ".join(sorted(_KEYS))})'


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _WrongError("this must be a text")
    if any(unicodedata.category(sign).startswith("C") and sign != _JOINER for sign in value):
        raise _WrongError("there is an invisible sign or a line break in it; write it anew by hand")
    return value.strip()


def _matching(form: re.Pattern[str], wanted: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if form.fullmatch(_text(value)) is None:
            raise _WrongError(f'"{value}" is not {wanted}')
        return _text(value)

    return read


def _country(value: Any) -> str:
    return _matching(re.compile(r"[A-Za-z]{2}"), "a country's two letters (ISO 3166), for example XX")(value).upper()


def _one_of(kind: type[_E]) -> Callable[[Any], _E]:
    def read(value: Any) -> _E:
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(one.value for one in kind)
            raise _WrongError(f'"{value}" is not known; write one of {known}') from None

    return read


def _flag(value: Any) -> bool:
    if value not in ("yes", "no", "true", "false"):
        raise _WrongError(f'"{value}" is neither yes nor no; leave it out when nobody knows')
    return value in ("yes", "true")


def _names(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise _WrongError('write the name by language, for example {en: "Support line"}')
    for language, name in value.items():
        if not _LANGUAGE.fullmatch(language):
            raise _WrongError(f'"{language}" is no language code; write en, ar and so on')
        if len(_text(name)) > LONGEST_NAME:
            raise _WrongError(
                f'"{name}" has {len(name)} characters; {LONGEST_NAME} is the most, or an SMS gets too long'
            )
    return {language: _text(name) for language, name in value.items()}


def _languages(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _WrongError("write the languages in which somebody answers, for example [en, ar]")
    return tuple(_matching(_LANGUAGE, "a language code such as en or ar")(one) for one in value)


def _contacts(value: Any) -> tuple[LineContact, ...]:
    if not isinstance(value, list) or not value:
        raise _WrongError("write at least one, with channel and value")
    return tuple(_contact(one) for one in value)


def _contact(value: Any) -> LineContact:
    if not isinstance(value, dict) or not {"channel", "value"} <= set(value) <= _CONTACT_KEYS:
        raise _WrongError(f"each needs channel and value, and may have {', '.join(sorted(_CONTACT_KEYS))}")
    found = LineContact(
        channel=_one_of(LineChannel)(value["channel"]),
        value=_text(value["value"]),
        dial_note=value.get("dial_note", ""),
        cost=_one_of(Cost)(value["cost"]) if value.get("cost") else None,
        callable_from_abroad=_flag(value["callable_from_abroad"]) if "callable_from_abroad" in value else None,
        works_without_sim=_flag(value["works_without_sim"]) if "works_without_sim" in value else None,
    )
    if not found.usable and found.value != UNKNOWN:
        raise _WrongError(
            f'"{found.value}" cannot be dialled or opened as it stands; write the number alone, in the digits 0-9'
            f" (https://… for webchat), put words in dial_note, or write {UNKNOWN} when nobody knows it"
        )
    return found


# Hours


def _hours(value: Any) -> Hours:
    if value == _ALWAYS:
        return Hours(ZoneInfo("UTC"), always=True)
    if not isinstance(value, dict) or not {"tz", "weekly"} <= set(value) <= {"tz", "weekly", "exceptions"}:
        raise _WrongError(f"write {_ALWAYS}, or tz and weekly, and exceptions if there are any")
    zone, exceptions = _zone(value["tz"]), _exceptions(value.get("exceptions", {}))
    if value["weekly"] == _ALWAYS:
        return Hours(zone, always=True, exceptions=exceptions)
    return Hours(zone, weekly=_weekly(value["weekly"]), exceptions=exceptions)


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(_text(value))
    except (OSError, ValueError, KeyError):
        raise _WrongError(f'"{value}" is no time zone; write an IANA name such as Africa/Lagos') from None


def _weekly(value: Any) -> tuple[tuple[Span, ...], ...]:
    """From "mon-fri 08:00-18:00; sat 09:00-12:00", or the same as a list."""
    parts = value if isinstance(value, list) else str(value).split(";")
    week: list[list[Span]] = [[] for _ in _DAYS]
    for part in parts:
        days, _, times = str(part).strip().partition(" ")
        for day in _days(days):
            week[day].append(_span(times))
    return tuple(tuple(day) for day in week)


def _days(value: str) -> list[int]:
    first, _, last = value.lower().partition("-")
    if first not in _DAYS or (last or first) not in _DAYS:
        raise _WrongError(f'"{value}" is no day; write for example mon-fri 08:00-18:00; sat 09:00-12:00')
    begin, end = _DAYS.index(first), _DAYS.index(last or first)
    return [day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1)]


def _span(value: str) -> Span:
    found = _TIMES.fullmatch(value.strip())
    if found is None:
        raise _WrongError(
            f'"{value.strip()}" are no times; write for example 08:00-18:00, or 20:00-06:00 over midnight'
        )
    opens, closes = (int(found[at]) * 60 + int(found[at + 1]) for at in (1, 3))
    if max(opens, closes) > 24 * 60 or opens in (closes, 24 * 60):
        raise _WrongError(f'"{value.strip()}" is no time in which anybody answers; for the whole day write 00:00-24:00')
    return Span(opens, closes)


def _exceptions(value: Any) -> dict[date, tuple[Span, ...]]:
    """From {2026-12-25: closed}, or "2026-12-25 closed; 2026-12-26 10:00-12:00"."""
    if isinstance(value, str):
        value = dict((part.strip() + " ").split(" ", 1) for part in value.split(";") if part.strip())
    if not isinstance(value, dict):
        raise _WrongError("write exceptions by date, for example 2026-12-25: closed")
    return {_date(day): () if str(times).strip() == _CLOSED else (_span(str(times)),) for day, times in value.items()}


def _date(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise _WrongError(f'"{value}" is no date; write year-month-day, for example 2026-12-25') from None
