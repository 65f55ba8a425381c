"""`harbour screen --replay`: what changed lexicons would have made of past messages.

Owns: replay(), differs(), Change.
May import: conversation, store, settings.
Start reading at: `replay`.

Each message is read alone, once with the lexicons in use and once with the changed ones: without
what the person wrote before, without the second reader and without check questions. So a level
here may be lower than the one that was recorded, and whatever differs is the lexicons' doing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from bot import clock
from bot.conversation.screening import Assessor, load_screener, screen
from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.store import assessments, cases
from bot.store.assessments import Past
from bot.store.database import Database
from bot.terminal import open_database
from escalation import Assessment, RiskLevel

_AT_ONCE = 500


@dataclasses.dataclass(frozen=True)
class Change:
    """One message that would have another level."""

    past: Past
    before: Assessment
    after: Assessment

    @property
    def falls_from_high(self) -> bool:
        """Whether danger that is found today would be found less, or no more."""
        return self.before.level >= RiskLevel.HIGH and self.after.level < self.before.level

    def __str__(self) -> str:
        """Its id, time, language, levels, categories and entries; nothing of what was written."""
        entries = [f"-{entry}" for entry in _entries(self.before) if entry not in _entries(self.after)]
        entries += [f"+{entry}" for entry in _entries(self.after) if entry not in _entries(self.before)]
        return (
            f"{self.past.id:<10} {self.past.at.astimezone():%Y-%m-%d %H:%M}  {self.past.language or '?':9}"
            f" {self.before.level:d} -> {self.after.level:d}   {_categories(self.before)} -> {_categories(self.after)}"
            f"   {' '.join(entries) or 'the same entries'}"
        )


def differs(past: Past, now: Assessor, changed: Assessor) -> Change | None:
    """How the level of this message changes; None if it does not."""
    assert past.message is not None
    before, after = (screen(one, past.message, minor=past.minor) for one in (now, changed))
    return Change(past, before, after) if before.level != after.level else None


async def replay(settings: Settings, folder: Path, *, days: int, by: str) -> int:
    """Print each changed level and a summary; 1 if any level of 3 or 4 falls, else 0.

    That messages were read is written to the audit table. Raises ContentError, ConfigurationError.
    """
    if days < 1:
        raise ConfigurationError("--days must be at least 1.")
    now, changed = load_screener(settings.lexicon_folder), load_screener(folder)
    found: list[Change] = []
    read = unopened = 0
    print(f"{'assessment':10} {'time':17} {'language':9} level    categories   entries")
    async with open_database(settings) as database:
        async with database.transaction() as session:
            await cases.audit(session, by, f"replayed the messages of {days} days", None)
        async for past in _past(database, days):
            read += past.message is not None
            unopened += past.message is None
            change = differs(past, now, changed) if past.message else None
            if change is not None:
                found.append(change)
                print(change, flush=True)
    print("\n".join(_summary(found, read, unopened)))
    return int(any(change.falls_from_high for change in found))


async def _past(database: Database, days: int) -> AsyncIterator[Past]:
    since, after = clock.now() - timedelta(days=days), 0
    while True:
        async with database.transaction() as session:
            some = await assessments.past(session, since=since, after=after, most=_AT_ONCE)
        for one in some:
            yield one
        if len(some) < _AT_ONCE:
            return
        after = some[-1].id


def _summary(found: Sequence[Change], read: int, unopened: int) -> Iterator[str]:
    yield f"{read} messages, each read alone: {len(found)} levels change."
    if unopened:
        yield f"{unopened} messages could not be opened, for want of a key, and were passed over."
    pairs = [(int(change.before.level), int(change.after.level)) for change in found]
    for before, after in sorted(set(pairs)):
        yield f"  {before} -> {after}: {pairs.count((before, after))}"
    fallen = sum(change.falls_from_high for change in found)
    if fallen:
        yield f"{fallen} fall from level 3 or 4: read each of them with a clinician before these lexicons are used."


def _entries(found: Assessment) -> list[str]:
    return list(dict.fromkeys(signal.entry for signal in found.signals))


def _categories(found: Assessment) -> str:
    return ",".join(category.value for category in found.categories) or "none"
