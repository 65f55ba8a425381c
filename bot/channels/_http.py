"""The HTTP client under Twilio's library: real timeouts, Retry-After, and no second POST.

The library's own asynchronous client ignores its timeout (twilio-python #925), repeats POSTs
on 5xx when retries are on, and drops response headers from its errors. Requests go through a
transport of ours and not through `httpx.AsyncClient`, because the latter logs every URL, and the URL of a
listing holds the contact's address.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

import httpx
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]

from bot import clock
from bot.channels._wire import Wire

_logger = logging.getLogger(__name__)
_CONNECTIONS = 20
_LONGEST_WAIT = 86_400.0

# Failures before the first byte of a request left: sending again cannot send twice.
_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


class NotSent(Exception):
    """The provider was not reached; nothing left this machine."""


class NoAnswer(Exception):
    """The request left, but no usable answer came: the provider may have acted on it."""


class Refused(Exception):
    """The provider answered with an error; `retry_after` is in seconds."""

    def __init__(self, status: int, code: int | None, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}, code {code}")
        self.status = status
        self.code = code
        self.retry_after = retry_after


class PooledHttp(AsyncHttpClient):  # type: ignore[misc]
    """Twilio's `AsyncHttpClient` over pooled httpx connections.

    `base_url`, if not empty, replaces scheme and host of every request. Timeouts are in seconds.
    """

    def __init__(
        self,
        *,
        base_url: str,
        connect_timeout: float,
        read_timeout: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(_logger, is_async=True, timeout=read_timeout)
        self._base_url = base_url.rstrip("/")
        self._timeouts = httpx.Timeout(read_timeout, connect=connect_timeout, pool=connect_timeout)
        # A server that drips single bytes never trips a read timeout; this one it does.
        self._patience = 2 * (connect_timeout + read_timeout)
        self._transport = transport or Wire(_CONNECTIONS)
        self._turn = asyncio.Semaphore(_CONNECTIONS)

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One request, one attempt. Raises NotSent, NoAnswer or Refused, and nothing else."""
        async with self._turn:
            response = await self._exchange(method, uri, params, data, headers, auth)
        if not response.is_success:
            raise Refused(response.status_code, _code(response), _retry_after(response))
        if not isinstance(_json(response), dict):
            raise NoAnswer("the answer is not a JSON object")
        return Response(response.status_code, response.text, response.headers)

    async def close(self) -> None:
        """Close all pooled connections."""
        await self._transport.aclose()

    async def _exchange(
        self,
        method: str,
        uri: str,
        params: Mapping[str, str] | None,
        data: Mapping[str, object] | None,
        headers: Mapping[str, str] | None,
        auth: tuple[str, str] | None,
    ) -> httpx.Response:
        try:
            request = httpx.Request(
                method,
                self._rewritten(uri),
                params=params or None,
                data=data or None,
                headers=headers,
                extensions={"timeout": self._timeouts.as_dict()},
            )
            if auth is not None:
                request = next(httpx.BasicAuth(*auth).sync_auth_flow(request))
            async with asyncio.timeout(self._patience):
                response = await self._transport.handle_async_request(request)
                await response.aread()
                return response
        except _BEFORE_SENDING as error:
            raise NotSent(type(error).__name__) from None
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            raise NoAnswer(type(error).__name__) from None

    def _rewritten(self, uri: str) -> str:
        if not self._base_url:
            return uri
        base, wanted = urlsplit(self._base_url), urlsplit(uri)
        return urlunsplit((base.scheme, base.netloc, base.path + wanted.path, wanted.query, ""))


def _json(response: httpx.Response) -> object:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _code(response: httpx.Response) -> int | None:
    payload = _json(response)
    code = payload.get("code") if isinstance(payload, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait, from a number or a date; at most a day, and never negative."""
    text = response.headers.get("Retry-After", "")
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text)
    return max(0.0, min(seconds, _LONGEST_WAIT)) if math.isfinite(seconds) else None


def _seconds_until(http_date: str) -> float:
    try:
        return (parsedate_to_datetime(http_date) - clock.now()).total_seconds()
    except (ValueError, TypeError):
        return math.nan
