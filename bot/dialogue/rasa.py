"""The real engine, over HTTP on a private network.

Owns: RasaEngine.
May import: `bot.errors`, `bot.vocabulary`, aiohttp.
Start reading at: `RasaEngine.play`.
"""

from __future__ import annotations

import itertools
import json
from http import HTTPStatus
from typing import Any

import aiohttp

from bot.dialogue.protocol import Call, EngineReply, EngineTurn, Interpretation, Json, Said, Sounds
from bot.errors import EngineFailed, EngineUnavailable
from bot.vocabulary import Reading

_CONNECT_SECONDS = 1.0
_IDLE_SECONDS = 30.0
_PREFIX = "/webhooks/turn"
_HEADERS = {"Content-Type": "application/json"}


class RasaEngine:
    """Engines at one or several addresses ("http://a:5005,http://b:5005"), asked in turn.

    An engine that cannot be reached is passed over: turns are pure, so asking another is safe.
    `timeout` is in seconds, for the whole answer of one engine.
    """

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        self._urls = [one.strip().rstrip("/") + _PREFIX for one in url.split(",") if one.strip()]
        self._turns = itertools.count()
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, _CONNECT_SECONDS))
        self._session: aiohttp.ClientSession | None = None

    async def play(self, turn: EngineTurn) -> EngineReply:
        """Play one turn, sending the bundle first where it is not yet held."""
        answer = await self._ask("POST", "/play", _turn_json(turn), turn)
        return _reply(answer, turn.language)

    async def read(self, text: str) -> Interpretation:
        """Understand `text` and do nothing else."""
        answer = await self._ask("POST", "/read", {"text": text})
        ranking = tuple((one["intent"], one["confidence"]) for one in answer["ranking"])
        risk = answer["risk"]
        sounds = risk and Sounds(risk["level"], risk["category"], risk["margin"])
        return Interpretation(answer["intent"], answer["confidence"], ranking, sounds)

    async def ready(self) -> bool:
        """Whether any of the engines answers and has its model."""
        try:
            answer = await self._ask("GET", "/health")
        except (EngineUnavailable, EngineFailed):
            return False
        return answer.get("ready") is True

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(
        self, method: str, path: str, body: Json | None = None, turn: EngineTurn | None = None
    ) -> dict[str, Any]:
        for url in self._in_turn():
            try:
                status, answer = await self._send(method, url + path, body)
                if turn is not None and status == HTTPStatus.NOT_FOUND:
                    _content(*await self._send("PUT", f"{url}/bundles/{turn.bundle_hash}", turn.bundle_json()))
                    status, answer = await self._send(method, url + path, body)
            except TimeoutError:
                raise EngineUnavailable(f"The engine at {url} did not answer in time.") from None
            except (aiohttp.ClientError, OSError):
                continue
            return _content(status, answer)
        raise EngineUnavailable(f"No engine answers at {', '.join(self._urls)}; is it running?")

    async def _send(self, method: str, url: str, body: Json | None) -> tuple[int, bytes]:
        # Escaped to ASCII, so that half a character (which phones do send) travels too.
        content = None if body is None else json.dumps(body).encode()
        async with self._opened().request(method, url, data=content, headers=_HEADERS) as answer:
            return answer.status, await answer.read()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
            )
        return self._session

    def _in_turn(self) -> list[str]:
        """Every address once, beginning with the next one; the first again, should its kept
        connection have been closed meanwhile."""
        first = next(self._turns) % len(self._urls)
        return [*self._urls[first:], *self._urls[:first], self._urls[first]]


def _content(status: int, answer: bytes) -> dict[str, Any]:
    try:
        content = json.loads(answer)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise EngineFailed(f"The engine answered {status} with something unreadable.")
    if status == HTTPStatus.OK:
        return content
    reason = content.get("sentence") or content.get("error") or "no reason given"
    raise EngineFailed(f"The engine refused ({status}): {reason}.")


def _turn_json(turn: EngineTurn) -> dict[str, Any]:
    return {
        "bundle": turn.bundle_hash,
        "state": turn.state,
        "language": turn.language,
        "channel": turn.channel,
        "text": turn.text,
        "payload": turn.payload,
        "start": turn.start,
        "result": turn.result,
        "reading": turn.reading and {"intent": turn.reading.intent, "confidence": turn.reading.confidence},
        "facts": turn.facts,
    }


def _reply(answer: dict[str, Any], language: str) -> EngineReply:
    reading, call = answer["reading"], answer["call"]
    return EngineReply(
        reading=reading and Reading(reading["intent"], reading["confidence"], language),
        says=tuple(Said(one["flow"], one["key"], one["text"]) for one in answer["says"]),
        call=call and Call(call["name"], call["slots"]),
        state=answer["state"],
    )
