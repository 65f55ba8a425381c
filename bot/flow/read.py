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
from typing import Any

import yaml

from bot.flow.bundle import END, Branch, Bundle, Choice, Flow, Service, Step, Text

SERVICE = "service"
KINDS = ("action", "collect", "set_slots", "link", "call", "noop")
_STEP_KEYS = {*KINDS, "id", "next", "answer", "choices", "choices_from", "exact", "low", "high"}
_FLOW_KEYS = {"name", "description", "nlu_trigger", "steps"}


class FlowError(Exception):
    """A flow or text cannot be read. `where` is file and line, `step` the step's id if known."""

    def __init__(self, where: str, sentence: str, step: str = "") -> None:
        self.where, self.sentence, self.step = where, sentence, step
        at_step = f', step "{step}"' if step else ""
        super().__init__(f"{where}{at_step}: {sentence}")


class _Loader(yaml.SafeLoader):
    """YAML where yes, no, on and off are words, keys are unique, and mappings know their line."""


class Mapped(dict[str, Any]):
    """A mapping that knows the line it began on."""

    line = 0


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Mapped:
    found = Mapped()
    found.line = node.start_mark.line + 1
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in found:
            raise yaml.MarkedYAMLError(problem=f'"{key}" stands here twice', problem_mark=key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
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
    if not isinstance(steps, list) or not steps:
        raise FlowError(f"{path}:{data.line}", "`steps` must list at least one step")
    following = [_step_id(path, step) for step in steps[1:]] + [END]
    compiled = tuple(_step(path, s, after) for s, after in zip(steps, following, strict=True))
    _check_targets(path, compiled)
    triggers = tuple(_trigger(path, data, one) for one in data.get("nlu_trigger", []))
    return Flow(name, str(data.get("name", name)), str(data.get("description", "")), compiled, triggers)


def _trigger(path: Path, data: Mapped, one: Any) -> str:
    if isinstance(one, Mapped) and isinstance(one.get("intent"), str):
        return str(one["intent"])
    raise FlowError(f"{path}:{data.line}", "each `nlu_trigger` is written `- intent: name`")


def _step_id(path: Path, step: Any) -> str:
    if not isinstance(step, Mapped):
        raise FlowError(str(path), "each step is a mapping that begins with `- id: name`")
    if not isinstance(step.get("id"), str):
        raise FlowError(f"{path}:{step.line}", "the step needs an `id`, a word of its own")
    return str(step["id"])


def _step(path: Path, data: Mapped, after: str) -> Step:
    step_id = _step_id(path, data)
    where = f"{path}:{data.line}"
    _only(path, data, _STEP_KEYS, step_id)
    kinds = [kind for kind in KINDS if kind in data]
    if len(kinds) != 1:
        raise FlowError(where, f"needs exactly one of {', '.join(KINDS)}; found {len(kinds)}", step_id)
    kind = kinds[0]
    values = data[kind] if kind == "set_slots" else []
    return Step(
        id=step_id,
        kind=kind,
        target="" if kind in {"set_slots", "noop"} else str(data[kind]),
        next=_branches(where, step_id, data.get("next"), after),
        answer=_answer(where, step_id, data) if kind == "collect" else "",
        choices=tuple(str(choice) for choice in data.get("choices", [])),
        choices_from=str(data.get("choices_from", "")),
        exact=bool(data.get("exact", False)),
        low=int(data.get("low", 0)),
        high=int(data.get("high", 10)),
        values=_values(where, step_id, values),
        line=data.line,
    )


def _answer(where: str, step_id: str, data: Mapped) -> str:
    answer = str(data.get("answer", "choice" if "choices" in data or "choices_from" in data else ""))
    if answer not in {"choice", "number", "text"}:
        raise FlowError(
            where, "a `collect` needs `choices:`, `choices_from:`, `answer: number` or `answer: text`", step_id
        )
    return answer


def _values(where: str, step_id: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, list) or not all(isinstance(one, Mapped) for one in given):
        raise FlowError(where, "`set_slots` is a list of `- name: value`", step_id)
    return {name: value for one in given for name, value in one.items()}


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
        str(value.get("sms", "")).strip(),
        {name: _choice(path, choices.line, one) for name, one in choices.items()},
    )


def _choice(path: Path, line: int, one: Any) -> Choice:
    if isinstance(one, Mapped) and "title" in one:
        return Choice(str(one["title"]), tuple(str(word) for word in one.get("also", [])))
    if isinstance(one, Mapped | list) or one is None:
        raise FlowError(f"{path}:{line}", "a choice is a title, or a mapping with `title:` and `also:`")
    return Choice(str(one))


def _read_service(path: Path) -> Service:
    data = read_yaml(path)
    words, numbers = data.get("words", Mapped()), data.get("numbers", [])
    if not isinstance(words, Mapped) or not isinstance(numbers, list):
        raise FlowError(f"{path}:{data.line}", "`words` holds `command: [words]`, `numbers` a list of lists")
    return Service(
        _read_texts(path, data),
        {command: tuple(str(word) for word in listed) for command, listed in words.items()},
        tuple(tuple(str(word) for word in spellings) for spellings in numbers),
    )
