"""What a person lives through, played against real Rasa and against the scripted engine alike."""

from __future__ import annotations

import pytest

from bot.dialogue import DialogueEngine, RasaEngine
from bot.flow import Bundle

from .conftest import UNDERSTOOD
from .talk import Talk


async def test_a_new_contact_is_asked_to_agree_before_anything_else(talk: Talk) -> None:
    assert await talk.start("welcome_consent") == ["utter_hello", "utter_ask_danger_now"]
    assert await talk.say("1") == ["utter_privacy", "utter_privacy_who", "utter_privacy_erase", "utter_ask_consent"]
    assert await talk.say("1") == []
    assert talk.calls == ["record_consent"]
    assert await talk.result() == ["utter_ask_age_band"]
    await talk.say("3")
    assert await talk.result() == ["utter_ask_menu_choice"]


async def test_who_does_not_agree_is_not_asked_further(talk: Talk) -> None:
    await talk.start("welcome_consent")
    await talk.say("1")
    await talk.say("2")
    assert await talk.result() == ["utter_refused"]
    assert talk.at == []


async def test_the_menu_is_answered_by_number(talk: Talk) -> None:
    await talk.start("ask_menu")
    assert await talk.say("1") == ["utter_intro", "utter_ask_distress_before"]


async def test_the_menu_is_answered_by_a_tap(talk: Talk) -> None:
    await talk.start("ask_menu")
    assert await talk.tap("breathing") == ["utter_intro", "utter_ask_distress_before"]
    assert talk.last is not None
    assert talk.last.reading is None


async def test_a_number_may_be_written_in_arabic_digits(talk: Talk) -> None:
    await talk.start("breathing")
    assert await talk.say("٧") == ["utter_breathe", "utter_ask_breathed"]
    assert talk.state is not None
    assert talk.state["slots"]["distress_before"] == 7


async def test_an_answer_that_is_none_is_asked_for_in_other_words(talk: Talk) -> None:
    await talk.start("breathing")
    assert await talk.say("forty-eleven") == ["utter_again_distress_before", "utter_ask_distress_before"]


async def test_a_question_in_between_is_answered_and_the_exercise_goes_on(talk: Talk) -> None:
    await talk.start("breathing")
    assert await talk.say("are you a human") == ["utter_program", "resume", "utter_ask_distress_before"]
    assert talk.at == [("breathing", "before")]
    assert await talk.say("3") == ["utter_breathe", "utter_ask_breathed"]


async def test_what_only_the_application_can_do_suspends_the_turn(talk: Talk) -> None:
    assert await talk.say("i want to talk to a person") == []
    assert talk.calls == ["open_case"]
    assert talk.at == [("talk_to_person", "open")]
    assert await talk.result(eta_minutes=15) == ["utter_on_duty"]
    assert "15 minutes" in talk.texts[0]


async def test_the_open_question_can_be_repeated(talk: Talk) -> None:
    await talk.start("breathing")
    assert await talk.start("repeat") == ["utter_ask_distress_before"]


async def test_nothing_is_read_into_a_start_a_result_a_tap_or_a_number(talk: Talk) -> None:
    for what in (
        {"start": "ask_menu"},
        {"payload": "person"},
        {"result": {}},
        {"text": " ٣"},
        {"text": "2\ufe0f\u20e3"},
    ):
        await talk.play(**what)
        assert talk.last is not None
        assert talk.last.reading is None, what


async def test_sms_gets_the_plainer_form(rasa: RasaEngine, bundle: Bundle) -> None:
    data = bundle.to_json()
    data["texts"]["en"]["ask_menu"]["utter_ask_menu_choice"]["sms"] = "Send a number."
    written = Bundle.from_json(data)
    sms, whatsapp = Talk(rasa, written, channel="sms"), Talk(rasa, written)
    await sms.start("ask_menu")
    await whatsapp.start("ask_menu")
    assert sms.texts[0].startswith("Send a number.")
    assert not whatsapp.texts[0].startswith("Send a number.")


@pytest.mark.parametrize("language", ["es", "fr", "ar", "uk", "ru"])
async def test_the_menu_speaks_the_persons_language(engine: DialogueEngine, bundle: Bundle, language: str) -> None:
    talk = Talk(engine, bundle, language=language)
    await talk.start("ask_menu")
    written = bundle.texts.get(language, {}).get("ask_menu")
    if written is None:
        pytest.skip("the menu is not yet written in this language")
    assert talk.texts[0].startswith(written["utter_ask_menu_choice"].text[:10])


async def test_the_engine_says_what_it_understood(engine: DialogueEngine) -> None:
    found = await engine.read("show me the menu")
    assert found.intent == "ask_menu"
    assert found.ranking[0] == (found.intent, found.confidence)


async def test_the_scripted_readings_are_those_of_real_rasa(rasa: RasaEngine) -> None:
    for text, (intent, _) in UNDERSTOOD.items():
        found = await rasa.read(text)
        assert (found.intent, found.confidence > 0.7) == (intent, True), text
