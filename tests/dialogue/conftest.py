"""One real engine for all tests of this folder, and two ways to speak to an engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from bot.dialogue import DialogueEngine, RasaEngine, ScriptedEngine
from bot.flow import Bundle
from tests.world import play, shipped

from .engine_process import EngineProcess, running_engine
from .talk import Talk

# What real Rasa makes of the phrases that the shared tests use; it is asked, too, whether this holds.
UNDERSTOOD = {
    "i want to do a breathing exercise": ("want_exercise", 0.9),
    "i want to talk to a person": ("talk_to_person", 0.9),
    "show me the menu": ("ask_menu", 0.9),
    "are you a human": ("are_you_human", 0.9),
}


@pytest.fixture(scope="session")
def engine_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with running_engine(tmp_path_factory.mktemp("engine")) as process:
        yield process


@pytest.fixture
def bundle() -> Bundle:
    return shipped()


@pytest.fixture
async def rasa(engine_process: EngineProcess) -> AsyncIterator[RasaEngine]:
    engine = RasaEngine(engine_process.url)
    yield engine
    await engine.close()


@pytest.fixture
def scripted(bundle: Bundle) -> ScriptedEngine:
    return ScriptedEngine(lambda text: UNDERSTOOD.get(text, ("nlu_fallback", 0.1)), play(bundle))


@pytest.fixture(params=["rasa", "scripted"])
def engine(request: pytest.FixtureRequest) -> DialogueEngine:
    found: DialogueEngine = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def talk(engine: DialogueEngine, bundle: Bundle) -> Talk:
    return Talk(engine, bundle)


@pytest.fixture
def with_rasa(rasa: RasaEngine, bundle: Bundle) -> Talk:
    return Talk(rasa, bundle)
