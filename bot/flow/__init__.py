"""The flow language: reading flows, playing them, saying what they say, checking them.

Owns: the shape of `flows/`, the published Bundle, the pure interpreter, rendering of texts.
May import: `bot.vocabulary`, PyYAML, simpleeval and the standard library; runs on Python 3.10 too.
Start reading at: `interpreter.advance`, then `read.read_flows`.
"""

from bot.flow.bundle import Bundle
from bot.flow.check import Finding, check
from bot.flow.interpreter import advance
from bot.flow.read import FlowError, read_flows
from bot.flow.render import render, service_text
from bot.flow.state import Call, DialogueState, Outcome, Say, TurnInput

__all__ = [
    "Bundle",
    "Call",
    "DialogueState",
    "Finding",
    "FlowError",
    "Outcome",
    "Say",
    "TurnInput",
    "advance",
    "check",
    "read_flows",
    "render",
    "service_text",
]
