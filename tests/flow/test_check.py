"""What would leave a person hanging or unread is found before it is published."""

from __future__ import annotations

import warnings

import pytest

from bot.channels.segments import own_sms_size
from bot.conversation.effects import KNOWN_ACTIONS
from bot.flow import check
from tests.flow.conftest import Folder

LONG = "x" * 1025

# rule and case: (file, old, new, file that is named)
MISTAKES = {
    "unreachable": ("hard_days/flow.yml", "then: to_groups", "then: to_breathing", "hard_days/flow.yml"),
    "unknown-flow": ("hard_days/flow.yml", "link: groups", "link: gruops", "hard_days/flow.yml"),
    "unknown-action": ("my_data/flow.yml", "action: request_deletion", "action: erase_all", "my_data/flow.yml"),
    "condition, unknown name": ("hard_days/flow.yml", "slots.hard_days_choice == 'groups'", "slot.x", "hard_days/flow.yml"),
    "condition, code": ("hard_days/flow.yml", "slots.hard_days_choice == 'groups'", "open('x')", "hard_days/flow.yml"),
    "condition, broken": ("hard_days/flow.yml", "slots.hard_days_choice == 'groups'", "(((", "hard_days/flow.yml"),
    "condition, nonsense": ("hard_days/flow.yml", "slots.hard_days_choice == 'groups'", "1 / 0", "hard_days/flow.yml"),
    "missing-text": ("hard_days/uk.yml", "utter_hear:", "utter_heard:", "hard_days/uk.yml"),
    "missing-text, question": ("hard_days/ru.yml", "utter_ask_hard_days_choice:", "utter_ask:", "hard_days/ru.yml"),
    "missing-text, service": ("service/fr.yml", "  resume:", "  resumed:", "service/fr.yml"),
    "missing-choice": ("hard_days/flow.yml", "[breathing, groups, person]", "[breathing, groups, person, other]", "hard_days/en.yml"),
    "missing-choice, service": ("service/es.yml", "      unsure:", "      unsafe:", "service/es.yml"),
    "missing-choice, way out": ("service/en.yml", "      again: {", "      anew: {", "service/en.yml"),
    "unused-choice": ("hard_days/flow.yml", "[breathing, groups, person]", "[breathing, person]", "hard_days/ar.yml"),
    "too-long": ("hard_days/en.yml", "utter_hear: ", f"utter_hear: {LONG} ", "hard_days/en.yml"),
    "phone-number": ("hard_days/en.yml", "utter_hear: ", "utter_hear: Call 800 555 0199. ", "hard_days/en.yml"),
    "phone-number, international": ("service/en.yml", "  exited: ", "  exited: Call +57 300 111 2222. ", "service/en.yml"),
    "phone-number, dots": ("hard_days/en.yml", "utter_hear: ", "utter_hear: Call 80.05.50.19. ", "hard_days/en.yml"),
    "phone-number, slashes": ("hard_days/en.yml", "utter_hear: ", "utter_hear: Call 80/05/50. ", "hard_days/en.yml"),
    "phone-number, short": ("hard_days/en.yml", "utter_hear: ", "utter_hear: Call 112. ", "hard_days/en.yml"),
    "phone-number, Arabic digits": ("hard_days/ar.yml", "utter_hear: ", "utter_hear: ١١٢ ", "hard_days/ar.yml"),
    "missing-words": ("service/uk.yml", "  repeat: [", "  repeated: [", "service/uk.yml"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_every_kind_of_mistake_is_found_and_its_file_is_named(folder: Folder, case: str) -> None:
    file, old, new, named = MISTAKES[case]
    folder.change(file, old, new)
    found = check(folder.read(), KNOWN_ACTIONS)
    rule = case.partition(",")[0]
    assert (rule, f"flows/{named}") in {(one.rule, one.file) for one in found}
    for one in found:
        assert one.sentence and str(one).startswith(f"{one.file}:{one.line}: [{one.rule}]")


def test_a_flow_without_texts_in_a_language_is_found(folder: Folder) -> None:
    folder.delete("hard_days/ar.yml")
    (found,) = check(folder.read(), KNOWN_ACTIONS)
    assert (found.rule, found.file) == ("missing-language", "flows/hard_days/ar.yml")


def test_a_step_that_is_wrong_is_named_by_its_line(folder: Folder) -> None:
    folder.change("hard_days/flow.yml", "link: groups", "link: gruops")
    lines = (folder.path / "hard_days" / "flow.yml").read_text().splitlines()
    (found,) = check(folder.read(), KNOWN_ACTIONS)
    assert lines[found.line - 1] == "  - id: to_groups"


def test_a_word_for_two_commands_is_found(folder: Folder) -> None:
    """Else STOP in one language could be MENU in another."""
    folder.change("service/es.yml", "  exit: [", "  exit: [menu principal, ")
    assert check(folder.read(), KNOWN_ACTIONS) != []


def test_a_word_for_two_answers_of_one_question_is_found(folder: Folder) -> None:
    folder.change("my_data/en.yml", 'also: ["back", "no"]', 'also: ["back", "no", "erase"]')
    assert check(folder.read(), KNOWN_ACTIONS) != []


def test_a_placeholder_that_only_one_language_has_is_found(folder: Folder) -> None:
    folder.change("talk_to_person/es.yml", "{opens}", "{abre}")
    assert check(folder.read(), KNOWN_ACTIONS) != []


def test_a_circle_without_a_question_is_found(folder: Folder) -> None:
    again = "    next:\n      - if: slots.misses\n        then: hear\n      - else: ask\n"
    folder.change("hard_days/flow.yml", "  - id: ask\n", f"{again}  - id: ask\n")
    assert check(folder.read(), KNOWN_ACTIONS) != []


BACK = "    next:\n      - if: slots.hard_days_choice == 'none'\n        then: hear\n"
ASKED = "    choices: [breathing, groups, person]\n    next:\n"


def test_going_back_to_a_question_is_no_circle(folder: Folder) -> None:
    folder.change("hard_days/flow.yml", ASKED, ASKED.replace("    next:\n", BACK))
    assert check(folder.read(), KNOWN_ACTIONS) == []


def test_a_question_whose_answer_is_set_beforehand_does_not_break_a_circle(folder: Folder) -> None:
    folder.change("hard_days/flow.yml", ASKED, ASKED.replace("    next:\n", BACK))
    folder.change(
        "hard_days/flow.yml", "  - id: ask\n", "  - id: known\n    set_slots: [{hard_days_choice: none}]\n  - id: ask\n"
    )
    assert [one.rule for one in check(folder.read(), KNOWN_ACTIONS)] == ["circle"]


@pytest.mark.parametrize(("else_", "rules"), [("END", ["circle"]), ("ask", [])])
def test_a_called_flow_breaks_a_circle_only_if_it_always_asks(folder: Folder, else_: str, rules: list[str]) -> None:
    """`side` has a question, but may end without it."""
    folder.write(
        "side/flow.yml",
        "name: S\ndescription: S\nsteps:\n  - id: a\n    noop: true\n    next:\n      - if: slots.x\n        then: ask\n"
        f"      - else: {else_}\n  - id: ask\n    collect: aside\n    answer: text\n    next: END\n",
    )
    folder.write(
        "round/flow.yml",
        "name: R\ndescription: R\nsteps:\n  - id: a\n    call: side\n  - id: b\n    noop: true\n    next: a\n",
    )
    for language in ("en", "es", "fr", "ar", "uk", "ru"):
        folder.write(f"side/{language}.yml", f"language: {language}\ntexts: {{utter_ask_aside: Well}}\n")
        folder.write(f"round/{language}.yml", f"language: {language}\ntexts: {{}}\n")
    assert [one.rule for one in check(folder.read(), KNOWN_ACTIONS)] == rules


def test_ages_and_times_are_no_phone_numbers(folder: Folder) -> None:
    folder.change("hard_days/en.yml", "utter_hear: ", "utter_hear: From 13-17, 13 to 17, at 10:30, 3/10, 24 hours. ")
    assert check(folder.read(), KNOWN_ACTIONS) == []


def long_sms(folder: Folder) -> list[str]:
    return [one.file for one in check(folder.read(), KNOWN_ACTIONS, own_sms_size) if one.rule == "long-sms"]


def test_no_shipped_text_takes_more_sms_segments_than_allowed(folder: Folder) -> None:
    assert long_sms(folder) == []


def test_a_text_without_a_shorter_form_for_sms_is_found(folder: Folder) -> None:
    folder.change("hard_days/en.yml", "utter_hear: ", f"utter_hear: {'word ' * 62}")
    folder.change("hard_days/ru.yml", "utter_hear: ", f"utter_hear: {'слово ' * 23}")
    assert sorted(long_sms(folder)) == ["flows/hard_days/en.yml", "flows/hard_days/ru.yml"]


@pytest.mark.parametrize(("key", "found"), [("exited", ["flows/service/uk.yml"]), ("still_danger_too", [])])
def test_only_answers_to_danger_may_take_three_segments_where_a_language_needs_it(
    folder: Folder, key: str, found: list[str]
) -> None:
    folder.change("service/uk.yml", "  any_place:", f"  {key}: {'слово ' * 25}\n  any_place:")
    folder.change("service/uk.yml", "  exited:", "  exited_:") if key == "exited" else None
    assert long_sms(folder) == found


def test_accents_alone_make_no_sms_longer(folder: Folder) -> None:
    """On SMS our own Spanish and French texts go without them."""
    folder.change("hard_days/es.yml", "utter_hear: ", f"utter_hear: {'día ' * 40}")
    assert long_sms(folder) == []


def test_one_equals_sign_in_place_of_two_is_found_and_not_always_true(folder: Folder) -> None:
    folder.change("hard_days/flow.yml", "slots.hard_days_choice == 'groups'", "slots.hard_days_choice = 'groups'")
    with warnings.catch_warnings(action="ignore"):
        assert [one.rule for one in check(folder.read(), KNOWN_ACTIONS)] == ["condition"]


def test_a_phone_number_in_a_choice_is_found(folder: Folder) -> None:
    folder.change("my_data/en.yml", '"Go back"', '"Call 800 555 0199"')
    assert check(folder.read(), KNOWN_ACTIONS) != []


def test_an_intent_that_starts_two_flows_is_found(folder: Folder) -> None:
    folder.change("hard_days/flow.yml", "intent: feel_sad", "intent: panic")
    assert check(folder.read(), KNOWN_ACTIONS) != []


def test_without_english_the_check_says_so_in_a_sentence(folder: Folder) -> None:
    folder.delete("service/en.yml")
    assert check(folder.read(), KNOWN_ACTIONS) != []
