"""The published content a worker plays, kept by hash.

Owns: Content, command_in().
May import: flow, store, and below.
Start reading at: `Content.for_state`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from bot.errors import ContentError
from bot.flow import Bundle
from bot.flow.answers import plain
from bot.store import content
from bot.store.database import Session

# Words that answer a question are no commands.
_NOT_COMMANDS = frozenset({"skip"})


class Content:
    """Bundles by hash, fetched once; the current one is looked up again every `fresh_seconds`."""

    def __init__(self, fresh_seconds: float = 1.0) -> None:
        self._bundles: dict[str, Bundle] = {}
        self._bodies: dict[str, Mapping[str, Any]] = {}
        self._words: dict[str, dict[str, str]] = {}
        self._fresh_seconds = fresh_seconds
        self._current: tuple[float, str] | None = None

    async def for_state(self, session: Session, state: Mapping[str, Any] | None) -> Bundle:
        """The bundle a contact is on: the one their open flow began with, else the current one."""
        if state and state["stack"]:
            kept = await self.named(session, state["bundle"])
            if kept is not None:
                return kept
        return await self.current(session)

    async def current(self, session: Session) -> Bundle:
        """The bundle published last. Raises ContentError when nothing was ever published."""
        now = time.monotonic()
        if self._current is None or now - self._current[0] > self._fresh_seconds:
            found = await content.current_hash(session)
            if found is None:
                raise ContentError("Nothing is published yet; run `harbour publish`.")
            self._current = (now, found)
        bundle = await self.named(session, self._current[1])
        assert bundle is not None
        return bundle

    async def named(self, session: Session, content_hash: str) -> Bundle | None:
        """The bundle of that hash, or None if it is not kept any more."""
        if content_hash not in self._bundles:
            body = await content.body_of(session, content_hash)
            if body is None:
                return None
            self._bundles[content_hash] = Bundle.from_json(body)
            self._bodies[content_hash] = body
        return self._bundles[content_hash]

    def body(self, content_hash: str) -> Mapping[str, Any]:
        """The JSON of a bundle that was fetched before."""
        return self._bodies[content_hash]

    def command_in(self, bundle: Bundle, text: str) -> str:
        """The global command that `text` is, in any of our languages; "" if it is none."""
        words = self._words.get(bundle.hash)
        if words is None:
            words = self._words[bundle.hash] = _words(bundle)
        return words.get(plain(text), "")


def _words(bundle: Bundle) -> dict[str, str]:
    """Every spelling of every command; the same word in two languages must mean one command."""
    return {
        plain(word): command
        for service in bundle.service.values()
        for command, spellings in service.words.items()
        for word in spellings
        if command not in _NOT_COMMANDS
    }
