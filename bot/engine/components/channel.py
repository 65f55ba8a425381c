"""The HTTP door of the engine: one turn in, one reply out, nothing kept.

Owns: TurnChannel and its routes.
May import: Rasa, Sanic.
Start reading at: `TurnChannel.play`.

    POST /webhooks/turn/play            one turn
    PUT  /webhooks/turn/bundles/<hash>  published content
    POST /webhooks/turn/read            what is understood of a text, nothing else
    GET  /webhooks/turn/health          which model answers
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse
from sanic.response import json as sanic_json

from bot.engine.components.bundles import BundleShelf
from bot.engine.components.output import TurnOutput
from bot.engine.components.turn import Turn, playing
from bot.engine.components.wire import Malformed, read_turn
from bot.engine.quiet import where
from bot.flow import Outcome

logger = logging.getLogger("harbour.engine")

RANKED = 5
_COMMAND = re.compile(r"^[/\s]+")
# What Rasa takes for "understood nothing" when no NLU is to run on a turn.
_NOTHING_READ: Mapping[str, Any] = {
    "text": "",
    "intent": {"name": None, "confidence": 0.0},
    "entities": [],
}
Handler = Callable[[UserMessage], Awaitable[Any]]


class TurnChannel(InputChannel):
    """Takes turns from the worker. Rasa names it in its logs and routes as "turn"."""

    def __init__(self) -> None:
        self.shelf = BundleShelf()

    @classmethod
    def name(cls) -> str:
        """The part of the path that is ours."""
        return "turn"

    def blueprint(self, on_new_message: Handler) -> Blueprint:
        """The routes."""
        routes = Blueprint("turn_webhook")

        @routes.get("/health")
        async def health(request: Request) -> HTTPResponse:
            agent = _agent(request)
            return _answer({"model": agent and agent.model_name, "ready": _is_ready(agent)})

        @routes.put("/bundles/<name:str>")
        async def bundle(request: Request, name: str) -> HTTPResponse:
            return self.keep(name, _body(request))

        @routes.post("/play")
        async def play(request: Request) -> HTTPResponse:
            return await self.play(_body(request), on_new_message)

        @routes.post("/read")
        async def read(request: Request) -> HTTPResponse:
            return _answer(await _read(request.app.ctx.agent, _body(request)))

        @routes.exception(Exception)
        async def failed(request: Request, error: Exception) -> HTTPResponse:
            return _failed(error)

        return routes

    def keep(self, name: str, data: Mapping[str, Any]) -> HTTPResponse:
        """Put a bundle on the shelf."""
        try:
            kept = self.shelf.put(name, data)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise Malformed("malformed", "this is not a bundle") from None
        if not kept:
            raise Malformed("wrong_hash", "the content of this bundle does not have this hash")
        return _answer({"bundle": name})

    async def play(self, data: Mapping[str, Any], on_new_message: Handler) -> HTTPResponse:
        """Play one turn through Rasa."""
        bundle = self.shelf.get(str(data.get("bundle", "")))
        if bundle is None:
            return _answer({"error": "unknown_bundle"}, status=404)
        with playing(read_turn(data, bundle)) as turn:
            await on_new_message(_message(turn))
        if turn.failure is not None:
            raise turn.failure
        if turn.outcome is None or not turn.saved:
            raise RuntimeError("Rasa ended the turn without an outcome")
        return _answer(_reply(turn, turn.outcome))


def _message(turn: Turn) -> UserMessage:
    """What Rasa gets to see. Only words a person wrote are read; nothing else runs NLU."""
    return UserMessage(
        text=as_words(turn.input.text) if turn.has_words else "",
        output_channel=TurnOutput(turn),
        sender_id=uuid.uuid4().hex,
        parse_data=_read_before(turn) if turn.has_words else dict(_NOTHING_READ),
        input_channel=TurnChannel.name(),
    )


def _read_before(turn: Turn) -> dict[str, Any] | None:
    """What the worker already had read of this text, in Rasa's form: nothing is read twice."""
    if turn.read_before is None:
        return None
    intent = {"name": turn.read_before["intent"], "confidence": turn.read_before["confidence"]}
    return {"text": as_words(turn.input.text), "intent": intent, "entities": [], "intent_ranking": [intent]}


def as_words(text: str) -> str:
    """`text` as whole characters, without what Rasa takes for a command: "/..." names an intent outright."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return _COMMAND.sub("", whole) or "?"


_compact = partial(json.dumps, separators=(",", ":"))


def _answer(content: Mapping[str, Any], status: int = 200) -> HTTPResponse:
    return sanic_json(content, status=status, dumps=_compact)


def _reply(turn: Turn, outcome: Outcome) -> dict[str, Any]:
    call = outcome.call
    return {
        "reading": turn.reading,
        "says": turn.said,
        "call": {"name": call.name, "slots": dict(call.slots)} if call else None,
        "state": turn.state,
    }


async def _read(agent: Agent, data: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(data.get("text"), str):
        raise Malformed("malformed", '"text" must be a text')
    read = await agent.parse_message(as_words(data["text"]))
    ranking = [_reading(one) for one in read.get("intent_ranking", [])]
    return {**_reading(read["intent"]), "ranking": ranking[:RANKED], "risk": read.get("risk")}


def _reading(intent: Mapping[str, Any]) -> dict[str, Any]:
    return {"intent": intent["name"], "confidence": float(intent["confidence"])}


def _body(request: Request) -> Mapping[str, Any]:
    try:
        data = json.loads(request.body)
    except ValueError:
        raise Malformed("malformed", "the body is not JSON") from None
    if not isinstance(data, dict):
        raise Malformed("malformed", "the body must be a JSON object")
    return data


def _failed(error: Exception) -> HTTPResponse:
    """Say what went wrong without a word of the turn: only the kind of error and the place."""
    if isinstance(error, Malformed):
        return _answer({"error": error.code, "sentence": error.sentence}, status=422)
    if isinstance(error, SanicException):
        return _answer({"error": "refused"}, status=error.status_code)
    logger.error("turn failed: %s", where(error))
    return _answer({"error": "turn_failed"}, status=500)


def _agent(request: Request) -> Agent | None:
    return getattr(request.app.ctx, "agent", None)


def _is_ready(agent: Agent | None) -> bool:
    return agent is not None and agent.is_ready()
