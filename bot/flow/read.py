"""Reading flows and texts from their folders; every error names file, line and what to do.

Owns: read_flows(), FlowError.
May import: PyYAML.
Start reading at: `read_flows`.

    flows/<flow>/flow.yml            name, description, nlu_trigger, steps
    flows/<flow>/<language>.yml      language, sign_off, texts
    flows/service/<language>.yml     language, sign_off, texts, words, numbers
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from bot.flow.bundle import END, Branch, Bundle, Choice, Flow, Service, Step, Text

_T = TypeVar("_T", bool, int, str)

SERVICE = "service"
KINDS = ("action", "collect", "set_slots", "link", "call", "noop")
_STEP_KEYS = {*KINDS, "id", "next", "answer", "choices", "choices_from", "exact", "low", "high", "ranges"}
_WRITTEN = {bool: "`true` or `false`", int: "a whole number", str: "a word or a text"}
_FLOW_KEYS = {"name", "description", "nlu_trigger", "steps"}


class FlowError(Exception):
    """A flow or text cannot be read. `where` is file and line, `step` the step's id if known."""

    def __init__(self, where: str, sentence: str, step: str = "") -> None:
        self.where, self.sentence, self.step = where, sentence, step
        at_step = f', step "{step}"' if step else ""
        super().__init__(f"{where}{at_step}: {sentence}")


class _Loader(yaml.SafeLoader):
    """YAML where yes, no, on and off are words, keys are unique, and all know their line."""


class Mapped(dict[str, Any]):
    """A mapping that knows the line it began on."""

    line = 0


class Listed(list[Any]):
    """A list that knows the line of each of its items."""

    lines: Sequence[int] = ()


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Mapped:
    found = Mapped()
    found.line = node.start_mark.line + 1
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in found:
            raise yaml.MarkedYAMLError(problem=f'"{key}" stands here twice', problem_mark=key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _sequence(loader: _Loader, node: yaml.SequenceNode) -> Listed:
    found = Listed(loader.construct_object(item, deep=True) for item in node.value)
    found.lines = [item.start_mark.line + 1 for item in node.value]
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _sequence)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:bool"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def read_yaml(path: Path) -> Mapped:
    """One YAML file that holds a mapping. Raises FlowError."""
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FlowError(f"{path}:{line}", f"not valid YAML: {error.problem}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FlowError(f"{path}:1", f"cannot be read: {error}") from error
    if not isinstance(found, Mapped):
        raise FlowError(f"{path}:1", "must hold `key: value` lines")
    return found


def read_flows(folder: Path) -> Bundle:
    """Everything under `folder`, compiled. Raises FlowError at the first thing that is wrong."""
    if not folder.is_dir():
        raise FlowError(str(folder), "there is no such folder; flows are read from here")
    names = sorted(path.name for path in folder.iterdir() if (path / "flow.yml").is_file())
    flows = {name: _read_flow(folder / name / "flow.yml", name) for name in names}
    texts: dict[str, dict[str, Mapping[str, Text]]] = {}
    for name in names:
        for path in sorted((folder / name).glob("??.yml")):
            texts.setdefault(path.stem, {})[name] = _read_texts(path, read_yaml(path))
    service = {path.stem: _read_service(path) for path in sorted((folder / SERVICE).glob("??.yml"))}
    return Bundle(flows, texts, service)


def _read_flow(path: Path, name: str) -> Flow:
    data = read_yaml(path)
    _only(path, data, _FLOW_KEYS)
    steps = data.get("steps")
    where = f"{path}:{data.line}"
    if not isinstance(steps, Listed) or not steps:
        raise FlowError(where, "`steps` must list at least one step")
    ids = [_step_id(f"{path}:{line}", step) for line, step in zip(steps.lines, steps, strict=True)]
    compiled = tuple(_step(path, step, after) for step, after in zip(steps, [*ids[1:], END], strict=True))
    _check_targets(path, compiled)
    description = _given(where, data, "description", "")
    return Flow(name, _given(where, data, "name", name), description, compiled, _triggers(where, data))


def _triggers(where: str, data: Mapped) -> tuple[str, ...]:
    given = data.get("nlu_trigger", Listed())
    if not isinstance(given, Listed) or not all(isinstance(one, Mapped) for one in given):
        raise FlowError(where, "each `nlu_trigger` is written `- intent: name`")
    if not all(isinstance(one.get("intent"), str) for one in given):
        raise FlowError(where, "each `nlu_trigger` is written `- intent: name`")
    return tuple(one["intent"] for one in given)


def _step_id(where: str, step: Any) -> str:
    if not isinstance(step, Mapped):
        raise FlowError(where, "each step is a mapping that begins with `- id: name`")
    if not isinstance(step.get("id"), str):
        raise FlowError(where, "the step needs an `id`, a word of its own")
    return str(step["id"])


def _given(where: str, data: Mapped, key: str, default: _T, step: str = "") -> _T:
    """What stands under `key`, of the same type as `default`."""
    given: _T = data.get(key, default)
    if type(given) is not type(default):
        raise FlowError(where, f"`{key}` must be {_WRITTEN[type(default)]}", step)
    return given


def _words(where: str, name: str, given: Any, step: str = "") -> tuple[str, ...]:
    if not isinstance(given, Listed) or not all(isinstance(one, (str, int, float)) for one in given):
        raise FlowError(where, f"`{name}` is a list of words, written [one, two]", step)
    return tuple(str(one) for one in given)


def _step(path: Path, data: Mapped, after: str) -> Step:
    where = f"{path}:{data.line}"
    step_id = _step_id(where, data)
    _only(path, data, _STEP_KEYS, step_id)
    kinds = [kind for kind in KINDS if kind in data]
    if len(kinds) != 1:
        raise FlowError(where, f"needs exactly one of {', '.join(KINDS)}; found {len(kinds)}", step_id)
    kind = kinds[0]
    values = data[kind] if kind == "set_slots" else []
    choices = _words(where, "choices", data.get("choices", Listed()), step_id)
    return Step(
        id=step_id,
        kind=kind,
        target=_target(where, step_id, data, kind),
        next=_branches(where, step_id, data.get("next"), after),
        answer=_answer(where, step_id, data) if kind == "collect" else "",
        choices=choices,
        choices_from=_given(where, data, "choices_from", "", step_id),
        exact=_given(where, data, "exact", False, step_id),
        low=_given(where, data, "low", 0, step_id),
        high=_given(where, data, "high", 10, step_id),
        values=_values(where, step_id, values),
        ranges=_ranges(where, step_id, data.get("ranges", Mapped()), choices),
        line=data.line,
    )


def _target(where: str, step_id: str, data: Mapped, kind: str) -> str:
    if kind in {"set_slots", "noop"}:
        return ""
    target = _given(where, data, kind, "", step_id)
    if not target:
        raise FlowError(where, f"`{kind}` must name something", step_id)
    return target


def _answer(where: str, step_id: str, data: Mapped) -> str:
    answer = str(data.get("answer", "choice" if data.get("choices") or data.get("choices_from") else ""))
    if answer not in {"choice", "number", "text"}:
        raise FlowError(
            where, "a `collect` needs `choices:`, `choices_from:`, `answer: number` or `answer: text`", step_id
        )
    return answer


def _values(where: str, step_id: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, list) or not all(isinstance(one, Mapped) for one in given):
        raise FlowError(where, "`set_slots` is a list of `- name: value`", step_id)
    return {name: value for one in given for name, value in one.items()}


def _ranges(where: str, step_id: str, given: Any, choices: Sequence[str]) -> dict[str, tuple[int, int]]:
    if not isinstance(given, Mapped):
        raise FlowError(where, "`ranges` holds `choice: [first, last]` lines", step_id)
    found: dict[str, tuple[int, int]] = {}
    for value, ends in given.items():
        if value not in choices:
            raise FlowError(where, f'`ranges` names "{value}", which is none of `choices`', step_id)
        if not isinstance(ends, Listed) or [type(end) for end in ends] != [int, int] or ends[0] > ends[1]:
            raise FlowError(where, f'the range of "{value}" is two whole numbers, written [first, last]', step_id)
        first, last = ends
        if any(first <= other[1] and other[0] <= last for other in found.values()):
            raise FlowError(where, f'the range of "{value}" overlaps another one; a number means one choice', step_id)
        found[value] = (first, last)
    return found


def _branches(where: str, step_id: str, given: Any, after: str) -> tuple[Branch, ...]:
    if given is None:
        return (Branch("", after),)
    if isinstance(given, str):
        return (Branch("", given),)
    if not isinstance(given, list):
        raise FlowError(where, "`next` is a step id, END, or a list of if/then and else", step_id)
    branches = tuple(_branch(where, step_id, one) for one in given)
    if not branches or branches[-1].condition:
        raise FlowError(where, "`next` must close with `- else: step`, so that no one is left hanging", step_id)
    return branches


def _branch(where: str, step_id: str, one: Any) -> Branch:
    if isinstance(one, Mapped) and set(one) == {"if", "then"}:
        return Branch(str(one["if"]), str(one["then"]))
    if isinstance(one, Mapped) and set(one) == {"else"}:
        return Branch("", str(one["else"]))
    raise FlowError(where, "each branch is `- if: condition` with `then: step`, or `- else: step`", step_id)


def _check_targets(path: Path, steps: Sequence[Step]) -> None:
    known: set[str] = set()
    for step in steps:
        if step.id in known:
            raise FlowError(f"{path}:{step.line}", "this id is taken by an earlier step", step.id)
        known.add(step.id)
    for step in steps:
        for branch in step.next:
            if branch.then not in known | {END}:
                raise FlowError(
                    f"{path}:{step.line}", f'goes to "{branch.then}", which is no step of this flow', step.id
                )


def _only(path: Path, data: Mapped, allowed: set[str], step: str = "") -> None:
    for key in data:
        if key not in allowed:
            raise FlowError(
                f"{path}:{data.line}", f'"{key}" is not known here; known are {", ".join(sorted(allowed))}', step
            )


def _read_texts(path: Path, data: Mapped) -> dict[str, Text]:
    if data.get("language") != path.stem:
        raise FlowError(f"{path}:1", f"must begin with `language: {path.stem}`")
    texts = data.get("texts")
    if not isinstance(texts, Mapped):
        raise FlowError(f"{path}:{data.line}", "`texts` must hold `name: text` lines")
    return {key: _text(path, texts.line, key, value) for key, value in texts.items()}


def _text(path: Path, line: int, key: str, value: Any) -> Text:
    if isinstance(value, str):
        return Text(value.strip())
    if not isinstance(value, Mapped) or not isinstance(value.get("text"), str):
        raise FlowError(f"{path}:{line}", f'"{key}" must be a text, or a mapping with `text:`')
    _only(path, value, {"text", "sms", "choices"})
    choices = value.get("choices", Mapped())
    if not isinstance(choices, Mapped):
        raise FlowError(f"{path}:{value.line}", f'the choices of "{key}" are `value: title` lines')
    return Text(
        value["text"].strip(),
        _given(f"{path}:{value.line}", value, "sms", "").strip(),
        {name: _choice(path, choices.line, one) for name, one in choices.items()},
    )


def _choice(path: Path, line: int, one: Any) -> Choice:
    if isinstance(one, Mapped) and "title" in one:
        return Choice(str(one["title"]), _words(f"{path}:{one.line}", "also", one.get("also", Listed())))
    if isinstance(one, Mapped | list) or one is None:
        raise FlowError(f"{path}:{line}", "a choice is a title, or a mapping with `title:` and `also:`")
    return Choice(str(one))


def _read_service(path: Path) -> Service:
    data = read_yaml(path)
    where = f"{path}:{data.line}"
    words, numbers = data.get("words", Mapped()), data.get("numbers", Listed())
    if not isinstance(words, Mapped) or not isinstance(numbers, Listed):
        raise FlowError(where, "`words` holds `command: [words]`, `numbers` a list of lists")
    return Service(
        _read_texts(path, data),
        {command: _words(f"{path}:{words.line}", command, listed) for command, listed in words.items()},
        tuple(_words(where, "numbers", spellings) for spellings in numbers),
    )
