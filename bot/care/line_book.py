"""Keeping the list of help lines: import, verify, suspend. Each act is written to the audit table.

Owns: import_lines(), verify(), suspend(), LineError.
May import: store, and below.
Start reading at: `import_lines`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import Enum

from bot import clock
from bot.care.line_files import ReadLine
from bot.errors import HarbourError
from bot.store import lines
from bot.store.database import Session
from escalation.lines import (
    CHECK_EVERY,
    VALID_DAYS,
    HelpLine,
    LineChannel,
    LineConflict,
    LineStatus,
    VerifyMethod,
    days_left,
)

# What may change without anybody asking which of two sources is right.
_ONLY_WORDS = frozenset({"name", "source_url", "source_kind"})
_NOT_DIALLED = re.compile(r"[^0-9+*#]")


class LineError(HarbourError):
    """An act on a help line that its state does not allow."""

    code = "help_line"
    status = 409


class Imported(str, Enum):
    """What became of one line of a file."""

    NEW = "new, unverified"
    SAME = "as it was"
    REWORDED = "name or source changed"
    SUSPENDED = "suspended: the file says something else"
    REPLACED = "replaced, unverified"


async def import_lines(
    session: Session, read: Sequence[ReadLine], *, by: str, replace: bool = False
) -> list[tuple[HelpLine, Imported]]:
    """Take lines into the list, unverified. A line that is there and is said to be otherwise is
    suspended and keeps both versions, so that a human finds out which is right; with `replace` the
    file's is taken, unverified. Raises LineError when one number belongs to two lines.
    """
    known = {line.id: line for line in await lines.every(session)}
    _refuse_shared_numbers(known.values(), read)
    done = []
    for one in read:
        line, what = _taken(known.get(one.line.id), one, replace)
        if what is not Imported.SAME:
            await lines.save(session, line)
            await lines.audit(session, by, line.id, f"imported, {what.value}")
        done.append((line, what))
    return done


def _taken(known: HelpLine | None, read: ReadLine, replace: bool) -> tuple[HelpLine, Imported]:
    if known is None:
        return read.line, Imported.NEW
    ours, theirs = _described(known), _described(read.line)
    other = [key for key in ours if ours[key] != theirs[key]]
    if not other:
        return known, Imported.SAME
    if replace:
        return read.line, Imported.REPLACED
    words = {key: getattr(read.line, key) for key in _ONLY_WORDS}
    disagree = [key for key in other if key not in _ONLY_WORDS]
    if not disagree:
        return dataclasses.replace(known, **words), Imported.REWORDED
    today = clock.now().date()
    seen = {(one.field, one.theirs) for one in known.conflicts}
    more = tuple(
        LineConflict(key, ours[key], theirs[key], read.where, today)
        for key in disagree
        if (key, theirs[key]) not in seen
    )
    suspended = dataclasses.replace(known, status=LineStatus.SUSPENDED, conflicts=(*known.conflicts, *more))
    return suspended, Imported.SUSPENDED


def _described(line: HelpLine) -> dict[str, str]:
    said = {"country": line.country, **lines.describe(line)}
    return {key: json.dumps(value, ensure_ascii=False, sort_keys=True) for key, value in said.items()}


def _refuse_shared_numbers(known: Iterable[HelpLine], read: Sequence[ReadLine]) -> None:
    """Two lines with one number are one line, or one of them is wrong."""
    owners = {number: line.id for line in known for number in _numbers(line)}
    wrong = []
    for one in read:
        for number in _numbers(one.line):
            owner = owners.setdefault(number, one.line.id)
            if owner != one.line.id:
                wrong.append(f'{one.where}: "{one.line.id}" has a number of "{owner}"; use that id, or mend the number')
    if wrong:
        raise LineError("\n".join([*dict.fromkeys(wrong), "Nothing was imported."]))


def _numbers(line: HelpLine) -> set[tuple[str, str]]:
    called = [one for one in line.usable_contacts if one.channel is not LineChannel.WEBCHAT]
    return {(line.country, _NOT_DIALLED.sub("", one.value)) for one in called}


async def verify(
    session: Session,
    line_id: str,
    *,
    by: str,
    how: VerifyMethod,
    on: date | None = None,
    settled: bool = False,
    days: int = VALID_DAYS,
) -> HelpLine:
    """A human has checked a line: it may be given from now on. `settled` says that the check showed
    the list to be right where sources disagreed. Raises LineError."""
    line, today = await _found(session, line_id), clock.now().date()
    checked = on or today
    problem = _cannot_verify(line, by, how, checked, settled)
    if checked > today:
        problem = f"{checked} is in the future; give the day on which it was checked."
    active = dataclasses.replace(
        line,
        status=LineStatus.ACTIVE,
        verified_on=checked,
        verified_by=by.strip(),
        verify_method=how,
        next_check_due=checked + timedelta(days=min(CHECK_EVERY, days)),
        suspended_for="",
        suspended_on=None,
        conflicts=(),
    )
    if days_left(active, today, days) < 0:
        problem = f"A check of {checked} is older than {days} days and no longer counts; check it again."
    if problem:
        raise LineError(problem)
    await lines.save(session, active)
    because = ", the disagreement settled" if line.conflicts else ""
    await lines.audit(session, by.strip(), line.id, f"verified, {how.value}, on {checked}{because}")
    return active


def _cannot_verify(line: HelpLine, by: str, how: VerifyMethod, checked: date, settled: bool) -> str:
    stopped = max((one.on for one in line.conflicts), default=line.suspended_on)
    if not by.strip():
        return "Say who checked it: --by NAME."
    if how is VerifyMethod.WEB:
        return "What a web page says is not enough: call or text the line, or have its operator write to you."
    if not line.usable_contacts:
        return f'"{line.id}" has no number that can be used; import it with one (--replace) first.'
    if line.conflicts and not settled:
        fields = ", ".join(dict.fromkeys(one.field for one in line.conflicts))
        return (
            f'Sources disagree on "{line.id}" ({fields}; see `harbour lines list`). If the check showed that the list'
            " is right, add --settled; if the file is right, import it with --replace and verify then."
        )
    if stopped is not None and checked < stopped:
        return f'"{line.id}" was suspended on {stopped}; a check from before does not lift that. Check it again.'
    return ""


async def suspend(session: Session, line_id: str, *, by: str, reason: str) -> HelpLine:
    """From now on nobody is given this line. Raises LineError."""
    line = await _found(session, line_id)
    if not by.strip() or not reason.strip():
        raise LineError("Say who suspends it and why: --by NAME --reason WHY.")
    stopped = dataclasses.replace(
        line, status=LineStatus.SUSPENDED, suspended_for=reason.strip(), suspended_on=clock.now().date()
    )
    await lines.save(session, stopped)
    await lines.audit(session, by.strip(), line.id, f"suspended: {reason.strip()}")
    return stopped


async def _found(session: Session, line_id: str) -> HelpLine:
    line = await lines.one(session, line_id)
    if line is None:
        raise LineError(f'There is no line "{line_id}"; see `harbour lines list`.')
    return line
