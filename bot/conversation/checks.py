"""Check questions: what is asked when a message could mean danger, and what each answer means.

Owns: Check, SAID_AT_RISK, CheckResult, after_answer(), staying().
May import: the package escalation's values.
Start reading at: `after_answer`.

The questions are texts of `flows/service/<language>.yml` under the same keys. Asking directly
about suicide does not cause it (WHO mhGAP training; service specification 3.2).
"""

from __future__ import annotations

import dataclasses
from enum import Enum

from escalation import RiskLevel


class Check(str, Enum):
    """A question whose answer decides how serious a message was."""

    MEANING = "meaning_check"
    MEANING_NEGATED = "meaning_check_negated"
    THIRD_PERSON = "third_person"
    NEED = "need_check"
    UNREADABLE = "unreadable"
    SAFE_ON_DUTY = "crisis_on_duty"
    SAFE_OFF_DUTY = "crisis_off_duty"
    DANGER_ON_DUTY = "danger_on_duty"
    DANGER_OFF_DUTY = "danger_off_duty"
    STAY_COMPANY = "stay_company"
    STAY_SAFE = "stay_safe"
    STAY_THIRD = "stay_third"


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """What an answer means: a level and category, a text to say (or the first answer to risk).

    With `alarm` the first answer to risk is given; else `text` is said. `case` opens or raises a
    case; `person` starts the flow that brings a person; `asks` is the question that follows. An
    empty `category` leaves the case's own.
    """

    level: RiskLevel = RiskLevel.NONE
    category: str = ""
    text: str = ""
    alarm: bool = False
    case: bool = False
    person: bool = False
    asks: Check | None = None


_CALM = CheckResult(text="check_thanks")
_THOUGHTS = CheckResult(RiskLevel.ELEVATED, "R1", alarm=True, case=True)
_UNSURE = CheckResult(RiskLevel.WATCH, "R1", person=True)
_UNSAFE = CheckResult(RiskLevel.IMMINENT, "R1", text="still_danger", case=True)
_DANGER = CheckResult(RiskLevel.IMMINENT, "R3", text="still_danger", case=True)
_HEARD = CheckResult(text="noted_for_team")
_STILL_UNSAFE = CheckResult(RiskLevel.IMMINENT, text="still_danger", case=True)

_RESULTS: dict[tuple[Check, str], CheckResult] = {
    (Check.MEANING, "yes"): _THOUGHTS,
    (Check.MEANING, "no"): _CALM,
    (Check.MEANING, "unsure"): _UNSURE,
    (Check.MEANING_NEGATED, "yes"): _THOUGHTS,
    (Check.MEANING_NEGATED, "no"): _CALM,
    (Check.MEANING_NEGATED, "unsure"): _UNSURE,
    (Check.THIRD_PERSON, "now"): CheckResult(RiskLevel.IMMINENT, "R1T", text="third_person_now", case=True),
    (Check.THIRD_PERSON, "not_now"): _HEARD,
    (Check.THIRD_PERSON, "unknown"): _HEARD,
    (Check.NEED, "lacking"): CheckResult(RiskLevel.ELEVATED, "R10", text="need_noted", case=True),
    (Check.NEED, "enough"): _CALM,
    (Check.UNREADABLE, "danger"): CheckResult(RiskLevel.IMMINENT, "R11", alarm=True, case=True),
    (Check.UNREADABLE, "person"): CheckResult(person=True),
    (Check.UNREADABLE, "sad"): CheckResult(text="check_thanks"),
    (Check.SAFE_ON_DUTY, "safe"): _HEARD,
    (Check.SAFE_ON_DUTY, "unsafe"): _UNSAFE,
    (Check.SAFE_OFF_DUTY, "safe"): _HEARD,
    (Check.SAFE_OFF_DUTY, "unsafe"): _UNSAFE,
    (Check.DANGER_ON_DUTY, "safe"): _HEARD,
    (Check.DANGER_ON_DUTY, "unsafe"): _DANGER,
    (Check.DANGER_OFF_DUTY, "safe"): _HEARD,
    (Check.DANGER_OFF_DUTY, "unsafe"): _DANGER,
    (Check.STAY_COMPANY, "near"): CheckResult(text="stay_with_them", asks=Check.STAY_SAFE),
    (Check.STAY_COMPANY, "alone"): CheckResult(text="stay_go", asks=Check.STAY_SAFE),
    (Check.STAY_SAFE, "safe"): CheckResult(text="stay_heard"),
    (Check.STAY_SAFE, "unsafe"): _STILL_UNSAFE,
    (Check.STAY_THIRD, "near"): CheckResult(text="stay_third_with"),
    (Check.STAY_THIRD, "alone"): CheckResult(text="stay_third_alone"),
}

# What is said while nobody has come yet: the last thing asked, and what follows it. Never twice
# the same running, and each is short (service specification 8, T07).
_STAYING = {Check.STAY_COMPANY: "stay_safe", Check.STAY_SAFE: "stay_here", Check.STAY_THIRD: "stay_third_here"}


_ASKED_BY_SCREENING = {"need": Check.NEED}

SAID_AT_RISK = frozenset(
    [
        *(check.value for check in Check),
        *(result.text for result in _RESULTS.values() if result.text),
        *_STAYING.values(),
        *("medical", "held_on_duty", "held_off_duty", "still_waiting", "stop_in_crisis"),
        *("no_lines", "no_more_lines", "help_lines", "next_line", "line_always", "line_until", "line_free"),
        *("opens_unknown", "duty_now", "voice_note", "cannot_answer", "counsellor_left"),
    ]
)
"""The service's texts that somebody in danger may read, and what is put into them."""


def check_for(ask: str) -> Check:
    """The check question that screening asks for. Raises ValueError for an unknown one."""
    return _ASKED_BY_SCREENING.get(ask) or Check(ask)


def after_answer(check: Check, answer: str) -> CheckResult:
    """What `answer` to `check` means. Raises KeyError for an answer that is not offered."""
    return _RESULTS[check, answer]


def offered(check: Check) -> tuple[str, ...]:
    """The answers to `check` that this module knows."""
    return tuple(answer for asked, answer in _RESULTS if asked is check)


def staying(asked: str | None, *, about_other: bool) -> str:
    """The text with which the bot stays with somebody in danger, after the check `asked` last.

    `about_other` when the danger is another person's: then nobody is told to leave them.
    """
    last = _STAYING.get(Check(asked)) if asked else None
    return last or (Check.STAY_THIRD if about_other else Check.STAY_COMPANY).value
