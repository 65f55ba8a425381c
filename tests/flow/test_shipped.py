"""The flows as they are shipped: complete in every language, and nobody is left hanging in them."""

from __future__ import annotations

import json
import re

import pytest

from bot.conversation.checks import Check, after_answer, offered
from bot.conversation.decide import _FLOW_OF_WORD, WELCOME
from bot.conversation.effects import KNOWN_ACTIONS
from bot.flow import Bundle, Say, check, render
from bot.flow.bundle import Step, Text
from bot.flow.interpreter import MENU, PERSON
from tests.world import shipped

LANGUAGES = ["ar", "en", "es", "fr", "ru", "uk"]
FLOWS = sorted(shipped().flows)
_PLACE = re.compile(r"\{(\w*)\}?")
# What texts may name, and who gives it.
FACTS = {"on_duty", "eta_minutes", "opens", "hours", "lines", "keep", "keep_days", "org", "line_list", "until"}
RESULTS = {"group_name", "meeting_time", "meeting_place", "services_text", "paused_until"}
FILLED = dict.fromkeys(FACTS | RESULTS, "VALUE")


def all_texts() -> list[tuple[str, str, str, Text]]:
    """(language, flow, key, text); flow "" is the service."""
    bundle = shipped()
    found = [
        (language, flow, key, text)
        for language, flows in bundle.texts.items()
        for flow, texts in flows.items()
        for key, text in texts.items()
    ]
    return found + [
        (language, "", key, text) for language, service in bundle.service.items() for key, text in service.texts.items()
    ]


def english(flow: str, key: str) -> Text:
    return shipped().texts["en"][flow][key] if flow else shipped().service["en"].texts[key]


def test_the_shipped_flows_pass_their_own_checks() -> None:
    assert [str(finding) for finding in check(shipped(), KNOWN_ACTIONS)] == []


def test_the_languages_are_the_ones_we_say_we_speak() -> None:
    assert sorted(shipped().texts) == sorted(shipped().service) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_in_every_language(language: str) -> None:
    missing = [
        (flow, key)
        for _, flow, key, _ in all_texts()
        if key not in (shipped().texts[language].get(flow, {}) if flow else shipped().service[language].texts)
    ]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_left_in_english(language: str) -> None:
    if language == "en":
        return
    same = [
        (flow, key)
        for code, flow, key, text in all_texts()
        if code == language and text.text == english(flow, key).text
    ]
    assert set(same) <= {("change_language", "utter_ask_language")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_names_exactly_what_the_english_one_names(language: str) -> None:
    """A promise without its time, or a time that is never filled, is found here."""
    different = [
        (flow, key)
        for code, flow, key, text in all_texts()
        if code == language and set(_PLACE.findall(text.text)) != set(_PLACE.findall(english(flow, key).text))
    ]
    assert different == []


def test_texts_name_nothing_that_nobody_gives() -> None:
    named = {name for *_, text in all_texts() for form in (text.text, text.sms) for name in _PLACE.findall(form)}
    assert named <= FACTS | RESULTS


@pytest.mark.parametrize("channel", ["whatsapp", "sms", "simulator"])
def test_no_text_is_sent_with_a_gap_in_it(channel: str) -> None:
    for language, flow, key, text in all_texts():
        shown = render(shipped(), Say(flow, key, FILLED, tuple(text.choices)), language, channel)
        assert not {"{", "}"} & set(shown), (language, flow, key)
        assert ("VALUE" in shown) == bool(_PLACE.search(text.sms if channel == "sms" and text.sms else text.text))


def test_the_plainer_sms_form_promises_nothing_that_the_long_one_does_not() -> None:
    for language, flow, key, text in all_texts():
        assert set(_PLACE.findall(text.sms)) <= set(_PLACE.findall(text.text)), (language, flow, key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_fit_a_row_of_a_whatsapp_list_or_are_at_least_one_line(language: str) -> None:
    for code, _, key, text in all_texts():
        if code == language:
            assert len(text.choices) <= 10, key
            assert all("\n" not in choice.title and choice.title.strip() for choice in text.choices.values()), key


# The structure


@pytest.mark.parametrize("name", FLOWS)
def test_every_step_of_every_flow_can_be_reached(name: str) -> None:
    flow = shipped().flows[name]
    reached, waiting = set(), [flow.steps[0].id]
    while waiting:
        at = waiting.pop()
        if at != "END" and at not in reached:
            reached.add(at)
            waiting += [branch.then for branch in flow.step(at).next if flow.step(at).kind != "link"]
    assert reached == {step.id for step in flow.steps}


@pytest.mark.parametrize("name", FLOWS)
def test_every_flow_can_end(name: str) -> None:
    """From every step there is a way to END or into another flow."""
    flow = shipped().flows[name]

    def ends(step: Step) -> bool:
        return step.kind == "link" or any(branch.then == "END" for branch in step.next)

    good = {step.id for step in flow.steps if ends(step)}
    while more := {s.id for s in flow.steps if s.id not in good and any(b.then in good for b in s.next)}:
        good |= more
    assert good == {step.id for step in flow.steps}


def test_every_flow_can_be_begun_by_somebody() -> None:
    flows = shipped().flows
    begun = {WELCOME, MENU, PERSON, *_FLOW_OF_WORD.values(), *shipped().triggers.values()}
    begun |= {step.target for flow in flows.values() for step in flow.steps if step.kind in {"link", "call"}}
    assert begun == set(flows)


def test_every_intent_starts_one_flow() -> None:
    triggers = [intent for flow in shipped().flows.values() for intent in flow.triggers]
    assert len(triggers) == len(set(triggers))


@pytest.mark.parametrize("flow", ["welcome_consent", "groups", "my_data", "stop_pause"])
def test_where_a_wrong_guess_would_hurt_only_the_very_words_count(flow: str) -> None:
    """Danger, consent, rules of a group, erasing, stopping: "I do not agree" holds "agree"."""
    careful = {"danger_now", "consent", "accept_rules", "data_choice", "stop_choice"}
    loose = [s.target for s in shipped().flows[flow].steps if s.target in careful and not s.exact]
    assert loose == []


# The check questions


@pytest.mark.parametrize("asked", list(Check))
def test_every_answer_to_a_check_question_has_a_consequence(asked: Check) -> None:
    for language in LANGUAGES:
        assert set(shipped().service[language].texts[asked.value].choices) == set(offered(asked))
    for answer in offered(asked):
        result = after_answer(asked, answer)
        assert result.alarm or result.text or result.person
        if result.text:
            assert result.text in shipped().service["en"].texts


@pytest.mark.parametrize("asked", list(Check))
def test_no_answer_that_means_danger_ends_without_a_case(asked: Check) -> None:
    for answer in offered(asked):
        result = after_answer(asked, answer)
        if answer in {"yes", "now", "unsafe", "danger", "lacking"}:
            assert result.case
            assert result.level >= 2


@pytest.mark.parametrize("asked", list(Check))
def test_what_cannot_be_answered_is_refused(asked: Check) -> None:
    with pytest.raises(KeyError):
        after_answer(asked, "perhaps")


# The bundle


def test_the_bundle_survives_json_and_keeps_its_name() -> None:
    again = Bundle.from_json(json.loads(json.dumps(shipped().to_json())))
    assert again.hash == shipped().hash
    assert again.to_json() == shipped().to_json()


def test_one_changed_letter_is_another_bundle() -> None:
    data = json.loads(json.dumps(shipped().to_json()))
    data["texts"]["uk"]["breathing"]["utter_thanks"]["text"] += "."
    assert Bundle.from_json(data).hash != shipped().hash
