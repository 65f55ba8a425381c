"""What is to happen with one message. Pure; the first rule that matches wins.

Owns: decide(), Situation and the decisions.
May import: the package escalation's values, `bot.vocabulary`.
Start reading at: `decide`.

The order is the service's promise: risk first, then STOP and START, then silence while a
counsellor holds the conversation, then the global words, and only then the flows.
"""

from __future__ import annotations

import dataclasses

from bot.conversation.checks import Check, CheckResult, after_answer, check_for, staying
from bot.vocabulary import Control, OptOut
from escalation import Assessment, RiskCategory, RiskLevel

WELCOME = "welcome_consent"
PERSON = "talk_to_person"
_FLOW_OF_WORD = {
    "person": "talk_to_person",
    "menu": "ask_menu",
    "language": "change_language",
    "delete": "my_data",
    "pause": "stop_pause",
}


@dataclasses.dataclass(frozen=True)
class Situation:
    """All that `decide` may look at.

    `own` is the assessment of this message alone, `latched` the one that counts the last two
    weeks. `word` is the global command written, if any; `open_flow` the flow whose question is open; `check_answer` the value chosen of the
    open check question. `case_level` is the open case's level, None without one;
    `acknowledged` whether a counsellor has taken it. `recently_answered` says that the first
    answer to risk went out a moment ago; `about_other` that the danger is another person's alone;
    `more_waits` that a newer message of the contact waits already; `child` that the contact is under 13, for whom there is
    a person and no self-help (service specification 3.8).
    """

    own: Assessment
    latched: Assessment
    control: Control = Control.BOT
    word: str = ""
    opt_out: OptOut | None = None
    opted_out: bool = False
    consented: bool = True
    open_flow: str = ""
    open_check: str | None = None
    check_answer: str | None = None
    case_level: int | None = None
    acknowledged: bool = False
    recently_answered: bool = False
    has_media: bool = False
    child: bool = False
    about_other: bool = False
    more_waits: bool = False


@dataclasses.dataclass(frozen=True)
class Silence:
    """Say nothing; `reason` is for the log."""

    reason: str


@dataclasses.dataclass(frozen=True)
class StillWaiting:
    """Nobody has taken the case yet: say that the words arrive, and who is there, truthfully."""


@dataclasses.dataclass(frozen=True)
class Stay:
    """In danger, and nobody has taken the case a moment after the first answer: a short word and a
    question, `key` naming the text."""

    key: str


@dataclasses.dataclass(frozen=True)
class CameBack:
    """They stopped in a crisis and write again: a case, and a truthful word on who is there."""

    level: RiskLevel


@dataclasses.dataclass(frozen=True)
class Alarm:
    """Risk: a case, and the first answer. `quiet` when a counsellor has it in hand already;
    `stay` names the text said in its place when it went out a moment ago."""

    level: RiskLevel
    categories: tuple[str, ...]
    quiet: bool = False
    stay: str = ""


@dataclasses.dataclass(frozen=True)
class Ask:
    """Ask a check question before anything else."""

    check: Check


@dataclasses.dataclass(frozen=True)
class CheckAnswered:
    """The open check question got its answer."""

    result: CheckResult


@dataclasses.dataclass(frozen=True)
class ListenLater:
    """A voice note or picture: say that only a person can take it in, and have one do so."""


@dataclasses.dataclass(frozen=True)
class Stop:
    """Obey STOP. `provider_confirms` when the provider has answered it itself."""

    provider_confirms: bool
    in_crisis: bool


@dataclasses.dataclass(frozen=True)
class Start:
    """Obey START."""

    provider_confirms: bool


@dataclasses.dataclass(frozen=True)
class Exit:
    """Quick exit: a neutral sentence, and nothing of what was talked about."""


@dataclasses.dataclass(frozen=True)
class Play:
    """The engine's turn; `start` names a flow to begin, and `takes_back` frees the bot again."""

    start: str = ""
    takes_back: bool = False
    repeat: bool = False


Decision = (
    Silence | StillWaiting | Stay | CameBack | Alarm | Ask | CheckAnswered | ListenLater | Stop | Start | Exit | Play
)


def decide(now: Situation) -> Decision:
    """What happens with this message. The first rule that gives an answer wins."""
    for rule in (_risk, _stop_and_start, _check, _came_back, _held, _unclear, _global_word):
        decision = rule(now)
        if decision is not None:
            return decision
    if now.opted_out:
        return Silence("opted out")
    if not now.consented and not now.open_flow:
        return Play(start=WELCOME)
    if now.child and not now.open_flow:
        return Play(start=PERSON)
    return Play()


def _risk(now: Situation) -> Decision | None:
    """Signs in this very message that reach level 2, alone or with what came before."""
    says_something = now.own.level > RiskLevel.NONE
    if not now.own.alarming and not (says_something and now.latched.alarming):
        return None
    if now.has_media and _only_unreadable(now.own):
        return None
    level = max(now.own.level, now.latched.level)
    known = now.case_level is not None and now.case_level >= level
    return Alarm(
        level,
        tuple(category.value for category in now.own.categories),
        quiet=now.acknowledged,
        stay=staying(now.open_check, about_other=now.about_other) if known and now.recently_answered else "",
    )


def _stop_and_start(now: Situation) -> Decision | None:
    if now.opt_out is OptOut.STOP or now.word == "stop":
        in_crisis = now.case_level is not None and now.case_level >= RiskLevel.ELEVATED
        return Stop(provider_confirms=now.opt_out is OptOut.STOP, in_crisis=in_crisis)
    if now.opt_out is OptOut.START or (now.word == "start" and now.opted_out):
        return Start(provider_confirms=now.opt_out is OptOut.START)
    return None


def _check(now: Situation) -> Decision | None:
    """The answer to a check question; while a counsellor has the case it is theirs to read."""
    if now.open_check is None or now.check_answer is None or now.acknowledged:
        return None
    return CheckAnswered(after_answer(Check(now.open_check), now.check_answer))


def _came_back(now: Situation) -> Decision | None:
    """Whoever stopped in a crisis and writes again is answered, whatever they write."""
    stopped_in_crisis = now.opted_out and now.latched.level >= RiskLevel.ELEVATED
    if stopped_in_crisis and not now.acknowledged and not now.recently_answered:
        return CameBack(now.latched.level)
    return None


def _held(now: Situation) -> Decision | None:
    if now.control is not Control.COUNSELLOR:
        return None
    waiting = not now.acknowledged and (now.case_level or 0) <= RiskLevel.ELEVATED
    if waiting and now.word == "menu" and not now.opted_out and not now.child:
        return Play(start="ask_menu", takes_back=True)
    if now.acknowledged or now.opted_out:
        return Silence("a counsellor holds the conversation")
    if not now.recently_answered:
        return StillWaiting()
    if (now.case_level or 0) >= RiskLevel.ELEVATED and not now.more_waits:
        return Stay(staying(now.open_check, about_other=now.about_other))
    return Silence("a counsellor is waited for")


def _unclear(now: Situation) -> Decision | None:
    """Level 1: look again, before anything else is said."""
    if now.opted_out:
        return None
    if now.has_media and _only_unreadable(now.own):
        return ListenLater()
    if now.own.ask is not None and now.own.level <= RiskLevel.WATCH:
        return Ask(check_for(now.own.ask))
    return None


def _only_unreadable(found: Assessment) -> bool:
    """Nothing but that it could not be read."""
    return set(found.categories) == {RiskCategory.UNREADABLE}


def _global_word(now: Situation) -> Decision | None:
    if now.word == "person" or now.opt_out is OptOut.HELP:
        return Play(start=PERSON)
    if now.opted_out:
        return None
    if now.word == "exit":
        return Exit()
    if now.word == "repeat" and now.open_flow:
        return Play(repeat=True)
    flow = _FLOW_OF_WORD.get(now.word)
    if now.child and now.word == "menu":
        return Play(start=PERSON)
    if not now.consented and now.word == "menu":
        return Play(start=WELCOME)
    answers_open_question = flow == now.open_flow and now.word != "menu"
    return Play(start=flow) if flow and not answers_open_question else None
