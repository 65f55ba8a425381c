"""The screener in use, and another in its place when a lexicon is changed.

Owns: LiveScreener, Look, Outcome.
May import: sign-off, screening, the package escalation.
Start reading at: `LiveScreener.look`.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from bot.conversation.screening import load_screener
from bot.conversation.sign_off import LEXICON, NotSigned, Signing, refusal, unsigned
from bot.errors import ContentError
from escalation import Assessment, Earlier, RiskLevel, Screener

_Stamp = tuple[tuple[str, int, int], ...]


class Outcome(str, Enum):
    """What a look at the lexicon folder came to."""

    SAME = "same"
    SETTLING = "settling"
    SWAPPED = "swapped"
    BROKEN = "broken"
    UNSIGNED = "unsigned"


@dataclasses.dataclass(frozen=True)
class Look:
    """`sentence` says why a changed lexicon is not used."""

    outcome: Outcome
    sentence: str = ""


class LiveScreener:
    """Screens with the lexicons as they stood when they could last be used; there is always a screener.

    Use from one event loop. A message is screened to its end with the lexicons it began with.
    """

    def __init__(self, signing: Signing) -> None:
        """Raises ContentError naming the entry that is wrong."""
        self._signing = signing
        self._tried = self._seen = _stamp(signing.lexicons)
        self._screener = load_screener(signing.lexicons)

    def assess(
        self,
        text: str,
        *,
        has_media: bool = False,
        recent: Iterable[RiskLevel | Earlier] = (),
        minor: bool = False,
    ) -> Assessment:
        """As `Screener.assess`."""
        return self._screener.assess(text, has_media=has_media, recent=recent, minor=minor)

    async def look(self) -> Look:
        """Use changed lexicons once they have stood still from one look to the next and nothing is wrong
        with them. Compiling is done in a thread meanwhile."""
        found = await asyncio.to_thread(_stamp, self._signing.lexicons)
        if found == self._tried:
            return Look(Outcome.SAME)
        if found != self._seen:
            self._seen = found
            return Look(Outcome.SETTLING)
        try:
            made = await asyncio.to_thread(self._compiled)
        except NotSigned as error:
            self._tried = found
            return Look(Outcome.UNSIGNED, error.sentence)
        except (ContentError, OSError) as error:
            self._tried = found
            return Look(Outcome.BROKEN, str(error))
        if await asyncio.to_thread(_stamp, self._signing.lexicons) != found:
            return Look(Outcome.SETTLING)
        self._tried = found
        self._screener = made
        return Look(Outcome.SWAPPED)

    def _compiled(self) -> Screener:
        made = load_screener(self._signing.lexicons)
        lacking = [what for what in unsigned(self._signing) if what.startswith(LEXICON)]
        if lacking and not self._signing.accepts_drafts:
            raise NotSigned(refusal(lacking))
        return made


def _stamp(folder: Path) -> _Stamp:
    """What changes when a lexicon is written, added or removed."""
    found = []
    for path in sorted(folder.glob("*.yml")):
        try:
            about = path.stat()
        except FileNotFoundError:
            continue
        found.append((path.name, about.st_mtime_ns, about.st_size))
    return tuple(found)
