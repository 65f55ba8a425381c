"""One contact talking to an engine, turn by turn; the state goes through JSON in between."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from bot.dialogue import DialogueEngine, EngineReply, EngineTurn
from bot.flow import Bundle


@dataclasses.dataclass
class Talk:
    """`say` gives the keys of what was said; `last` holds the whole reply."""

    engine: DialogueEngine
    bundle: Bundle
    language: str = "en"
    channel: str = "whatsapp"
    facts: dict[str, Any] = dataclasses.field(default_factory=lambda: {"on_duty": True, "language_known": True})
    state: dict[str, Any] | None = None
    last: EngineReply | None = None
    calls: list[str] = dataclasses.field(default_factory=list)

    def turn(self, **what: Any) -> EngineTurn:
        return EngineTurn(
            bundle_hash=self.bundle.hash,
            bundle_json=self.bundle.to_json,
            state=self.state,
            language=self.language,
            channel=self.channel,
            facts=self.facts,
            **what,
        )

    async def play(self, **what: Any) -> list[str]:
        self.last = await self.engine.play(self.turn(**what))
        self.state = json.loads(json.dumps(self.last.state))
        if self.last.call:
            self.calls.append(self.last.call.name)
        return [said.key for said in self.last.says]

    async def say(self, text: str) -> list[str]:
        return await self.play(text=text)

    async def tap(self, payload: str) -> list[str]:
        return await self.play(payload=payload)

    async def start(self, flow: str) -> list[str]:
        return await self.play(start=flow)

    async def result(self, **values: Any) -> list[str]:
        return await self.play(result=values)

    @property
    def texts(self) -> list[str]:
        assert self.last is not None
        return [said.text for said in self.last.says]

    @property
    def at(self) -> list[tuple[str, str]]:
        """The flows open now, the speaking one last, each with its step."""
        return [(frame["flow"], frame["step"]) for frame in (self.state or {"stack": []})["stack"]]
