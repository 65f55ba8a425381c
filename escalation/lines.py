"""Help lines: which of them may be given to somebody, and which are given first.

Purpose: nobody in danger is sent to a number that no human has checked (service specification 7.5).
Owns: HelpLine and its parts, Need, may_be_sent(), why_not(), choose(), following(), topics_of().
May import: the standard library.
Start reading at: `may_be_sent`, `choose`.

The order and the topics are engineering defaults that no clinician has signed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone, tzinfo
from enum import Enum

MOST = 3
VALID_DAYS = 180
"""A check older than this no longer counts (service specification 7.5)."""
CHECK_EVERY = 90
"""Days until the next check by a human is due: each quarter (service specification 7.5)."""
UNKNOWN = "unknown"
"""What stands in a file for a number that nobody knows yet."""

_NUMBER = re.compile(r"[+*]?\(?[0-9](?:[ ().\-/]{0,3}[0-9]){1,14}\)?#?")
_ADDRESS = re.compile(r"https://[^\s/]+\.[^\s]+")
_DAY = 24 * 60
_AHEAD = 8


class LineType(str, Enum):
    """What a line is for."""

    EMERGENCY = "emergency"
    SUICIDE = "suicide"
    EMOTIONAL_SUPPORT = "emotional_support"
    GBV = "gbv"
    CHILD = "child"
    LGBTIQ = "lgbtiq"
    TRAFFICKING = "trafficking"
    TRACING = "tracing"
    HEALTH = "health"
    LEGAL = "legal"


class LineChannel(str, Enum):
    """How one reaches a line."""

    PHONE = "phone"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    WEBCHAT = "webchat"


class Audience(str, Enum):
    """Whom a line is for."""

    EVERYONE = "everyone"
    ADULTS = "adults"
    CHILDREN = "children"
    WOMEN = "women"
    MEN = "men"


class Cost(str, Enum):
    """What a call costs."""

    FREE = "free"
    LOCAL = "local"
    INTERNATIONAL = "intl"


class SourceKind(str, Enum):
    """Where a line was read of."""

    OPERATOR = "operator"
    GOVERNMENT = "government"
    UN = "un"
    PRESS = "press"
    DIRECTORY = "directory"


class VerifyMethod(str, Enum):
    """How a line was checked. What a web page says is never enough."""

    CALLED = "called"
    TEXTED = "texted"
    OPERATOR_EMAIL = "operator_email"
    WEB = "web"


class LineStatus(str, Enum):
    """Whether anybody may be sent there."""

    ACTIVE = "active"
    UNVERIFIED = "unverified"
    SUSPENDED = "suspended"


@dataclasses.dataclass(frozen=True)
class LineContact:
    """One number or address of a line, as it was written; it is only ever copied. Flags are None
    when nobody knows. `dial_note` is for the team."""

    channel: LineChannel
    value: str
    dial_note: str = ""
    cost: Cost | None = None
    callable_from_abroad: bool | None = None
    works_without_sim: bool | None = None

    @property
    def usable(self) -> bool:
        """Whether it is a number or an address at all, in Latin digits."""
        form = _ADDRESS if self.channel is LineChannel.WEBCHAT else _NUMBER
        return form.fullmatch(self.value) is not None


@dataclasses.dataclass(frozen=True)
class Span:
    """Open from `opens` to `closes`, minutes after midnight. Closing at or before opening is the next day."""

    opens: int
    closes: int


@dataclasses.dataclass(frozen=True)
class Hours:
    """When a line answers, in its own zone. `weekly` has seven days, Monday first; an exception is all
    that holds on that date, and an empty one is a day on which it is closed."""

    zone: tzinfo
    always: bool = False
    weekly: tuple[tuple[Span, ...], ...] = ((),) * 7
    exceptions: Mapping[date, tuple[Span, ...]] = dataclasses.field(default_factory=dict)

    def is_open(self, at: datetime) -> bool:
        """Whether somebody answers at `at`."""
        return any(opens <= at < closes for opens, closes in self._around(at))

    def closes_at(self, at: datetime) -> datetime | None:
        """The end, in UTC, of the time in which it is open at `at`; None when there is none within a week."""
        until = at
        for opens, closes in sorted(self._around(at)):
            if opens <= until < closes:
                until = closes
        return until.astimezone(timezone.utc) if until - at < timedelta(days=_AHEAD - 1) else None

    def _around(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        today = at.astimezone(self.zone).date()
        for ahead in range(-1, _AHEAD + 1):
            day = today + timedelta(days=ahead)
            for span in self._spans(day):
                closes = span.closes if span.closes > span.opens else span.closes + _DAY
                yield self._moment(day, span.opens), self._moment(day, closes)

    def _spans(self, day: date) -> tuple[Span, ...]:
        usual = (Span(0, _DAY),) if self.always else self.weekly[day.weekday()]
        return self.exceptions.get(day, usual)

    def _moment(self, day: date, minutes: int) -> datetime:
        """The clock on the wall says so; what that is in UTC depends on the day."""
        wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
        return wall.replace(tzinfo=self.zone).astimezone(timezone.utc)


@dataclasses.dataclass(frozen=True)
class LineConflict:
    """Two sources say different things of one line. `on` is the day this was seen."""

    field: str
    ours: str
    theirs: str
    source: str
    on: date


@dataclasses.dataclass(frozen=True)
class HelpLine:
    """One line (service specification 7.5). `country` is ISO 3166 alpha-2; with `admin1` it serves only
    that part of it. `name` is by language, `languages` are those in which somebody answers. Flags
    are None when nobody knows."""

    id: str
    country: str
    name: Mapping[str, str]
    operator: str
    type: LineType
    contacts: tuple[LineContact, ...]
    languages: tuple[str, ...]
    hours: Hours
    source_url: str
    source_kind: SourceKind
    admin1: str = ""
    audience: Audience = Audience.EVERYONE
    anonymous: bool | None = None
    accessible_for_deaf: bool | None = None
    migrants_ok: bool | None = None
    id_required: bool | None = None
    may_call_police: bool | None = None
    status: LineStatus = LineStatus.UNVERIFIED
    verified_on: date | None = None
    verified_by: str = ""
    verify_method: VerifyMethod | None = None
    next_check_due: date | None = None
    suspended_for: str = ""
    suspended_on: date | None = None
    conflicts: tuple[LineConflict, ...] = ()

    @property
    def usable_contacts(self) -> tuple[LineContact, ...]:
        """What can really be called or written to."""
        return tuple(one for one in self.contacts if one.usable)


_BY_A_HUMAN = frozenset({VerifyMethod.CALLED, VerifyMethod.TEXTED, VerifyMethod.OPERATOR_EMAIL})


def may_be_sent(line: HelpLine, today: date, days: int = VALID_DAYS) -> bool:
    """Whether somebody may be given this line: active, checked by a human within `days`, nothing
    in conflict, and a number that can be called."""
    return not why_not(line, today, days)


def why_not(line: HelpLine, today: date, days: int = VALID_DAYS) -> str:
    """Why a line may not be given, in a few words; "" when it may."""
    if line.status is LineStatus.SUSPENDED:
        return "suspended"
    if line.conflicts:
        return "sources disagree"
    if line.status is not LineStatus.ACTIVE or line.verified_on is None or not line.verified_by:
        return "not verified"
    if line.verify_method is None:
        return "nobody said how it was checked"
    if line.verify_method not in _BY_A_HUMAN:
        return "checked on the web only"
    if line.verified_on > today:
        return "verified in the future"
    if days_left(line, today, days) < 0:
        return "the check is too old"
    if not line.usable_contacts:
        return "no number that can be used"
    return ""


class LineState(str, Enum):
    """A line in brief, for whoever watches over the list."""

    USABLE = "usable"
    DUE = "due"
    NOT_GIVEN = "not_given"


def state_of(line: HelpLine, today: date, days: int = VALID_DAYS) -> LineState:
    """Whether it may be given, and whether it should be checked again already."""
    if why_not(line, today, days):
        return LineState.NOT_GIVEN
    due = line.next_check_due is not None and line.next_check_due <= today
    return LineState.DUE if due else LineState.USABLE


def days_left(line: HelpLine, today: date, days: int = VALID_DAYS) -> int:
    """For how many days after `today` its check still counts; negative when it is too old or there is none."""
    if line.verified_on is None:
        return -1
    return (line.verified_on + timedelta(days=days) - today).days


# What the danger is about → what a line for it is for (service specification 3.1, 7.5).
_TOPICS = {
    "R1": {LineType.SUICIDE, LineType.EMOTIONAL_SUPPORT},
    "R1T": {LineType.SUICIDE, LineType.EMOTIONAL_SUPPORT},
    "R2": {LineType.EMOTIONAL_SUPPORT},
    "R3": {LineType.GBV},
    "R4": {LineType.CHILD},
    "R5": {LineType.TRAFFICKING},
    "R6": {LineType.HEALTH},
    "R7": {LineType.SUICIDE, LineType.EMOTIONAL_SUPPORT},
    "R8": {LineType.EMOTIONAL_SUPPORT},
}


def topics_of(categories: Iterable[str], *, minor: bool = False) -> frozenset[LineType]:
    """The types of line that fit these categories, and for a minor those for children too."""
    found = {topic for category in categories for topic in _TOPICS.get(category, ())}
    return frozenset(found | {LineType.CHILD} if minor else found)


@dataclasses.dataclass(frozen=True)
class Need:
    """Who is to be given lines, and when. No country means nowhere. With `police` lines that may
    call the police are among them; `days` is how long a check counts."""

    at: datetime
    country: str
    language: str
    admin1: str = ""
    topics: frozenset[LineType] = frozenset()
    minor: bool = False
    police: bool = False
    days: int = VALID_DAYS


def choose(lines: Iterable[HelpLine], need: Need, *, most: int = MOST) -> tuple[HelpLine, ...]:
    """At most `most` lines that are open now: the emergency number, somebody to talk to (round the
    clock first), one for what the danger is about."""
    return _page(_fitting(lines, need), need)[:most]


def following(lines: Iterable[HelpLine], need: Need, given: Collection[str]) -> HelpLine | None:
    """The next line for somebody who was `given` those already; None when there is no other."""
    fitting = _fitting(lines, need)
    ordered = [*_page(fitting, need), *fitting]
    return next((line for line in ordered if line.id not in given), None)


def _page(fitting: list[HelpLine], need: Need) -> tuple[HelpLine, ...]:
    page: list[HelpLine] = []
    for types in ({LineType.EMERGENCY}, _somebody_to_talk_to(need), need.topics):
        found = next((line for line in fitting if line.type in types and line not in page), None)
        page += [found] if found else []
    return tuple(page)


def _fitting(lines: Iterable[HelpLine], need: Need) -> list[HelpLine]:
    """All that may be given to this person now, the best first."""
    return sorted((line for line in lines if _fits(line, need)), key=lambda line: _rank(line, need))


def _fits(line: HelpLine, need: Need) -> bool:
    today = need.at.astimezone(timezone.utc).date()
    types = {LineType.EMERGENCY} | _somebody_to_talk_to(need) | need.topics
    return (
        bool(need.country)
        and line.country == need.country
        and line.admin1 in ("", need.admin1)
        and line.type in types
        and (need.police or not line.may_call_police)
        and _is_for(line, need)
        and may_be_sent(line, today, need.days)
        and line.hours.is_open(need.at)
    )


def _somebody_to_talk_to(need: Need) -> set[LineType]:
    about_suicide = not need.topics - {LineType.CHILD} or LineType.SUICIDE in need.topics
    return {LineType.EMOTIONAL_SUPPORT} | ({LineType.SUICIDE} if about_suicide else set())


def _is_for(line: HelpLine, need: Need) -> bool:
    """Nobody's age or gender is guessed: a line for women or men is for what it is about alone."""
    if line.audience is Audience.CHILDREN:
        return need.minor or LineType.CHILD in need.topics
    if line.audience is Audience.ADULTS:
        return not need.minor
    return line.audience is Audience.EVERYONE or line.type is LineType.GBV


def _rank(line: HelpLine, need: Need) -> tuple[bool, bool, bool, bool, str]:
    return (
        need.language not in line.languages,
        line.type not in need.topics,
        not line.hours.always,
        bool(line.may_call_police),
        line.id,
    )
