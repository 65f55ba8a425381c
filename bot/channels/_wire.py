"""httpx's transport over aiohttp, which takes a tenth of the processor time of httpx's own.

aiohttp repeats idempotent requests on a kept connection that turns out to be closed, and never a POST.
"""

from __future__ import annotations

import aiohttp
import httpx
from yarl import URL

_IDLE_SECONDS = 30.0


class Wire(httpx.AsyncBaseTransport):
    """At most `connections` at once, kept open for half a minute. Made anywhere, opened by the first request.

    Raises httpx.ConnectError or ConnectTimeout when nothing left this machine, and httpx.ReadError or
    ReadTimeout when something may have.
    """

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, and its whole answer."""
        allowed = request.extensions["timeout"]
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=allowed["connect"], sock_read=allowed["read"])
        try:
            async with self._opened().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers,
                data=request.content or None,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
        except aiohttp.ConnectionTimeoutError:
            raise httpx.ConnectTimeout("no connection in time", request=request) from None
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL):
            raise httpx.ConnectError("no connection", request=request) from None
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time", request=request) from None
        except (aiohttp.ClientError, OSError):
            raise httpx.ReadError("no answer", request=request) from None
        return httpx.Response(answer.status, headers=list(answer.headers.items()), content=body, request=request)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._connections, keepalive_timeout=_IDLE_SECONDS, ssl=httpx.create_ssl_context()
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        return self._session
