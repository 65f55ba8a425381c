"""The list of help lines in a terminal: import, list, verify, suspend.

Owns: import_file(), print_list(), verify_line(), suspend_line().
May import: care, store, settings.
Start reading at: `print_list`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bot import clock
from bot.care import line_book
from bot.care.line_files import read_lines
from bot.settings import Settings
from bot.store import lines
from bot.terminal import open_database
from escalation.lines import HelpLine, LineState, LineStatus, VerifyMethod, days_left, state_of, why_not


async def import_file(settings: Settings, file: Path, *, by: str, replace: bool) -> None:
    """Take a file's lines into the list. Raises ContentError or LineError; then nothing was taken."""
    read = read_lines(file)
    async with open_database(settings) as database, database.transaction() as session:
        done = await line_book.import_lines(session, read, by=by, replace=replace)
    for line, what in done:
        without = "" if line.usable_contacts else "; no number yet, so it cannot be verified"
        print(f"{line.id:24} {what.value}{without}")
    print(f"{len(done)} lines read. Only lines that a human has checked are given: `harbour lines verify`.")


async def print_list(settings: Settings, country: str) -> None:
    """Every line, with status and days left, and what keeps it from being given."""
    async with open_database(settings) as database, database.transaction() as session:
        found = await lines.every(session, country)
    if not found:
        print("There are no lines. People are told that there is no checked number: `harbour lines import FILE`.")
        return
    today = clock.now().date()
    print(f"{'line':24} {'country':8} {'type':18} {'status':11} {'days left':10} {'next check':11} remark")
    for line in found:
        print(_row(line, today, settings))
        for one in line.conflicts:
            print(f"{'':24} {one.on} {one.field}: the list says {one.ours}, {one.source} says {one.theirs}")


def _row(line: HelpLine, today: date, settings: Settings) -> str:
    left = str(max(0, days_left(line, today, settings.line_days))) if line.status is LineStatus.ACTIVE else "-"
    due = line.next_check_due if line.status is LineStatus.ACTIVE else None
    remark = _remark(line, today, settings)
    return f"{line.id:24} {line.country:8} {line.type.value:18} {line.status.value:11} {left:10} {due or '-'!s:11} {remark}"


def _remark(line: HelpLine, today: date, settings: Settings) -> str:
    why = why_not(line, today, settings.line_days)
    if why:
        return f"not given: {line.suspended_for or why}"
    if line.may_call_police and not settings.line_police:
        return "not given: may call the police (HARBOUR_LINE_POLICE)"
    return "check it again" if state_of(line, today, settings.line_days) is LineState.DUE else ""


async def verify_line(
    settings: Settings, line_id: str, *, by: str, how: VerifyMethod, on: date | None, settled: bool
) -> None:
    """A human has checked this line. Raises LineError."""
    async with open_database(settings) as database, database.transaction() as session:
        line = await line_book.verify(session, line_id, by=by, how=how, on=on, settled=settled, days=settings.line_days)
    print(f"{line.id} may be given; the next check is due on {line.next_check_due}.")


async def suspend_line(settings: Settings, line_id: str, *, by: str, reason: str) -> None:
    """Nobody is given this line any more. Raises LineError."""
    async with open_database(settings) as database, database.transaction() as session:
        line = await line_book.suspend(session, line_id, by=by, reason=reason)
    print(f"{line.id} is suspended; workers stop giving it within five seconds.")
