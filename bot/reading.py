"""What the engine makes of single lines: `harbour read`, and the second reader of `harbour screen`.

Owns: read_lines(), heard().
May import: dialogue, conversation, supervisor.
Start reading at: `read_lines`.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.conversation.language import detect
from bot.dialogue.protocol import Interpretation
from bot.dialogue.rasa import RasaEngine
from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.supervisor.local import engine_child
from bot.supervisor.servers import free_port

_PATIENCE = 120.0
_AT_ONCE = 4
_FALLBACK = "nlu_fallback"
_NOT_OURS = "out_of_scope"


async def read_lines(
    settings: Settings, lines: Iterable[dict[str, Any]], give: Callable[[dict[str, Any]], None]
) -> None:
    """Read each line with a running engine, or with one started for the purpose."""
    async with _engine(settings) as engine:
        for given in lines:
            found = await engine.read(given["text"])
            language = detect(given["text"]).language
            intent = _NOT_OURS if found.intent == _FALLBACK else found.intent
            give({"id": given["id"], "intent": intent, "confidence": round(found.confidence, 4), "language": language})


async def heard(settings: Settings, texts: Sequence[str]) -> list[Interpretation]:
    """What the engine makes of each text, with a running engine, or with one started for the purpose.

    Raises EngineUnavailable, EngineFailed, ConfigurationError.
    """
    few = asyncio.Semaphore(_AT_ONCE)

    async def one(engine: RasaEngine, text: str) -> Interpretation:
        async with few:
            return await engine.read(text)

    async with _engine(settings) as engine:
        return await asyncio.gather(*(one(engine, text) for text in texts))


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[RasaEngine]:
    running = RasaEngine(settings.engine_url, timeout=30)
    try:
        if await running.ready():
            yield running
            return
    finally:
        await running.close()
    port = free_port()
    child = engine_child(port)
    with tempfile.TemporaryDirectory() as logs:
        child.start(Path(logs))
        engine = RasaEngine(f"http://127.0.0.1:{port}", timeout=30)
        try:
            await _until_ready(engine, Path(logs) / "engine.log")
            yield engine
        finally:
            await engine.close()
            if child.process:
                child.process.terminate()
                child.process.wait(10)


async def _until_ready(engine: RasaEngine, log: Path) -> None:
    for _ in range(int(_PATIENCE / 0.2)):
        if await engine.ready():
            return
        await asyncio.sleep(0.2)
    raise ConfigurationError(f"The engine did not start: {log.read_text(errors='replace')[-500:]}")
