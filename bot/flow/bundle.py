"""The published content: every flow and text, compiled, immutable, named by its hash.

Owns: Bundle, Flow, Step, Branch, Text.
May import: the standard library.
Start reading at: `Bundle`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

END = "END"


@dataclasses.dataclass(frozen=True)
class Branch:
    """Go to step `then` when `condition` holds; an empty condition always holds."""

    condition: str
    then: str


@dataclasses.dataclass(frozen=True)
class Step:
    """One step. `kind` is action, collect, set_slots, link, call or noop; `target` what it names.

    `answer` is the kind of answer a collect takes: choice, number or text; with `exact` a choice
    counts only by number, button or its very words. `ranges` says which numbers (first and last)
    mean a choice, such as ages.
    """

    id: str
    kind: str
    target: str = ""
    next: tuple[Branch, ...] = ()
    answer: str = ""
    choices: tuple[str, ...] = ()
    choices_from: str = ""
    exact: bool = False
    low: int = 0
    high: int = 10
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    ranges: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    line: int = 0


@dataclasses.dataclass(frozen=True)
class Flow:
    """One conversation flow. `triggers` are the intents that start it."""

    id: str
    name: str
    description: str
    steps: tuple[Step, ...]
    triggers: tuple[str, ...] = ()

    def step(self, step_id: str) -> Step:
        """The step of that id. Raises KeyError if there is none."""
        return self._by_id[step_id]

    @cached_property
    def _by_id(self) -> dict[str, Step]:
        return {step.id: step for step in self.steps}


@dataclasses.dataclass(frozen=True)
class Choice:
    """How one answer is written in one language, and what else counts as it."""

    title: str
    also: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Text:
    """One text in one language; `sms` is its plainer form where it differs."""

    text: str
    sms: str = ""
    choices: Mapping[str, Choice] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Service:
    """What the service says and listens for outside flows, in one language.

    `words` maps a command (stop, start, person, menu, ...) to what people write for it;
    `numbers` holds the words for 0 to 10, each with its spellings.
    """

    texts: Mapping[str, Text]
    words: Mapping[str, tuple[str, ...]]
    numbers: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class Bundle:
    """Everything that can be said and played. Two bundles of equal content have equal hashes."""

    flows: Mapping[str, Flow]
    texts: Mapping[str, Mapping[str, Mapping[str, Text]]]
    service: Mapping[str, Service]

    @cached_property
    def hash(self) -> str:
        """Hexadecimal SHA-256 of the content."""
        body = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()

    @cached_property
    def triggers(self) -> dict[str, str]:
        """Which flow an intent starts."""
        return {intent: flow.id for flow in self.flows.values() for intent in flow.triggers}

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; the line numbers of the sources are left out."""
        data = dataclasses.asdict(self)
        for flow in data["flows"].values():
            for step in flow["steps"]:
                del step["line"]
                if not step["ranges"]:  # so that what was published before they were known keeps its name
                    del step["ranges"]
        return data

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Bundle:
        """The inverse of `to_json`."""
        return Bundle(
            flows={key: _flow(flow) for key, flow in data["flows"].items()},
            texts={
                language: {flow: _texts(texts) for flow, texts in flows.items()}
                for language, flows in data["texts"].items()
            },
            service={key: _service(service) for key, service in data["service"].items()},
        )


def _flow(data: Mapping[str, Any]) -> Flow:
    steps = tuple(
        Step(
            **{
                **step,
                "next": tuple(Branch(**branch) for branch in step["next"]),
                "choices": tuple(step["choices"]),
                "ranges": {value: tuple(ends) for value, ends in step.get("ranges", {}).items()},
            }
        )
        for step in data["steps"]
    )
    return Flow(**{**data, "steps": steps, "triggers": tuple(data["triggers"])})


def _texts(data: Mapping[str, Any]) -> dict[str, Text]:
    return {
        key: Text(
            text["text"],
            text["sms"],
            {value: Choice(c["title"], tuple(c["also"])) for value, c in text["choices"].items()},
        )
        for key, text in data.items()
    }


def _service(data: Mapping[str, Any]) -> Service:
    return Service(
        texts=_texts(data["texts"]),
        words={key: tuple(words) for key, words in data["words"].items()},
        numbers=tuple(tuple(words) for words in data["numbers"]),
    )
