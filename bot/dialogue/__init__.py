"""Speaking to the conversation engine, and nothing else: one turn out, one reply in.

Owns: DialogueEngine and its values, RasaEngine (the real one), ScriptedEngine (for tests).
May import: `bot.vocabulary`, `bot.errors`, aiohttp. Never `bot.flow`: states travel as plain JSON.
Start reading at: `protocol.py`, then `rasa.py`.
"""

from bot.dialogue.protocol import (
    Call,
    DialogueEngine,
    EngineReply,
    EngineTurn,
    Interpretation,
    Said,
)
from bot.dialogue.rasa import RasaEngine
from bot.dialogue.scripted import ScriptedEngine

__all__ = [
    "Call",
    "DialogueEngine",
    "EngineReply",
    "EngineTurn",
    "Interpretation",
    "RasaEngine",
    "Said",
    "ScriptedEngine",
]
