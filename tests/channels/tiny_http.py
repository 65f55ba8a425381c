"""Just enough HTTP for a fake and a receiver: read a request, write an answer, on asyncio streams.

It keeps connections open and can close one without an answer, which no web framework likes to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, urlsplit


@dataclasses.dataclass(frozen=True)
class Request:
    """One request; `target` is the raw path and query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def raw_query(self) -> str:
        return urlsplit(self.target).query

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer; `headers` are whole lines, each ending in CRLF."""

    status: int
    body: bytes = b""
    content_type: str = "text/xml"
    headers: str = ""

    def encode(self) -> bytes:
        head = f"HTTP/1.1 {self.status} X\r\nContent-Type: {self.content_type}\r\n{self.headers}"
        return f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body


class Server:
    """Answers every request with `respond`; an answer of `None` closes the connection."""

    def __init__(self, respond: Callable[[Request], Awaitable[Answer | None]]) -> None:
        self._respond = respond
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> str:
        """Listen, and return the base URL; port 0 takes a free one."""
        self._server = await asyncio.start_server(self._serve, host, port, backlog=1024)
        return f"http://{host}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Stop listening and close what is still open."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            await _close(writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (request := await _read_request(reader)) is not None:
            answer = await self._respond(request)
            if answer is None:
                return
            writer.write(answer.encode())
            await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


class Poster:
    """A very small HTTP client that keeps connections, so that callbacks cost a bench little."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {}

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """POST once and return the HTTP status; 0 if there is no answer.

        Only loopback is ever called: a test that forgot to divert a URL reaches nobody.
        """
        parts = urlsplit(url)
        if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            return 0
        place = (parts.hostname or "", parts.port or 80)
        message = _post_message(parts.netloc, url, headers, body)
        while self._idle.get(place):
            status = await self._exchange(place, self._idle[place].pop(), message)
            if status:
                return status
        try:
            connection = await asyncio.open_connection(*place)
        except OSError:
            return 0
        return await self._exchange(place, connection, message)

    async def close(self) -> None:
        """Close all kept connections."""
        for connections in self._idle.values():
            for _, writer in connections:
                await _close(writer)
        self._idle.clear()

    async def _exchange(
        self,
        place: tuple[str, int],
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        message: bytes,
    ) -> int:
        reader, writer = connection
        status = 0
        try:
            writer.write(message)
            status = await _read_status(reader)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            if not status:
                await _close(writer)
        self._idle.setdefault(place, []).extend([connection] if status else [])
        return status


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _post_message(host: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    target = url.partition(host)[2] or "/"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _read_status(reader: asyncio.StreamReader) -> int:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    length = next((line[15:] for line in lines if line.startswith("content-length:")), "0")
    await reader.readexactly(int(length))
    return int(first.split(" ", 2)[1])
