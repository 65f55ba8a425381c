"""Checks of content before it is published: what would leave a person hanging or unread.

Owns: check(), Finding.
May import: the flow package's own values.
Start reading at: `check`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from bot.flow.answers import plain
from bot.flow.bundle import END, Bundle, Flow, Service, Step, Text
from bot.flow.conditions import problem_in
from bot.flow.interpreter import SAID, WAY_OUT
from bot.flow.render import FALLBACK

LONGEST = 1024
SERVICE = "service"
IN_DANGER = (
    *("crisis_", "danger_", "medical", "third_person", "meaning_check", "unreadable", "held_", "still_", "stay_"),
    *("stop_in_crisis", "utter_until_then"),
)
"""How the keys of answers to danger begin."""
_SEGMENTS, _MANY = 2, 4
_NAMED = re.compile(r"\{([a-z_]+)\}")
_BY_DATA = re.compile(r"\{services_text\}")  # as long as what the organisation wrote
_SAID_BY_SERVICE = {"lines": "no_lines", "keep": "keep_open"}
_USUAL = {
    "eta_minutes": "30",
    "keep_days": "30",
    "opens": "Thursday 26 Nov., 10:00 ",
    "hours": "Thursday 26 Nov., 10:00 ",
}
_NAME = "x" * 16
_Node = TypeVar("_Node", bound=Hashable)
_PLACE = re.compile(r"\{([^{}]*)")
# Three digits in a row (short emergency numbers too), or six with dots, spaces, dashes, slashes
# or brackets between; "13 to 17", "13-17" and "10:30" are none.
_PHONE = re.compile(r"\d{3}|\+\s?\d|\d(?:[\s().\-/\u2010-\u2015\u00b7]{0,3}\d){5}")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing to mend: where it stands, which rule, and how to mend it. `line` 0 is the whole file."""

    file: str
    line: int
    rule: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: [{self.rule}] {self.sentence}"


def check(
    bundle: Bundle, actions: frozenset[str] | None = None, sms_size: Callable[[str], tuple[int, bool]] | None = None
) -> list[Finding]:
    """Everything found wrong with `bundle`; `actions` are the outside actions that exist, and
    `sms_size` says of a text how many SMS segments it takes, and whether it needs UCS-2."""
    found = [*_twice_started(bundle), *_circles(bundle), *_shared_commands(bundle)]
    languages = sorted({FALLBACK, *bundle.service, *bundle.texts})
    for flow in bundle.flows.values():
        found += _structure(bundle, flow, actions)
        for language in languages:
            found += _texts(bundle, flow, language)
    for language in languages:
        found += _service(bundle.service, language)
    if sms_size is not None:
        found += _long_sms(bundle, sms_size)
    return found


def _long_sms(bundle: Bundle, sms_size: Callable[[str], tuple[int, bool]]) -> Iterator[Finding]:
    """Texts that take more SMS segments than people can be asked to read, or we to pay.

    Two at most, with the answers they offer. Where a language needs UCS-2, which holds less than
    half, an answer to danger may take three, and so may a question with four answers or more.
    """
    for language, service in bundle.service.items():
        said = {SERVICE: service.texts, **bundle.texts.get(language, {})}
        for flow, texts in said.items():
            for key, text in texts.items():
                segments, wide = sms_size(_as_sms(text, service))
                more = wide and (key.startswith(IN_DANGER) or len(text.choices) >= _MANY)
                most = _SEGMENTS + more
                if segments > most and not _BY_DATA.search(text.text):
                    sentence = f'"{key}" takes {segments} SMS segments; {most} are the most: write a shorter `sms:`'
                    yield Finding(f"flows/{flow}/{language}.yml", 0, "long-sms", sentence)


def _as_sms(text: Text, service: Service) -> str:
    """What goes out, with values of a usual length."""
    said = {name: service.texts[key] for name, key in _SAID_BY_SERVICE.items() if key in service.texts}
    values = {name: one.sms or one.text for name, one in said.items()}
    body = _NAMED.sub(lambda found: values.get(found[1], _USUAL.get(found[1], _NAME)), text.sms or text.text)
    lines = [f"{number}. {choice.title}" for number, choice in enumerate(text.choices.values(), start=1)]
    return "\n".join([body, *lines])


def _twice_started(bundle: Bundle) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for flow in bundle.flows.values():
        for intent in flow.triggers:
            owner = owners.setdefault(intent, flow.id)
            if owner != flow.id:
                sentence = f'"{intent}" already starts "{owner}"; keep it in one of the two'
                yield Finding(f"flows/{flow.id}/flow.yml", 0, "intent-of-two-flows", sentence)


def _shared_commands(bundle: Bundle) -> Iterator[Finding]:
    """Commands are heard in every language at once, so a word may not be STOP in one and MENU in another."""
    owners: dict[str, str] = {}
    for language, service in bundle.service.items():
        for command, words in service.words.items():
            for word in words:
                owner = owners.setdefault(plain(word), command)
                if owner != command:
                    sentence = f'"{word}" is a word for "{owner}" and for "{command}"; keep one'
                    yield Finding(f"flows/service/{language}.yml", 0, "word-of-two-commands", sentence)


def _circles(bundle: Bundle) -> Iterator[Finding]:
    """The first step of each flow that comes back to itself without anything being asked."""

    def after(node: tuple[str, str]) -> list[tuple[str, str]]:
        flow = bundle.flows[node[0]]
        return _unasked(bundle, flow, flow.step(node[1]))

    for flow in bundle.flows.values():
        for step in flow.steps:
            node = (flow.id, step.id)
            if node in _reached(after(node), after):
                sentence = f'"{step.id}" comes back to itself and asks nothing on the way; end it or ask'
                yield Finding(f"flows/{flow.id}/flow.yml", step.line, "circle", sentence)
                break


def _unasked(bundle: Bundle, flow: Flow, step: Step) -> list[tuple[str, str]]:
    """The steps, with their flows, that may follow `step` before the contact is asked anything.

    A question on a circle is always asked, since going back empties its slot and so does beginning
    its flow; only one whose slot a step fills by itself may be passed.
    """
    if step.kind == "collect" and step.target not in _filled(bundle):
        return []
    below = [(flow.id, branch.then) for branch in step.next if branch.then != END]
    other = bundle.flows.get(step.target) if step.kind in {"link", "call"} else None
    if other is None:
        return below
    passes = step.kind == "call" and _ends_unasked(bundle, other)
    return [(other.id, other.steps[0].id), *(below if passes else [])]


def _filled(bundle: Bundle) -> set[str]:
    """The slots that some step sets without asking."""
    return {slot for flow in bundle.flows.values() for step in flow.steps for slot in step.values}


def _ends_unasked(bundle: Bundle, flow: Flow, inside: frozenset[str] = frozenset()) -> bool:
    """Whether `flow` can be played to its end without asking anything."""

    def after(step_id: str) -> list[str]:
        step = flow.step(step_id)
        if step.kind == "collect" and step.target not in _filled(bundle):
            return []
        other = bundle.flows.get(step.target) if step.kind in {"link", "call"} else None
        if other is not None and (other.id in within or not _ends_unasked(bundle, other, within)):
            return []
        return [END] if step.kind == "link" else [branch.then for branch in step.next]

    within = inside | {flow.id}
    return END in _reached([flow.steps[0].id], lambda step_id: [] if step_id == END else after(step_id))


def _reached(start: Iterable[_Node], after: Callable[[_Node], Iterable[_Node]]) -> set[_Node]:
    reached: set[_Node] = set()
    waiting = list(start)
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting += after(node)
    return reached


def _structure(bundle: Bundle, flow: Flow, actions: frozenset[str] | None) -> Iterator[Finding]:
    file = f"flows/{flow.id}/flow.yml"
    reached = _reachable(flow)
    for step in flow.steps:
        if step.id not in reached:
            yield Finding(file, step.line, "unreachable", f'no step leads to "{step.id}"; link it or delete it')
        if step.kind in {"link", "call"} and step.target not in bundle.flows:
            yield Finding(file, step.line, "unknown-flow", f'"{step.target}" is no flow; mend the name')
        outside = step.kind == "action" and not step.target.startswith("utter_")
        if outside and actions is not None and step.target not in actions:
            known = ", ".join(sorted(actions))
            yield Finding(file, step.line, "unknown-action", f'"{step.target}" is no action; known are {known}')
        for branch in step.next:
            problem = problem_in(branch.condition)
            if problem:
                yield Finding(file, step.line, "condition", f'"{branch.condition}" cannot be read: {problem}')


def _reachable(flow: Flow) -> set[str]:
    def after(step_id: str) -> list[str]:
        step = flow.step(step_id)
        return [] if step.kind == "link" else [branch.then for branch in step.next if branch.then != END]

    return _reached([flow.steps[0].id], after)


def _texts(bundle: Bundle, flow: Flow, language: str) -> Iterator[Finding]:
    file = f"flows/{flow.id}/{language}.yml"
    texts = bundle.texts.get(language, {}).get(flow.id)
    if texts is None:
        yield Finding(file, 0, "missing-language", "this flow has no texts in this language; write the file")
        return
    for step in flow.steps:
        key = _key(step)
        if key and key not in texts:
            yield Finding(file, 0, "missing-text", f'"{key}" is said by step "{step.id}"; write it')
        elif key:
            yield from _choices(file, step.choices, key, texts[key])
    model = bundle.texts.get(FALLBACK, {}).get(flow.id, {})
    for key, text in texts.items():
        yield from _one(file, key, text, model.get(key, text))


def _key(step: Step) -> str:
    if step.kind == "collect":
        return f"utter_ask_{step.target}"
    return step.target if step.target.startswith("utter_") else ""


def _choices(file: str, wanted: tuple[str, ...], key: str, text: Text) -> Iterator[Finding]:
    for value in wanted:
        if value not in text.choices:
            yield Finding(file, 0, "missing-choice", f'"{key}" offers "{value}" but gives it no title')
    for value in text.choices:
        if value not in wanted:
            yield Finding(file, 0, "unused-choice", f'"{key}" has a title for "{value}", which is never offered')
    yield from _shared_answers(file, wanted, key, text)


def _shared_answers(file: str, wanted: tuple[str, ...], key: str, text: Text) -> Iterator[Finding]:
    """The number an answer is shown with is one of its words too."""
    owners = {str(number): value for number, value in enumerate(wanted, start=1)}
    for value, choice in text.choices.items():
        for word in (choice.title, *choice.also):
            owner = owners.setdefault(plain(word), value)
            if owner != value:
                sentence = f'"{word}" answers "{key}" with "{owner}" and with "{value}"; keep one'
                yield Finding(file, 0, "word-of-two-answers", sentence)


def _one(file: str, key: str, text: Text, model: Text) -> Iterator[Finding]:
    named, wanted = set(_PLACE.findall(text.text)), set(_PLACE.findall(model.text))
    for place in sorted((named ^ wanted) | (set(_PLACE.findall(text.sms)) - wanted)):
        sentence = f'"{{{place}}}" of "{key}" is not in both this text and the English one; mend the name'
        yield Finding(file, 0, "placeholder", sentence)
    if len(text.text) > LONGEST:
        yield Finding(file, 0, "too-long", f'"{key}" has {len(text.text)} characters; {LONGEST} is the most')
    for form in (text.text, text.sms, *(choice.title for choice in text.choices.values())):
        if _PHONE.search(form):
            yield Finding(file, 0, "phone-number", f'"{key}" holds what looks like a phone number; lines are data')


def _service(services: Mapping[str, Service], language: str) -> Iterator[Finding]:
    file = f"flows/service/{language}.yml"
    if language not in services:
        yield Finding(file, 0, "missing-language", "the service has no texts in this language; write the file")
        return
    service, model = services[language], services.get(FALLBACK, services[language])
    for key, text in model.texts.items():
        if key not in service.texts:
            yield Finding(file, 0, "missing-text", f'"{key}" is said by the service; write it')
        else:
            yield from _choices(file, tuple(text.choices), key, service.texts[key])
            yield from _one(file, key, service.texts[key], text)
    for word in model.words:
        if not service.words.get(word):
            yield Finding(file, 0, "missing-words", f'no words for "{word}"; write at least one')
    if language == FALLBACK:
        yield from _essential(file, service)


def _essential(file: str, service: Service) -> Iterator[Finding]:
    """What playing any flow needs; the other languages are held to the English texts."""
    for key in SAID:
        if key not in service.texts:
            yield Finding(file, 0, "missing-text", f'"{key}" is said by the service; write it')
    offered = service.texts["way_out"].choices if "way_out" in service.texts else WAY_OUT
    for value in WAY_OUT:
        if value not in offered:
            yield Finding(file, 0, "missing-choice", f'"way_out" must offer "{value}"')
