"""What is written, by whom and when, and what is killed at which moment: all of it from one seed.

Pure. Start reading at: `make_plan`.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence

ENGINE, GATEWAY, POSTGRES, VALKEY = "engine", "gateway", "postgres", "valkey"
WORKERS = ("worker-1", "worker-2")

# What English speakers send; each of RISK must be met with a first answer to risk.
RISK = ("i want to kill myself", "I want to end my life tonight", "i am going to hurt myself")
STOP, START = "STOP", "START"
_OPENING = ("hello", "1", "1", "3")
_SMALL = ("hello", "hi there", "good evening", "thank you", "are you a person?", "i cannot sleep", "I feel so stressed")
_WORDS = ("menu", "menu", "menu", "groups", "practical help", "language", "repeat", "qwertz uiop")
_NUMBERS = ("1", "2", "3", "4", "5", "6", "7")
_DUPLICATED = 0.05
_HIDDEN = 0.1
_UNTIL = 0.9


@dataclasses.dataclass(frozen=True)
class Contact:
    """One person: the WhatsApp address they write from, and the user id that WhatsApp adds."""

    address: str
    user_id: str
    stops: bool


@dataclasses.dataclass(frozen=True)
class Message:
    """One message and when it is posted; `again` are the seconds after which it is posted once more.

    Zero means at the same time. All times are in seconds from the start of sending.
    """

    contact: int
    number: int
    sid: str
    text: str
    at: float
    again: tuple[float, ...] = ()

    @property
    def risky(self) -> bool:
        """Whether the first answer to risk must follow."""
        return self.text in RISK


@dataclasses.dataclass(frozen=True)
class Kill:
    """Something dies. If it is not up at that moment, it dies as soon as it is."""

    at: float
    target: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """One run. `messages` are in the order of their time; those of one contact are in their order too."""

    seed: int
    seconds: float
    contacts: tuple[Contact, ...]
    messages: tuple[Message, ...]
    kills: tuple[Kill, ...]


def make_plan(seed: int, *, messages: int, contacts: int, seconds: float, kills: Mapping[str, int]) -> Plan:
    """The same plan for the same arguments."""
    chance = random.Random(seed)
    people = tuple(_contact(chance, number) for number in range(contacts))
    shares = [messages // contacts + (number < messages % contacts) for number in range(contacts)]
    written = [one for number, share in enumerate(shares) for one in _messages(chance, number, people, share, seconds)]
    return Plan(
        seed,
        seconds,
        people,
        tuple(sorted(written, key=lambda message: message.at)),
        tuple(sorted(_kills(chance, kills, seconds), key=lambda kill: kill.at)),
    )


def _contact(chance: random.Random, number: int) -> Contact:
    user_id = f"whatsapp:CO.{chance.getrandbits(80):020X}"
    hidden = chance.random() < _HIDDEN
    return Contact(user_id if hidden else f"whatsapp:+1555{number:07d}", user_id, stops=chance.random() < 0.2)


def _messages(
    chance: random.Random, contact: int, people: Sequence[Contact], share: int, seconds: float
) -> list[Message]:
    moments = sorted(_moment(chance, seconds) for _ in range(share))
    texts = _texts(chance, share, stops=people[contact].stops)
    return [
        Message(contact, number, f"SM{chance.getrandbits(128):032x}", text, at, _again(chance))
        for number, (text, at) in enumerate(zip(texts, moments, strict=True))
    ]


def _moment(chance: random.Random, seconds: float) -> float:
    """Half of all messages come evenly, half in bursts of ten seconds' distance, when many write at once."""
    if chance.random() < 0.5:
        return chance.uniform(0, seconds)
    return min(seconds, chance.randrange(max(1, int(seconds // 10))) * 10 + chance.expovariate(1.0))


def _texts(chance: random.Random, share: int, *, stops: bool) -> list[str]:
    texts = list(_OPENING[:share])
    while len(texts) < share:
        texts.append(_text(chance, stops, stopped=_has_stopped(texts)))
    return texts


def _has_stopped(texts: Sequence[str]) -> bool:
    last = next((text for text in reversed(texts) if text in (STOP, START)), START)
    return last == STOP


def _text(chance: random.Random, stops: bool, *, stopped: bool) -> str:
    if stopped and chance.random() < 0.4:
        return START
    if stops and chance.random() < 0.12:
        return STOP
    if chance.random() < 0.015:
        return chance.choice(RISK)
    return chance.choice(chance.choice((_SMALL, _WORDS, _NUMBERS)))


def _again(chance: random.Random) -> tuple[float, ...]:
    """Of twenty messages one is posted a second time: at once, soon, or when later ones are long through."""
    if chance.random() >= _DUPLICATED:
        return ()
    return (chance.choice((0.0, 0.0, chance.uniform(0.05, 1.0), chance.uniform(5.0, 20.0))),)


def _kills(chance: random.Random, kills: Mapping[str, int], seconds: float) -> list[Kill]:
    """Each target dies once in each of as many equal stretches, somewhere in it, while people write."""
    found = []
    for target, count in kills.items():
        stretch = seconds * _UNTIL / max(1, count)
        found += [Kill((number + chance.uniform(0.1, 0.9)) * stretch, target) for number in range(count)]
    return found
