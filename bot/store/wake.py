"""Waking workers early, over Redis or Valkey. Without it they look by themselves, a little later.

Owns: Wake, RateLimit.
May import: redis, `bot.clock`.
Start reading at: `Wake`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import redis.asyncio as redis
from redis.exceptions import RedisError

INBOX, OUTBOX = "inbox", "outbox"
_PREFIX = "harbour:wake:"
_RETRY = 2.0


class Wake:
    """Tells other processes that there is work. Every failure is silent: it only costs time."""

    def __init__(self, url: str) -> None:
        self._redis = redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) if url else None
        self._quiet_until = 0.0

    async def call(self, what: str) -> None:
        """There is new work in `what`."""
        if self._redis is None or time.monotonic() < self._quiet_until:
            return
        try:
            await self._redis.publish(_PREFIX + what, b"")
        except (TimeoutError, RedisError, OSError):
            self._quiet_until = time.monotonic() + _RETRY

    async def listen(self, woken: Callable[[str], None]) -> None:
        """Call `woken` with the name of what has work, until cancelled."""
        if self._redis is None:
            await asyncio.Event().wait()
        while True:
            with contextlib.suppress(RedisError, OSError, asyncio.TimeoutError):
                await self._listen_once(woken)
            await asyncio.sleep(_RETRY)

    async def _listen_once(self, woken: Callable[[str], None]) -> None:
        assert self._redis is not None
        async with self._redis.pubsub() as channel:
            await channel.subscribe(_PREFIX + INBOX, _PREFIX + OUTBOX)
            while True:
                found = await channel.get_message(ignore_subscribe_messages=True, timeout=0.9)
                if found:
                    woken(found["channel"].decode().removeprefix(_PREFIX))

    async def ping(self) -> bool:
        """Whether the server answers; False also without one."""
        try:
            return self._redis is not None and bool(await self._redis.ping())
        except (TimeoutError, RedisError, OSError):
            return False

    async def count(self, key: str, seconds: int) -> int | None:
        """One more of `key` within this window; None when no server can count."""
        if self._redis is None or time.monotonic() < self._quiet_until:
            return None
        try:
            async with self._redis.pipeline() as pipe:
                pipe.incr(key)
                pipe.expire(key, seconds + 1)
                return int((await pipe.execute())[0])
        except (TimeoutError, RedisError, OSError):
            self._quiet_until = time.monotonic() + _RETRY
            return None

    async def close(self) -> None:
        """Let go of connections."""
        if self._redis is not None:
            await self._redis.aclose()


class RateLimit:
    """At most `per_second` sends on one channel: over all workers with Redis, else in this one."""

    def __init__(self, wake: Wake, name: str, per_second: float) -> None:
        self._wake = wake
        self._name = name
        self._per_second = per_second
        self._next = 0.0

    async def wait(self) -> None:
        """Until one more may go."""
        while self._per_second >= 1:
            second = int(time.time())
            count = await self._wake.count(f"harbour:rate:{self._name}:{second}", 1)
            if count is None:
                break
            if count <= self._per_second:
                return
            await asyncio.sleep(second + 1 - time.time() + 0.005)
        start = max(time.monotonic(), self._next)
        self._next = start + 1 / self._per_second
        await asyncio.sleep(max(0.0, start - time.monotonic()))
