"""Checks of content before it is published: what would leave a person hanging or unread.

Owns: check(), Finding.
May import: the flow package's own values.
Start reading at: `check`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

from bot.flow.bundle import END, Bundle, Flow, Step, Text
from bot.flow.conditions import problem_in
from bot.flow.interpreter import WAY_OUT

LONGEST = 1024
_PHONE = re.compile(r"\+?\d[\d ()-]{5,}\d")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing to mend: where it stands, which rule, and how to mend it. `line` 0 is the whole file."""

    file: str
    line: int
    rule: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: [{self.rule}] {self.sentence}"


def check(bundle: Bundle, actions: frozenset[str] | None = None) -> list[Finding]:
    """Everything found wrong with `bundle`; `actions` are the outside actions that exist."""
    found: list[Finding] = []
    for flow in bundle.flows.values():
        found += _structure(bundle, flow, actions)
        for language in bundle.service:
            found += _texts(bundle, flow, language)
    for language, service in bundle.service.items():
        found += _service(bundle, language, service.texts)
    return found


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
    reached, waiting = set(), [flow.steps[0].id]
    while waiting:
        step_id = waiting.pop()
        if step_id in reached or step_id == END:
            continue
        reached.add(step_id)
        step = flow.step(step_id)
        if step.kind != "link":
            waiting += [branch.then for branch in step.next]
    return reached


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
    for key, text in texts.items():
        yield from _one(file, key, text)


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


def _one(file: str, key: str, text: Text) -> Iterator[Finding]:
    if len(text.text) > LONGEST:
        yield Finding(file, 0, "too-long", f'"{key}" has {len(text.text)} characters; {LONGEST} is the most')
    for form in (text.text, text.sms):
        if _PHONE.search(form):
            yield Finding(file, 0, "phone-number", f'"{key}" holds what looks like a phone number; lines are data')


def _service(bundle: Bundle, language: str, texts: Mapping[str, Text]) -> Iterator[Finding]:
    file = f"flows/service/{language}.yml"
    model = bundle.service["en"]
    for key, text in model.texts.items():
        if key not in texts:
            yield Finding(file, 0, "missing-text", f'"{key}" is said by the service; write it')
        else:
            yield from _choices(file, tuple(text.choices), key, texts[key])
            yield from _one(file, key, texts[key])
    for word in model.words:
        if not bundle.service[language].words.get(word):
            yield Finding(file, 0, "missing-words", f'no words for "{word}"; write at least one')
    for value in WAY_OUT:
        if value not in model.texts["way_out"].choices:
            yield Finding("flows/service/en.yml", 0, "missing-choice", f'"way_out" must offer "{value}"')
