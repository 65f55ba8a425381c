"""The interpreter always ends: waiting for the person, for the outside, or with nothing left to play."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.effects import KNOWN_ACTIONS
from bot.flow import Bundle, Call, DialogueState, Outcome, TurnInput, advance, render
from bot.flow.bundle import Branch, Flow, Step, Text
from bot.flow.interpreter import MENU, REPEAT, SURE_ENOUGH_TO_INTERRUPT
from tests.world import shipped

LANGUAGES = sorted(shipped().service)
INTENTS = sorted(shipped().triggers)
WORDS = sorted(
    {
        word
        for languages in shipped().texts.values()
        for texts in languages.values()
        for text in texts.values()
        for choice in text.choices.values()
        for word in (choice.title, *choice.also)
    }
)
TEXTS = st.one_of(
    st.sampled_from(["1", "2", "3", "10", "٧", "7/10", "skip", "تخطي", "", " ", "yes", "no", "menu", "xyzzy"]),
    st.sampled_from(WORDS),
    st.text(max_size=30),
)
NAMES = st.sampled_from(["", "North", "{eta_minutes}", "Group {x}"])
CHOICES = st.lists(
    st.fixed_dictionaries({"value": st.sampled_from(["a", "b", "any"]), "title": NAMES}), max_size=3
).map(lambda found: [*found, {"value": "none", "title": "Not now"}])
# What the outside may answer to each call.
RESULTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "list_sites": st.fixed_dictionaries({"site_choices": CHOICES}),
    "list_meetings": st.fixed_dictionaries({"meetings_found": st.booleans(), "meeting_choices": CHOICES}),
    "join_group": st.fixed_dictionaries(
        {"joined": st.booleans()}, optional={"group_name": NAMES, "meeting_time": NAMES, "meeting_place": NAMES}
    ),
    "list_memberships": st.fixed_dictionaries({"memberships_found": st.booleans(), "membership_choices": CHOICES}),
    "leave_group": st.fixed_dictionaries({"group_name": NAMES}),
    "find_services": st.fixed_dictionaries({"services_found": st.booleans(), "services_text": NAMES}),
    "pause_messages": st.fixed_dictionaries({"paused_until": NAMES}),
    "open_case": st.just({"case_reason": None}),
    **{
        name: st.just({})
        for name in (
            "record_measure", "set_language", "record_consent", "record_age", "request_deletion", "stop_messages"
        )
    },
}  # fmt: skip
FACTS = st.fixed_dictionaries(
    {
        "on_duty": st.booleans(),
        "consent": st.booleans(),
        "away": st.booleans(),
        "language_known": st.booleans(),
        "control": st.sampled_from(["bot", "counsellor"]),
    }
)
TURNS = st.builds(
    TurnInput,
    language=st.sampled_from([*LANGUAGES, "so"]),
    channel=st.sampled_from(["whatsapp", "sms"]),
    text=TEXTS,
    payload=st.sampled_from(["", "person", "safe", "agree", "en", "nonsense"]),
    intent=st.sampled_from(["", "unheard_of", *INTENTS]),
    confidence=st.floats(0, 1),
    start=st.sampled_from(["", "", "", "", REPEAT, *shipped().flows]),
    facts=FACTS,
)


def through_json(state: DialogueState) -> DialogueState:
    again = DialogueState.from_json(json.loads(json.dumps(state.to_json())))
    assert again == state
    return again


def has_ended_well(outcome: Outcome) -> bool:
    """Waiting for the outside, waiting for an answer, or done."""
    top = outcome.state.waiting_for
    if outcome.call is not None:
        return top is not None and top.phase == "called"
    return top is None or top.phase in {"asked", "way_out"}


def test_every_action_of_a_flow_has_answers_to_be_tried() -> None:
    assert set(RESULTS) == KNOWN_ACTIONS


@given(st.lists(TURNS, min_size=1, max_size=12), st.data())
def test_whatever_people_write_every_turn_ends_and_can_be_said(turns: list[TurnInput], data: st.DataObject) -> None:
    bundle, state = shipped(), DialogueState(shipped().hash)
    for turn in turns:
        outcome = advance(bundle, state, turn)
        said = list(outcome.says)
        for _ in range(10):
            assert has_ended_well(outcome)
            state = through_json(outcome.state)
            if outcome.call is None:
                break
            result = data.draw(RESULTS[outcome.call.name])
            outcome = advance(bundle, state, dataclasses.replace(turn, start="", result=result))
            said += outcome.says
        assert outcome.call is None, "a flow calls the outside without end"
        for say in said:
            assert render(bundle, say, turn.language, turn.channel)
        assert said or turn.facts["control"] == "counsellor", "somebody wrote and reads nothing"


@given(TURNS)
def test_the_same_turn_always_gives_the_same_reply(turn: TurnInput) -> None:
    state = DialogueState(shipped().hash)
    assert advance(shipped(), state, turn) == advance(shipped(), state, turn)


# Small flows, for one law each


def bundle_of(*flows: Flow) -> Bundle:
    """The shipped content with these flows besides; every text they need is there in English."""
    texts = {
        flow.id: {
            key: Text(f"text of {key}") for step in flow.steps for key in (step.target, f"utter_ask_{step.target}")
        }
        for flow in flows
    }
    old = shipped()
    english = {**old.texts["en"], **texts}
    return Bundle({**old.flows, **{flow.id: flow for flow in flows}}, {**old.texts, "en": english}, old.service)


def step(name: str, kind: str, target: str = "", then: str = "END", **more: Any) -> Step:
    return Step(name, kind, target, (Branch("", then),), **more)


def flow(name: str, *steps: Step) -> Flow:
    return Flow(name, name, "", steps)


def begin(bundle: Bundle, name: str, **facts: Any) -> Outcome:
    return advance(bundle, DialogueState(bundle.hash), TurnInput("en", start=name, facts=facts))


def keys(outcome: Outcome) -> list[str]:
    return [say.key for say in outcome.says]


def test_flows_that_link_to_each_other_for_ever_are_ended_with_an_apology() -> None:
    bundle = bundle_of(flow("ping", step("a", "link", "pong")), flow("pong", step("a", "link", "ping")))
    outcome = begin(bundle, "ping")
    assert keys(outcome) == ["sorry"]
    assert outcome.state.stack == ()


def test_a_flow_that_calls_itself_is_ended_with_an_apology() -> None:
    outcome = begin(bundle_of(flow("deep", step("a", "call", "deep"))), "deep")
    assert (keys(outcome), outcome.state.stack) == (["sorry"], ())


def test_a_flow_that_talks_in_a_circle_is_ended_with_an_apology_and_does_not_flood() -> None:
    bundle = bundle_of(flow("chatter", step("a", "action", "utter_hello", then="a")))
    outcome = begin(bundle, "chatter")
    assert keys(outcome)[-1] == "sorry"
    assert len(keys(outcome)) <= 10, "nobody should read the same sentence two hundred times"


def test_a_called_flow_comes_back_to_its_caller() -> None:
    inner = flow("inner", step("a", "action", "utter_inner"))
    outer = flow("outer", step("a", "call", "inner", "b"), step("b", "action", "utter_outer"))
    assert keys(begin(bundle_of(inner, outer), "outer")) == ["utter_inner", "utter_outer"]


def test_a_linked_flow_does_not_come_back() -> None:
    inner = flow("inner", step("a", "action", "utter_inner"))
    outer = flow("outer", step("a", "link", "inner", "b"), step("b", "action", "utter_outer"))
    assert keys(begin(bundle_of(inner, outer), "outer")) == ["utter_inner"]


def test_the_menu_takes_the_place_of_everything() -> None:
    asked = begin(shipped(), "groups")
    outcome = advance(shipped(), asked.state, TurnInput("en", start=MENU))
    assert [frame.flow for frame in outcome.state.stack] == [MENU]


def test_slots_that_were_set_lead_the_way_and_a_question_already_answered_is_not_asked() -> None:
    ask = step("ask", "collect", "mood", "bye", answer="text")
    bundle = bundle_of(
        flow(
            "known",
            step("set", "set_slots", then="ask", values={"mood": "calm"}),
            ask,
            step("bye", "action", "utter_bye"),
        )
    )
    assert keys(begin(bundle, "known")) == ["utter_bye"]


def test_going_back_to_a_question_asks_it_again_and_the_ones_after_it() -> None:
    again = Branch("slots.sure == 'no'", "first")
    bundle = bundle_of(
        flow(
            "form",
            step("first", "collect", "name", "second", answer="text"),
            step("second", "collect", "town", "sure", answer="text"),
            Step("sure", "collect", "sure", next=(again, Branch("", "bye")), answer="text"),
            step("bye", "action", "utter_bye"),
        )
    )
    outcome, asked = begin(bundle, "form"), []
    for text in ("A", "B", "no", "C", "D", "yes"):
        asked += keys(outcome)
        outcome = advance(bundle, through_json(outcome.state), TurnInput("en", text=text))
    one_round = ["utter_ask_name", "utter_ask_town", "utter_ask_sure"]
    assert asked + keys(outcome) == [*one_round, *one_round, "utter_bye"]
    assert (outcome.state.slots["name"], outcome.state.slots["town"]) == ("C", "D")


@pytest.mark.parametrize(("confidence", "interrupts"), [(SURE_ENOUGH_TO_INTERRUPT, True), (0.69, False)])
def test_only_a_clear_wish_interrupts(confidence: float, interrupts: bool) -> None:
    asked = begin(shipped(), "breathing")
    turn = TurnInput("en", text="when is the group", intent="group_schedule", confidence=confidence)
    top = advance(shipped(), asked.state, turn).state.waiting_for
    assert top is not None and (top.flow == "groups") is interrupts


def test_a_free_text_is_never_taken_for_a_wish() -> None:
    bundle = bundle_of(flow("diary", step("ask", "collect", "story", answer="text")))
    asked = begin(bundle, "diary")
    turn = TurnInput("en", text="the group was good", intent="group_schedule", confidence=1.0)
    assert advance(bundle, asked.state, turn).state.slots["story"] == "the group was good"


def test_a_state_of_content_that_is_gone_is_an_error_and_no_wrong_turn() -> None:
    state = DialogueState.from_json(
        {"bundle": "x", "stack": [{"flow": "gone", "step": "a", "phase": "asked"}], "slots": {}, "misses": 0}
    )
    with pytest.raises(KeyError):
        advance(shipped(), state, TurnInput("en", text="1"))


def test_even_then_the_menu_can_be_reached() -> None:
    state = DialogueState.from_json(
        {"bundle": "x", "stack": [{"flow": "gone", "step": "a", "phase": "asked"}], "slots": {}, "misses": 0}
    )
    assert keys(advance(shipped(), state, TurnInput("en", start=MENU))) == ["utter_ask_menu_choice"]


def test_a_call_carries_the_slots_and_its_result_becomes_slots() -> None:
    bundle = bundle_of(
        flow(
            "asks",
            step("a", "action", "list_sites", "b"),
            step("b", "collect", "site", choices_from="site_choices", answer="choice"),
        )
    )
    outcome = begin(bundle, "asks")
    assert outcome.call == Call("list_sites", {})
    result = {"site_choices": [{"value": "x", "title": "Here"}]}
    outcome = advance(bundle, through_json(outcome.state), TurnInput("en", result=result))
    assert render(bundle, outcome.says[0], "en", "whatsapp").endswith("1. Here")
    outcome = advance(bundle, through_json(outcome.state), TurnInput("en", text="1"))
    assert outcome.state.slots["site"] == "x"


def test_a_question_with_nothing_to_choose_does_not_trap_anybody() -> None:
    bundle = bundle_of(flow("asks", step("b", "collect", "site", choices_from="site_choices", answer="choice")))
    state = begin(bundle, "asks").state
    for text in ("1", "1"):
        outcome = advance(bundle, state, TurnInput("en", text=text))
        state = outcome.state
    assert keys(outcome) == ["way_out"]
