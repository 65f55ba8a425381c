"""Who and when a risk phrase is about, and whether it is meant.

Purpose: turn the phrases found in one message into signals.
Owns: subject, polarity, time and idioms (service specification 3.2, rules 2-7 and 11).
May import: kinds, lexicon, matcher, signs, vocabulary.
Start reading at: Scene.signals.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from escalation.kinds import AIMS, CORE, SETTING
from escalation.lexicon import Entry, Phrase, Role
from escalation.matcher import Hit
from escalation.signs import RiskCategory, RiskSignal
from escalation.vocabulary import Token

_NEAR = 4
_FAR = 12
_LONG_AGO = 20
"""Within so many words a mark of the past makes a phrase past: run-on messages have no full stops."""
_QUOTED = re.compile(r"«[^»]+»|“[^”]+”|„[^“”]+[“”]|\"[^\"]+\"")
_SELF_OR_OTHER = {RiskCategory.SUICIDE_SELF: RiskCategory.SUICIDE_OTHER}
_SUICIDE = (RiskCategory.SUICIDE_SELF, RiskCategory.SUICIDE_OTHER)
_DENIABLE = (*_SUICIDE, RiskCategory.HARM_TO_OTHERS, RiskCategory.VIOLENCE_BY_OTHERS)
"""Where a negation inside a phrase denies it; elsewhere it is part of the trouble ("no bed unless")."""
_TIMELESS = ("past_violence", "distress", "disclosure", "control", "control_sign", "need", "help")
"""What "for two years" or "years ago" does not make a thing of the past."""
_REPORTED = (RiskCategory.SUICIDE_SELF, RiskCategory.HARM_TO_OTHERS)


@dataclass(frozen=True)
class Found:
    """A hit with the phrase it belongs to."""

    hit: Hit
    phrase: Phrase

    def covers(self, other: Found) -> bool:
        """Whether the other phrase lies within this one."""
        return self.hit.first <= other.hit.first and other.hit.last <= self.hit.last

    def touches(self, other: Found) -> bool:
        """Whether both read one word."""
        return not set(self.hit.used).isdisjoint(other.hit.used)


class Scene:
    """One message: its tokens and everything found in them."""

    def __init__(self, text: str, tokens: Sequence[Token], found: Iterable[Found]) -> None:
        self._text = text
        self._tokens = tokens
        self._places = list(accumulate((not token.piece.emoji for token in tokens), initial=0))
        self._by_role: dict[Role, list[Found]] = defaultdict(list)
        for item in filter(_plausible, found):
            self._by_role[item.phrase.role].append(item)
        self._by_role[Role.RISK] = _widest_phrases(self._by_role[Role.RISK], self._by_role[Role.NEGATION])
        self._taken = [set(item.hit.used) for item in self._by_role[Role.RISK]]
        self._carriers = {item.hit.last for item in self._by_role[Role.NEGATION_CARRIER]}
        self._breaks = {item.hit.last for item in self._by_role[Role.CLAUSE_BREAK]}
        self._quotes = [match.span() for match in _QUOTED.finditer(text)]

    def signals(self) -> list[RiskSignal]:
        """Every sign in the message, without what is only an idiom."""
        signs = [sign for item in self._by_role[Role.RISK] for sign in self._risk(item)]
        signs += self._needs()
        signs += self._facts(Role.MINOR, RiskCategory.CHILD_AT_RISK, "minor")
        if any(sign.category is RiskCategory.SUICIDE_SELF for sign in signs):
            signs += self._facts(Role.MEANS, RiskCategory.SUICIDE_SELF, "means")
        return _widest(signs)

    def _risk(self, item: Found) -> Iterator[RiskSignal]:
        entry = item.phrase.entry
        idioms = [idiom for idiom in self._idioms(item) if not _wider(item, idiom)]
        if not _suicide(item):
            idioms = [idiom for idiom in idioms if idiom.covers(item)]
        if entry is None or any(idiom.covers(item) for idiom in idioms):
            return
        sign = self._sign(item, entry.categories[0], entry.kind)
        sign = replace(sign, subject=self._subject(item, entry), hint=entry.level)
        sign = replace(sign, polarity=self._polarity(item, sign))
        if idioms:
            sign = replace(sign, kind="idiom", hint=None)
        for category in entry.categories:
            turned = _SELF_OR_OTHER.get(category, category) if sign.subject == "other" else category
            yield from self._with_circumstances(item, replace(sign, category=turned))

    def _idioms(self, item: Found) -> Iterator[Found]:
        for role in (Role.IDIOM, Role.NEED_IDIOM):
            yield from (idiom for idiom in self._by_role[role] if idiom.touches(item))

    def _with_circumstances(self, item: Found, sign: RiskSignal) -> Iterator[RiskSignal]:
        yield sign
        circumstances = (
            ("time", self._times(item, sign)),
            ("recent", self._same_sentence(Role.RECENT, item)),
            ("help", self._by_role[Role.HELP]),
        )
        for kind, others in circumstances:
            for other in others:
                tied = self._sign(other, sign.category, kind)
                yield replace(tied, entry=sign.entry, subject=sign.subject, polarity=sign.polarity)

    def _needs(self) -> Iterator[RiskSignal]:
        idioms = self._by_role[Role.IDIOM]
        for item in self._by_role[Role.NEED_IDIOM]:
            if not any(idiom.covers(item) for idiom in idioms):
                yield self._sign(item, RiskCategory.SURVIVAL_NEED, "idiom")

    def _facts(self, role: Role, category: RiskCategory, kind: str) -> Iterator[RiskSignal]:
        idioms = self._by_role[Role.IDIOM]
        for item in self._by_role[role]:
            if not any(idiom.covers(item) for idiom in idioms):
                yield self._sign(item, category, kind)

    def _sign(self, item: Found, category: RiskCategory, kind: str) -> RiskSignal:
        start = self._tokens[item.hit.first].piece.start
        end = self._tokens[item.hit.last].piece.end
        name = item.phrase.entry.id if item.phrase.entry else item.phrase.role.value
        return RiskSignal(
            category, kind, self._text[start:end], start, end, name, item.phrase.language,
            candidate=item.hit.how,
        )  # fmt: skip

    def _family(self, role: Role, item: Found) -> list[Found]:
        return [other for other in self._by_role[role] if other.phrase.language in item.phrase.family]

    def _same_sentence(self, role: Role, item: Found) -> list[Found]:
        return [other for other in self._family(role, item) if self._pause_between(other, item) < 2]

    def _pause_between(self, one: Found, two: Found) -> int:
        first, last = sorted((one, two), key=lambda found: found.hit.first)
        between = range(first.hit.last + 1, last.hit.first + 1)
        pauses = (self._tokens[at].piece.pause for at in between)
        return max(*pauses, int(not self._breaks.isdisjoint(between)), 0)

    def _before(self, role: Role, item: Found, within: int) -> list[Found]:
        """Helper phrases that end at most `within` words before a hit, in the same sentence."""
        return [
            other
            for other in self._same_sentence(role, item)
            if other.hit.last < item.hit.first and self._distance(other, item) <= within
        ]

    # Subject

    def _subject(self, item: Found, entry: Entry) -> str:
        if RiskCategory.SUICIDE_OTHER in entry.categories:
            return "other"
        if entry.subject == "open":
            subject = self._nearest_subject(item)
        else:
            subject = entry.subject
        if subject == "self" and entry.categories[0] in _REPORTED and self._reported(item):
            return "other"
        return subject

    def _nearest_subject(self, item: Found) -> str:
        others = self._before(Role.THIRD_PERSON, item, 8)
        selves = self._before(Role.FIRST_PERSON, item, 8)
        inside = any(item.covers(own) for own in self._family(Role.FIRST_PERSON, item))
        last_other = max((other.hit.last for other in others), default=-1)
        last_self = max((own.hit.last for own in selves if not any(o.covers(own) for o in others)), default=-1)
        return "other" if last_other > last_self and not inside else "self"

    def _reported(self, item: Found) -> bool:
        asked = self._by_role[Role.ASKING_FOR_OTHER]
        return bool(asked or self._before(Role.OTHERS_REPORT, item, _NEAR))

    # Polarity

    def _polarity(self, item: Found, sign: RiskSignal) -> str:
        if self._negated(item):
            return "negated"
        if sign.category in _REPORTED and sign.subject == "self" and self._quoted(item):
            return "quoted"
        if sign.kind not in _TIMELESS and self._past(item):
            return "past"
        own = sign.category is RiskCategory.SUICIDE_SELF and sign.subject == "self"
        if own and sign.kind in AIMS and self._conditional(item, sign):
            return "conditional"
        return "affirmed"

    def _conditional(self, item: Found, sign: RiskSignal) -> bool:
        """Whether an "if" is tied to it; "look after them if something happens to me" is a plan nevertheless."""
        within = sign.kind == "plan"
        return any(not (within and item.covers(other)) for other in self._same_sentence(Role.CONDITIONAL, item))

    def _negated(self, item: Found) -> bool:
        negations = [other for other in self._family(Role.NEGATION, item) if self._free(other)]
        after = self._family(Role.NEGATION_AFTER, item)
        if self._atomic(item):
            return False
        return any(self._reaches(other, item) for other in negations) or any(
            self._denies_back(other, item) for other in after
        )

    def _denies_back(self, negation: Found, item: Found) -> bool:
        """Whether a negation behind the phrase denies it ("… or anything like that, no"), and not what follows."""
        near = item.hit.last < negation.hit.first and self._distance(negation, item) <= 1
        later = (other for other in self._by_role[Role.RISK] if other.hit.last > negation.hit.last)
        return near and self._pause_between(negation, item) < 2 and not any(self._reaches(negation, o) for o in later)

    def _atomic(self, item: Found) -> bool:
        """Whether the phrase has its negation built in (rule 11)."""
        used = set(item.hit.used)
        return any(used.issuperset(other.hit.used) for other in self._by_role[Role.NEGATION])

    def _free(self, negation: Found) -> bool:
        """Whether a negation is neither part of a risk phrase nor of an exception."""
        exceptions = self._by_role[Role.NEGATION_EXCEPTION]
        return not any(taken.issuperset(negation.hit.used) for taken in self._taken) and not any(
            exception.covers(negation) for exception in exceptions
        )

    def _reaches(self, negation: Found, item: Found) -> bool:
        start = item.hit.core
        if negation.hit.last > item.hit.first and _category(item) not in _DENIABLE:
            return False
        if start <= negation.hit.last:
            return negation.hit.first <= item.hit.last
        between = range(negation.hit.last + 1, start)
        pauses = [self._tokens[at].piece.pause for at in range(negation.hit.last + 1, start + 1)]
        return (
            not any(pauses)
            and self._breaks.isdisjoint(between)
            and all(at in self._carriers or self._tokens[at].reading.skip for at in between)
        )

    def _quoted(self, item: Found) -> bool:
        if self._before(Role.OWN_REPORT, item, _NEAR):
            return False
        named = item.phrase.entry is not None and item.phrase.entry.subject == "open"
        near = _NEAR if named else 1
        return self._in_quotes(item) or bool(self._before(Role.QUOTE, item, near))

    def _in_quotes(self, item: Found) -> bool:
        start = self._tokens[item.hit.first].piece.start
        outside = [
            token
            for token in self._tokens
            if not any(left <= token.piece.start < right for left, right in self._quotes)
        ]
        return bool(outside) and any(left <= start < right for left, right in self._quotes)

    def _past(self, item: Found) -> bool:
        if self._by_role[Role.RETURN]:
            return False
        return any(self._distance(other, item) <= _LONG_AGO for other in self._same_sentence(Role.PAST, item))

    # Time

    def _times(self, item: Found, sign: RiskSignal) -> list[Found]:
        """Time words tied to this sign: near it, or in its sentence when it states an aim."""
        if sign.kind in SETTING:
            return [other for other in self._by_role[Role.SOON] if self._distance(other, item) <= _FAR]
        if sign.kind not in CORE | AIMS:
            return []
        soon = [other for other in self._by_role[Role.SOON] if self._tied(other, item, sign)]
        if sign.kind not in AIMS:
            soon = [other for other in soon if not item.covers(other)]
        today = [other for other in self._family(Role.TODAY, item) if self._tied_loosely(other, item)]
        return soon + today

    def _tied(self, time: Found, item: Found, sign: RiskSignal) -> bool:
        if sign.kind in AIMS and sign.polarity != "conditional":
            return self._pause_between(time, item) < 2 or self._distance(time, item) <= 2
        return self._tied_loosely(time, item)

    def _tied_loosely(self, time: Found, item: Found) -> bool:
        if time.hit.first > item.hit.last or item.covers(time):
            return self._pause_between(time, item) == 0 and self._distance(time, item) <= _NEAR
        return self._pause_between(time, item) < 2 and self._distance(time, item) <= 1

    def _distance(self, one: Found, two: Found) -> int:
        """How many words stand between them; emoji put nothing farther apart."""
        first, last = sorted((one.hit, two.hit), key=lambda hit: hit.first)
        return max(0, self._places[last.first] - self._places[first.last + 1])


def _wider(item: Found, idiom: Found) -> bool:
    """Whether a risk phrase says all that the idiom says, and more."""
    return set(item.hit.used) > set(idiom.hit.used)


def _plausible(item: Found) -> bool:
    """One mistyped word alone is believed only where suicide is meant, and of time words."""
    alone = item.hit.how == "typo" and len(item.hit.used) == 1
    return not alone or item.phrase.role is not Role.RISK or _suicide(item)


def _widest_phrases(found: Sequence[Found], negations: Sequence[Found]) -> list[Found]:
    """Without phrases whose every word is also part of a longer one of their kind: it says more.

    One that reaches over a negation into what is said next does not: a later denial takes nothing back.
    """
    return [
        item
        for item in found
        if not any(_absorbs(other, item) and not _over_negation(other, item, negations) for other in found)
    ]


def _over_negation(longer: Found, item: Found, negations: Sequence[Found]) -> bool:
    return any(item.hit.last < denial.hit.first < longer.hit.core for denial in negations)


def _absorbs(longer: Found, item: Found) -> bool:
    one, two = longer.phrase.entry, item.phrase.entry
    if one is None or two is None or one is two:
        return False
    alike = one.categories[0] is two.categories[0] or (_suicide(longer) and _suicide(item))
    return alike and set(longer.hit.used) > set(item.hit.used)


def _suicide(item: Found) -> bool:
    return _category(item) in _SUICIDE


def _category(item: Found) -> RiskCategory | None:
    return item.phrase.entry.categories[0] if item.phrase.entry else None


def _widest(signs: Iterable[RiskSignal]) -> list[RiskSignal]:
    """One sign per entry, kind and way of meaning it: the one with the longest match."""
    best: dict[tuple[str, ...], RiskSignal] = {}
    for sign in signs:
        key = (sign.entry, sign.category.value, sign.kind, sign.polarity, sign.subject)
        if key not in best or len(sign.matched) > len(best[key].matched):
            best[key] = sign
    return list(best.values())
