"""What only a real engine can show: the wire, commands, concurrency, crashes, logs."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.dialogue import EngineReply, EngineTurn, Interpretation, RasaEngine
from bot.errors import EngineFailed, EngineUnavailable
from bot.flow import Bundle
from bot.vocabulary import Reading
from tests.world import play

from .engine_process import EngineProcess, free_port
from .talk import Talk

CANARY = "zebrafinch"


async def test_a_bundle_the_engine_does_not_hold_is_sent_once(rasa: RasaEngine, bundle: Bundle) -> None:
    other = Bundle.from_json({**bundle.to_json(), "flows": {**bundle.to_json()["flows"]}} | _renamed(bundle))
    asked = []

    def content() -> dict[str, Any]:
        asked.append(1)
        return other.to_json()

    for _ in range(3):
        await rasa.play(EngineTurn(other.hash, content, None, "en", "whatsapp", start="ask_menu"))
    assert len(asked) == 1


def _renamed(bundle: Bundle) -> dict[str, Any]:
    flows = bundle.to_json()["flows"]
    return {"flows": {**flows, "ask_menu": {**flows["ask_menu"], "name": f"Menu {secrets.token_hex(4)}"}}}


async def test_the_engine_keeps_the_newest_bundles_only(rasa: RasaEngine, bundle: Bundle) -> None:
    versions = [Bundle.from_json(bundle.to_json() | _renamed(bundle)) for _ in range(9)]
    for version in versions:
        await rasa.play(EngineTurn(version.hash, version.to_json, None, "en", "whatsapp", start="ask_menu"))
    asked: list[int] = []

    def again() -> dict[str, Any]:
        asked.append(1)
        return versions[0].to_json()

    await rasa.play(EngineTurn(versions[0].hash, again, None, "en", "whatsapp", start="ask_menu"))
    assert asked


async def test_a_bundle_under_a_wrong_name_is_refused(rasa: RasaEngine, bundle: Bundle) -> None:
    turn = EngineTurn("0" * 64, bundle.to_json, None, "en", "whatsapp", start="ask_menu")
    with pytest.raises(EngineFailed, match="does not have this hash"):
        await rasa.play(turn)


@pytest.mark.parametrize(
    "written",
    [
        "/restart",
        " /restart",
        "\u2003/greet",
        "/back",
        "/session_start",
        '/affirm{"a":1}',
        "//",
        "/",
        "/ /restart",
        "\n/restart",
    ],
)
async def test_nobody_can_command_rasa_by_writing_to_it(with_rasa: Talk, written: str) -> None:
    await with_rasa.start("breathing")
    await with_rasa.say(written)
    assert with_rasa.last is not None
    assert with_rasa.last.reading is not None
    words = await with_rasa.engine.read(written.strip("/ \n\u2003"))
    assert with_rasa.last.reading == Reading(words.intent, words.confidence, "en")
    assert words.intent not in {"restart", "back", "session_start"}
    assert words.confidence < 1


@pytest.mark.parametrize(
    "written", ["", " ", "\u200f", "\ud83d", "👍", "😭😭", "\x00", "{slots}", "a" * 5000, "س" * 3000, "1\ufe0f\u20e3"]
)
async def test_anything_may_be_written(with_rasa: Talk, written: str) -> None:
    await with_rasa.start("ask_menu")
    assert await with_rasa.say(written)


async def test_sixteen_contacts_at_once_are_not_mixed(rasa: RasaEngine, bundle: Bundle) -> None:
    talks = [Talk(rasa, bundle, facts={"on_duty": True, "opens": f"at {n}", "n": n}) for n in range(16)]

    async def one(number: int, talk: Talk) -> None:
        for turn in range(12):
            await talk.start("breathing")
            await talk.say(str((number + turn) % 8))
            assert talk.state is not None
            assert talk.state["slots"]["distress_before"] == (number + turn) % 8
            talk.state = {**talk.state, "stack": [], "slots": {}}

    await asyncio.gather(*(one(number, talk) for number, talk in enumerate(talks)))


async def test_real_rasa_says_exactly_what_the_pure_interpreter_says(rasa: RasaEngine, bundle: Bundle) -> None:
    chance = random.Random(11)
    pure = play(bundle)
    written = [
        "1",
        "2",
        "3",
        "7",
        "٤",
        "yes",
        "no",
        "skip",
        "menu",
        "i feel sad",
        "hm",
        "i need a doctor",
        "can i talk to someone",
    ]
    flows = sorted(bundle.flows)
    for number in range(25):
        talk = Talk(
            rasa, bundle, language=chance.choice(["en", "es", "ar"]), channel=chance.choice(["whatsapp", "sms"])
        )
        what: dict[str, Any] = {"start": chance.choice(flows)}
        for _ in range(8):
            turn = talk.turn(**what)
            await talk.play(**what)
            assert talk.last is not None
            assert _as_json(talk.last) == _by_hand(pure, turn, talk.last), (number, what)
            called = talk.last.call is not None
            what = {"result": {}} if called else {"text": chance.choice(written)}


def _as_json(reply: EngineReply) -> dict[str, Any]:
    call = reply.call and {"name": reply.call.name, "slots": reply.call.slots}
    says = [{"flow": said.flow, "key": said.key, "text": said.text} for said in reply.says]
    return {"says": says, "call": call, "state": reply.state}


def _by_hand(pure: Any, turn: EngineTurn, reply: EngineReply) -> Any:
    reading = reply.reading
    return json.loads(json.dumps(pure(turn, reading.intent if reading else "", reading.confidence if reading else 0.0)))


async def test_a_turn_that_says_many_things_is_said_to_the_end(rasa: RasaEngine, bundle: Bundle) -> None:
    data = bundle.to_json()
    many = [
        {**_step(data), "id": f"s{n}", "next": [{"condition": "", "then": f"s{n + 1}" if n < 7 else "END"}]}
        for n in range(8)
    ]
    data["flows"]["breathing"]["steps"] = many
    long = Bundle.from_json(data)
    reply = await rasa.play(EngineTurn(long.hash, long.to_json, None, "en", "whatsapp", start="breathing"))
    assert len(reply.says) == 8


def _step(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(step for step in data["flows"]["breathing"]["steps"] if step["id"] == "breathe")
    return found


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": ""},
        {"channel": "pigeon"},
        {"start": "no_such_flow"},
        {"result": {"a": 1}},
        {"state": {"stack": 1}},
        {"text": 5},
        {"facts": []},
    ],
)
async def test_a_malformed_turn_is_refused_in_a_sentence(
    engine_process: EngineProcess, bundle: Bundle, wrong: dict[str, Any]
) -> None:
    turn = {"bundle": bundle.hash, "state": None, "language": "en", "channel": "sms", "text": "hello"}
    async with httpx.AsyncClient(base_url=f"{engine_process.url}/webhooks/turn") as http:
        await http.put(f"/bundles/{bundle.hash}", json=bundle.to_json())
        answer = await http.post("/play", json=turn | wrong)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "sentence"}


async def test_what_is_no_json_is_refused(engine_process: EngineProcess) -> None:
    async with httpx.AsyncClient(base_url=f"{engine_process.url}/webhooks/turn") as http:
        for body in (b"", b"{", b"[]", b"\xff\xfe"):
            assert (await http.post("/play", content=body)).status_code == 422
        assert (await http.put("/bundles/abc", json={"flows": 1})).status_code == 422
        assert (await http.get("/nothing")).status_code == 404


async def test_a_state_of_other_content_is_refused_and_not_lost(with_rasa: Talk) -> None:
    await with_rasa.start("breathing")
    assert with_rasa.state is not None
    with_rasa.state["stack"][0]["step"] = "no_such_step"
    with pytest.raises(EngineFailed, match="no step"):
        await with_rasa.say("5")


async def test_nothing_a_person_writes_is_printed(with_rasa: Talk, engine_process: EngineProcess) -> None:
    for text in (CANARY, f"/{CANARY}", f"/restart{{{CANARY}", f"{CANARY} " * 40):
        await with_rasa.start("breathing")
        await with_rasa.say(text)
    broken = Bundle.from_json(_broken(with_rasa.bundle))
    turn = EngineTurn(
        broken.hash, broken.to_json, None, "en", "sms", text=CANARY, start="breathing", facts={"note": CANARY}
    )
    with pytest.raises(EngineFailed, match="turn_failed"):
        await with_rasa.engine.play(turn)
    async with httpx.AsyncClient() as http:
        await http.post(f"{engine_process.url}/webhooks/turn/play", content=f'{{"text": "{CANARY}'.encode())
        await http.get(f"{engine_process.url}/webhooks/turn/{CANARY}")
    printed = engine_process.printed()
    assert "turn failed: KeyError" in printed
    assert CANARY not in printed


def _broken(bundle: Bundle) -> dict[str, Any]:
    data = bundle.to_json()
    del data["texts"]["en"]["breathing"]["utter_intro"]
    return data


async def test_the_six_hundredth_turn_costs_what_the_tenth_does(with_rasa: Talk, engine_process: EngineProcess) -> None:
    await with_rasa.start("ask_menu")
    spent = []
    for _ in range(6):
        before = engine_process.cpu_seconds()
        for _ in range(100):
            await with_rasa.say("what?")
        spent.append(engine_process.cpu_seconds() - before)
    assert spent[-1] < 2 * spent[0], spent


async def test_a_killed_engine_is_missed_and_a_new_one_takes_over(
    tmp_path: Path, engine_process: EngineProcess, bundle: Bundle
) -> None:
    process = EngineProcess(tmp_path)
    started = process.start()
    engine = RasaEngine(process.url)
    talk = Talk(engine, bundle)
    await talk.start("breathing")
    process.kill()
    with pytest.raises(EngineUnavailable):
        await talk.say("5")
    assert not await engine.ready()
    process.start()
    assert await talk.say("5") == ["utter_breathe", "utter_ask_breathed"]
    assert process.stop() < 3
    await engine.close()
    assert started < 60


async def test_one_of_two_engines_is_enough(engine_process: EngineProcess, bundle: Bundle) -> None:
    engine = RasaEngine(f"http://127.0.0.1:{free_port()}, {engine_process.url}/")
    for _ in range(4):
        assert await Talk(engine, bundle).start("ask_menu") == ["utter_ask_menu_choice"]
    assert await engine.ready()
    await engine.close()


async def test_an_engine_that_is_too_slow_counts_as_unavailable(bundle: Bundle) -> None:
    async def silence(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    engine = RasaEngine(f"http://127.0.0.1:{port}", timeout=0.2)
    with pytest.raises(EngineUnavailable, match="in time"):
        await Talk(engine, bundle).start("ask_menu")
    await engine.close()
    server.close()


async def test_the_second_reader_is_asked_in_the_same_breath(rasa: RasaEngine) -> None:
    grave = await rasa.read("i have taken all my pills and i am lying down now, tell my mother sorry")
    light = await rasa.read("hello, when is the next meeting of the group please")
    assert grave.sounds is not None and light.sounds is not None
    assert grave.sounds.level > light.sounds.level == 0
    assert grave.sounds.margin > light.sounds.margin


async def test_what_was_read_before_is_not_read_again(with_rasa: Talk) -> None:
    heard = Interpretation("want_exercise", 0.93)
    reply = await with_rasa.engine.play(with_rasa.turn(text="qwertz", reading=heard))
    assert reply.reading == Reading("want_exercise", 0.93, "en")
