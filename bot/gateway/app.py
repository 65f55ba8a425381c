"""The application object: what it needs, and where its routes are.

Owns: create_app(), serve().
May import: FastAPI, uvicorn, settings, conversation, store, and below.
Start reading at: `create_app`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from bot import log
from bot.conversation.sign_off import Signing, check_signed
from bot.errors import HarbourError
from bot.gateway import health, webhooks
from bot.gateway.parts import Parts
from bot.settings import Settings


def create_app(settings: Settings, *, unsigned: Sequence[str] = ()) -> FastAPI:
    """The gateway for these settings; `unsigned` is what health and metrics say nobody has signed.

    Raises ConfigurationError when a setting is missing.
    """
    parts = dataclasses.replace(Parts.from_settings(settings), unsigned=tuple(unsigned))

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        await parts.close()

    app = FastAPI(title="Harbour", lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.parts = parts
    app.router.routes.extend(webhooks.routes)
    app.include_router(health.router)
    app.add_exception_handler(HarbourError, _say)
    return app


async def _say(request: Request, error: Exception) -> Response:
    """One of our errors as JSON: its code and sentence, which hold nothing of a person."""
    assert isinstance(error, HarbourError)
    log.log("gateway").warning("refused", code=error.code, status=error.status)
    return JSONResponse({"error": error.code, "sentence": error.sentence}, status_code=error.status)


def serve(settings: Settings) -> None:
    """Run until told to stop. Raises NotSigned, ContentError and ConfigurationError before anything is taken in."""
    log.setup(settings.log_level)
    unsigned = check_signed(Signing.of(settings), "gateway")
    uvicorn.run(
        create_app(settings, unsigned=unsigned),
        host=settings.gateway_host,
        port=settings.gateway_port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
