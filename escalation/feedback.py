"""How often alerts were right, told without telling a single person.

Purpose: from counts per language, category and rule to a table that may leave the room.
Owns: Verdict, COLUMNS, Counts, hidden, table.
May import: the standard library.
Start reading at: table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import Enum

ALERTS = "alerts"


class Verdict(str, Enum):
    """What a person found about the level of one message."""

    CONFIRMED = "confirmed"
    FALSE = "false"
    MISSED = "missed"


COLUMNS = (ALERTS, *(verdict.value for verdict in Verdict))
Key = tuple[str, str, str]
"""Language, category and rule."""
Counts = Mapping[Key, Mapping[str, int]]
"""How many messages of each column there are under each key; what is missing is 0."""
_ALL = "all"
_NOT_SHOWN = "·"
_HEAD = f"{'language':10}{'category':10}{'rule':16}" + "".join(f"{name:>11}" for name in COLUMNS)


def hidden(counts: Sequence[int], least: int, also: Collection[int] = ()) -> tuple[frozenset[int], bool]:
    """Which of `counts`, by position, may not be shown, and whether their sum may not either.

    A count from 1 to `least` - 1 is not shown, nor are those of `also`. So that the sum does not
    tell them, at least two are left out, and together they are at least `least`; the smallest
    others go with them. Where there are not enough, the sum is left out too.
    """
    out = {at for at, count in enumerate(counts) if 0 < count < least} | set(also)
    others = sorted((count, at) for at, count in enumerate(counts) if count and at not in out)
    while out and others and _tells(counts, out, least):
        out.add(others.pop(0)[1])
    return frozenset(out), bool(out) and _tells(counts, out, least)


def _tells(counts: Sequence[int], out: Collection[int], least: int) -> bool:
    return len(out) < 2 or sum(counts[at] for at in out) < least


def table(counts: Counts, least: int) -> Iterator[str]:
    """Lines to print: each key, the sum of each language, and of all; small numbers left out."""
    languages = {language: [key for key in sorted(counts) if key[0] == language] for language, _, _ in sorted(counts)}
    columns = {name: _column(counts, languages, name, least) for name in COLUMNS}
    yield _HEAD
    for language, keys in languages.items():
        for key in keys:
            yield _row(key, {name: columns[name][key] for name in COLUMNS})
        yield _row((language, _ALL, ""), {name: columns[name][language, _ALL, ""] for name in COLUMNS})
    yield _row((_ALL, "", ""), {name: columns[name][_ALL, "", ""] for name in COLUMNS})


def _column(counts: Counts, languages: Mapping[str, Sequence[Key]], name: str, least: int) -> dict[Key, int | None]:
    """Every number of one column, sums included; None for what is not shown."""
    shown: dict[Key, int | None] = {}
    sums, untold = [], []
    for at, (language, keys) in enumerate(languages.items()):
        cells = [counts[key].get(name, 0) for key in keys]
        out, sum_too = hidden(cells, least)
        shown |= {key: None if position in out else cells[position] for position, key in enumerate(keys)}
        shown[language, _ALL, ""] = sum(cells)
        sums.append(sum(cells))
        untold += [at] if sum_too else []
    out, sum_too = hidden(sums, least, untold)
    for at, (language, keys) in enumerate(languages.items()):
        if at in out:
            shown |= {(language, _ALL, ""): None, **_one_part_of(keys, shown)}
    shown[_ALL, "", ""] = None if sum_too else sum(sums)
    return shown


def _one_part_of(keys: Sequence[Key], shown: Mapping[Key, int | None]) -> dict[Key, None]:
    """A sum that is not shown must not follow from its parts: the smallest goes too, if none did yet."""
    if any(shown[key] is None for key in keys):
        return {}
    return {min((key for key in keys if shown[key]), key=lambda key: shown[key] or 0): None}


def _row(key: Key, cells: Mapping[str, int | None]) -> str:
    language, category, rule = key
    told = "".join(f"{_NOT_SHOWN if cells[name] is None else cells[name]:>11}" for name in COLUMNS)
    return f"{language:10}{category:10}{rule:16}{told}"
