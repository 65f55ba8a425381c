"""Whoever writes a flow wrongly is told the file, the line, the step, and what to do."""

from __future__ import annotations

import pytest

from bot.flow import FlowError, read_flows
from tests.flow.conftest import Folder

HEAD = "name: Test\ndescription: For a test.\n"
STEPS = HEAD + "steps:\n"

# name of the mistake: (flow.yml, line, step, words of the error)
WRONG_FLOWS = {
    "no steps": (HEAD, 1, "", "`steps` must list at least one step"),
    "empty steps": (HEAD + "steps: []\n", 1, "", "`steps` must list at least one step"),
    "steps are a mapping": (HEAD + "steps:\n  a: b\n", 1, "", "`steps` must list"),
    "unknown key": (HEAD + "stepps: []\n", 1, "", '"stepps" is not known here'),
    "step without id": (STEPS + "  - action: utter_x\n", 4, "", "needs an `id`"),
    "step is a word": (STEPS + "  - hello\n", 4, "", "each step is a mapping"),
    "id is a number": (STEPS + "  - id: 5\n    action: utter_x\n", 4, "", "needs an `id`"),
    "two kinds": (STEPS + "  - id: a\n    action: utter_x\n    noop: true\n", 4, "a", "needs exactly one of"),
    "no kind": (STEPS + "  - id: a\n    next: END\n", 4, "a", "found 0"),
    "unknown key of a step": (STEPS + "  - id: a\n    action: utter_x\n    then: b\n", 4, "a", '"then" is not known'),
    "second step": (STEPS + "  - id: a\n    noop: true\n  - id: b\n    nop: true\n", 6, "b", '"nop" is not known'),
    "same id twice": (STEPS + "  - id: a\n    noop: true\n  - id: a\n    noop: true\n", 6, "a", "taken by an earlier"),
    "goes nowhere": (STEPS + "  - id: a\n    noop: true\n    next: bb\n", 4, "a", 'goes to "bb", which is no step'),
    "branch goes nowhere": (
        STEPS + "  - id: a\n    noop: true\n    next:\n      - if: slots.x\n        then: bb\n      - else: END\n",
        4, "a", 'goes to "bb"',
    ),
    "no else": (
        STEPS + "  - id: a\n    noop: true\n    next:\n      - if: slots.x\n        then: END\n", 4, "a", "must close with `- else",
    ),
    "empty next": (STEPS + "  - id: a\n    noop: true\n    next: []\n", 4, "a", "must close with `- else"),
    "next is a number": (STEPS + "  - id: a\n    noop: true\n    next: 5\n", 4, "a", "`next` is a step id"),
    "branch without then": (
        STEPS + "  - id: a\n    noop: true\n    next:\n      - if: slots.x\n      - else: END\n", 4, "a", "each branch is",
    ),
    "collect without answer": (STEPS + "  - id: a\n    collect: x\n", 4, "a", "a `collect` needs"),
    "unknown answer": (STEPS + "  - id: a\n    collect: x\n    answer: date\n", 4, "a", "a `collect` needs"),
    "choices are one word": (STEPS + "  - id: a\n    collect: x\n    choices: safe\n", 4, "a", ""),
    "choices are a number": (STEPS + "  - id: a\n    collect: x\n    choices: 5\n", 4, "a", ""),
    "choices are empty": (STEPS + "  - id: a\n    collect: x\n    choices:\n", 4, "a", ""),
    "exact is no": (STEPS + "  - id: a\n    collect: x\n    choices: [y]\n    exact: no\n", 4, "a", ""),
    "low is a word": (STEPS + "  - id: a\n    collect: x\n    answer: number\n    low: zero\n", 4, "a", ""),
    "range of nothing": (
        STEPS + "  - id: a\n    collect: x\n    choices: [y]\n    ranges: {z: [1, 2]}\n", 4, "a", '`ranges` names "z"',
    ),
    "range of one number": (
        STEPS + "  - id: a\n    collect: x\n    choices: [y]\n    ranges: {y: [1]}\n", 4, "a", "two whole numbers",
    ),
    "range backwards": (
        STEPS + "  - id: a\n    collect: x\n    choices: [y]\n    ranges: {y: [2, 1]}\n", 4, "a", "two whole numbers",
    ),
    "ranges overlap": (
        STEPS + "  - id: a\n    collect: x\n    choices: [y, z]\n    ranges: {y: [1, 5], z: [5, 9]}\n", 4, "a", "overlaps",
    ),
    "action without name": (STEPS + "  - id: a\n    action:\n", 4, "a", ""),
    "set_slots is a mapping": (STEPS + "  - id: a\n    set_slots: {x: 1}\n", 4, "a", "`set_slots` is a list"),
    "set_slots of words": (STEPS + "  - id: a\n    set_slots: [x]\n", 4, "a", "`set_slots` is a list"),
    "trigger is a word": (HEAD + "nlu_trigger:\n  - greet\nsteps:\n  - id: a\n    noop: true\n", 1, "", "- intent: name"),
    "triggers are one word": (HEAD + "nlu_trigger: greet\nsteps:\n  - id: a\n    noop: true\n", 1, "", "- intent: name"),
    "triggers are empty": (HEAD + "nlu_trigger:\nsteps:\n  - id: a\n    noop: true\n", 1, "", ""),
    "key twice": (HEAD + "name: Again\n" + "steps:\n  - id: a\n    noop: true\n", 3, "", '"name" stands here twice'),
    "not YAML": (STEPS + "  - id: [a\n", 5, "", "not valid YAML"),
    "tabs": (STEPS + "\t- id: a\n", 4, "", "not valid YAML"),
    "a list": ("- a\n- b\n", 1, "", "must hold `key: value` lines"),
    "empty file": ("", 1, "", "must hold `key: value` lines"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG_FLOWS)
def test_a_mistake_in_a_flow_names_file_line_step_and_what_to_do(folder: Folder, mistake: str) -> None:
    text, line, step, words = WRONG_FLOWS[mistake]
    folder.write("wrong/flow.yml", text)
    with pytest.raises(FlowError) as raised:
        folder.read()
    file, _, at = raised.value.where.rpartition(":")
    assert file == str(folder.path / "wrong" / "flow.yml")
    assert int(at) == line
    assert raised.value.step == step
    assert words in raised.value.sentence


# name of the mistake: (file, old, new, line of the mistake, words of the error)
WRONG_TEXTS = {
    "another language": ("breathing/es.yml", "language: es", "language: en", 1, "must begin with `language: es`"),
    "no language": ("breathing/es.yml", "language: es\n", "", 1, "must begin with `language: es`"),
    "no texts": ("breathing/es.yml", "texts:", "text:", 1, "`texts` must hold"),
    "a text that is a number": ("breathing/en.yml", "utter_intro: Let", "utter_intro: 5 #", 3, "must be a text"),
    "a text that is missing": ("breathing/en.yml", "utter_intro: Let", "utter_intro: #", 3, "must be a text"),
    "unknown key of a text": ("breathing/en.yml", "    choices:", "    choises:", 3, '"choises" is not known'),
    "choices are a list": (
        "my_data/en.yml", "    choices:\n", "    choices: [erase, back]\n    x:\n", 3, "",
    ),
    "also is one word": ("my_data/en.yml", 'also: ["back", "no"]', "also: back", 3, ""),
    "also is empty": ("my_data/en.yml", 'also: ["back", "no"]', "also:", 3, ""),
    "a choice without a title": ("my_data/en.yml", '{title: "Go back", also: ["back", "no"]}', "{also: [x]}", 3, "a choice is"),
    "words of a command are one word": ("service/en.yml", "menu: [menu, main menu]", "menu: menu", 1, ""),
    "numbers are words": ("service/en.yml", "- [one]", "- one", 1, ""),
    "words are a list": ("service/en.yml", "words:\n", "words: []\nwurds:\n", 1, ""),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG_TEXTS)
def test_a_mistake_in_a_text_names_the_file_and_what_to_do(folder: Folder, mistake: str) -> None:
    file, old, new, line, words = WRONG_TEXTS[mistake]
    folder.change(file, old, new)
    with pytest.raises(FlowError) as raised:
        folder.read()
    where, _, at = raised.value.where.rpartition(":")
    assert where == str(folder.path / file)
    assert int(at) >= line
    assert words in raised.value.sentence
    assert raised.value.sentence


def test_bytes_that_are_no_text_name_the_file(folder: Folder) -> None:
    (folder.path / "breathing" / "en.yml").write_bytes(b"language: en\ntexts:\n  a: \xff\xfe\n")
    with pytest.raises(FlowError, match=r"en\.yml:1.*cannot be read"):
        folder.read()


def test_a_folder_that_is_not_there_is_said_to_be_missing(folder: Folder) -> None:
    with pytest.raises(FlowError, match="there is no such folder"):
        read_flows(folder.path / "nowhere")


def test_an_error_reads_as_one_sentence_with_its_place(folder: Folder) -> None:
    folder.write("wrong/flow.yml", STEPS + "  - id: a\n    noop: true\n    next: bb\n")
    with pytest.raises(FlowError) as raised:
        folder.read()
    place = f"{folder.path}/wrong/flow.yml:4"
    assert str(raised.value) == f'{place}, step "a": goes to "bb", which is no step of this flow'


# What is written is what is meant


def test_yes_no_on_and_off_are_words(folder: Folder) -> None:
    folder.write("words/flow.yml", STEPS + "  - id: a\n    collect: x\n    choices: [yes, no, on, off]\n")
    assert folder.read().flows["words"].steps[0].choices == ("yes", "no", "on", "off")


def test_a_choice_named_no_keeps_its_name_and_its_words(folder: Folder) -> None:
    folder.write(
        "words/en.yml",
        "language: en\ntexts:\n  utter_ask_x:\n    text: Well?\n    choices:\n      yes: Yes\n      no: {title: No, also: [off]}\n",
    )
    folder.write("words/flow.yml", STEPS + "  - id: a\n    collect: x\n    choices: [yes, no]\n")
    choices = folder.read().texts["en"]["words"]["utter_ask_x"].choices
    assert {value: (choice.title, choice.also) for value, choice in choices.items()} == {
        "yes": ("Yes", ()),
        "no": ("No", ("off",)),
    }


def test_true_and_false_are_still_true_and_false(folder: Folder) -> None:
    folder.write("words/flow.yml", STEPS + "  - id: a\n    set_slots:\n      - x: true\n      - y: yes\n      - z: 3\n")
    assert folder.read().flows["words"].steps[0].values == {"x": True, "y": "yes", "z": 3}


def test_a_step_without_next_goes_to_the_one_below_and_the_last_ends(folder: Folder) -> None:
    folder.write("words/flow.yml", STEPS + "  - id: a\n    noop: true\n  - id: b\n    noop: true\n")
    assert [step.next[0].then for step in folder.read().flows["words"].steps] == ["b", "END"]


def test_a_change_of_order_or_comment_is_the_same_content(folder: Folder) -> None:
    before = folder.read().hash
    folder.change("breathing/flow.yml", "name: Slow breathing", "# a remark\nname: Slow breathing")
    assert folder.read().hash == before


def test_a_folder_without_a_flow_in_it_is_no_flow(folder: Folder) -> None:
    folder.write("notes/readme.txt", "hello")
    assert "notes" not in folder.read().flows
