"""A gateway in miniature: it verifies and reads webhooks with our code, and remembers them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.channels.twilio import (
    EMPTY_RESPONSE,
    TwilioAccount,
    parse_form,
    read_inbound,
    read_status,
    verify,
)
from bot.errors import HarbourError
from bot.vocabulary import DeliveryReport, InboundMessage

from .tiny_http import Answer, Request, Server


class Receiver:
    """Listens on loopback. `inbound` and `reports` hold what was read, `refused` what was not."""

    def __init__(self) -> None:
        self.inbound: list[InboundMessage] = []
        self.reports: list[DeliveryReport] = []
        self.refused: list[HarbourError] = []
        self.requests: list[Request] = []
        self.account: TwilioAccount | None = None
        self._server = Server(self._respond)
        self._changed = asyncio.Event()

    async def start(self, port: int = 0) -> str:
        """Listen and return the base URL; port 0 takes a free one."""
        return await self._server.start(port)

    async def stop(self) -> None:
        """Stop listening."""
        await self._server.stop()

    async def until(self, enough: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until `enough()`; TimeoutError after `seconds`."""
        async with asyncio.timeout(seconds):
            while not enough():
                self._changed.clear()
                await self._changed.wait()

    async def _respond(self, request: Request) -> Answer:
        self.requests.append(request)
        try:
            self._take(request)
        except HarbourError as error:
            self.refused.append(error)
            return Answer(error.status)
        finally:
            self._changed.set()
        return Answer(200, EMPTY_RESPONSE)

    def _take(self, request: Request) -> None:
        assert self.account is not None
        form = parse_form(request.body)
        verify(
            self.account,
            path=request.path,
            query=request.raw_query,
            form=form,
            signature=request.headers.get("x-twilio-signature"),
        )
        if request.path.endswith("/status"):
            self.reports.append(read_status(form, request.raw_query))
        else:
            self.inbound.append(read_inbound(form))
