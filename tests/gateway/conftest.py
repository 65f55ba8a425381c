"""The real application in process, on the tests' own PostgreSQL, and somebody who posts as Twilio does."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from bot.gateway.app import create_app
from bot.settings import Settings
from bot.store import outbox
from bot.store.contacts import find_or_create
from bot.store.database import Database, Row
from bot.store.wire import message_from_json
from bot.vocabulary import Address, Channel, InboundMessage
from tests.channels.inbound_forms import ACCOUNT, SMS_SENDER, TOKEN, WHATSAPP_SENDER, Form, encoded, signed

PUBLIC = "https://harbour.example.org"
INBOUND, STATUS = "/webhooks/twilio/inbound", "/webhooks/twilio/status"


@pytest.fixture(autouse=True, scope="session")
def _no_running_demo() -> Iterator[None]:
    """A demo that runs on this machine lends its settings to nobody here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARBOUR_IGNORE_RUN_FILE", "1")
        yield


def settings_for(database_url: str, **more: Any) -> Settings:
    """A gateway with an account, and the keys of `tests.conftest.KEYS`."""
    given: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": "",
        "encryption_keys": f"test:{base64.b64encode(b'k' * 32).decode()}",
        "lookup_key": base64.b64encode(b"l" * 32).decode(),
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": TOKEN,
        "twilio_whatsapp_sender": WHATSAPP_SENDER.removeprefix("whatsapp:"),
        "twilio_sms_sender": SMS_SENDER,
        "public_base_url": PUBLIC,
    }
    return Settings(**{**given, **more})


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[None]:
    """The gateway on its port, in a thread with a loop of its own."""
    config = uvicorn.Config(
        create_app(settings), host="127.0.0.1", port=settings.gateway_port, access_log=False, log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        if time.monotonic() > until or not thread.is_alive():
            raise TimeoutError("the gateway did not start")
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)


def caller(app: FastAPI) -> httpx.AsyncClient:
    """A client of `app`; what the application raises is a 500, as it would be over the wire."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=PUBLIC)


@dataclasses.dataclass
class Twilio:
    """Posts webhooks to the gateway; signs them unless told otherwise. `database` is the gateway's own."""

    http: httpx.AsyncClient
    database: Database

    async def post(
        self, path: str, form: Form, *, query: str = "", token: str = TOKEN, signature: str | bytes | None = ""
    ) -> httpx.Response:
        """One webhook, genuine unless another `token` or `signature` is given; None leaves the header out."""
        url = f"{PUBLIC}{path}" + (f"?{query}" if query else "")
        headers = httpx.Headers(signed(url, form, token))
        if signature is None:
            del headers["X-Twilio-Signature"]
        elif signature:
            others = [(name, value) for name, value in headers.raw if name != b"X-Twilio-Signature"]
            given = signature if isinstance(signature, bytes) else signature.encode()
            headers = httpx.Headers([*others, (b"X-Twilio-Signature", given)])
        return await self.http.post(url, content=encoded(form), headers=headers)

    async def writes(self, form: Form, **more: Any) -> httpx.Response:
        """An inbound message."""
        return await self.post(INBOUND, form, **more)

    async def reports(self, message: uuid.UUID | None, **fields: str) -> httpx.Response:
        """A status callback about one of our messages."""
        form = list({"MessageSid": "SM1", "AccountSid": ACCOUNT, **fields}.items())
        return await self.post(STATUS, form, query=f"message={message}" if message else "")

    async def stored(self) -> list[InboundMessage]:
        """Every message in the inbox, opened."""
        async with self.database.transaction() as session:
            rows = await session.all(sa.text("SELECT sealed FROM inbox ORDER BY id"))
            return [message_from_json(session.keys.open_json(row["sealed"], "inbox.message")) for row in rows]

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        async with self.database.transaction() as session:
            return int(await session.scalar(sa.text(f'SELECT count(*) FROM "{table}"')))

    async def row(self, statement: str, **values: Any) -> Row:
        """The one row a statement gives."""
        async with self.database.transaction() as session:
            (row,) = await session.all(sa.text(statement), **values)
            return row

    async def queued(
        self, value: str = "+573001112222", channel: Channel = Channel.WHATSAPP, kind: str = "reply"
    ) -> uuid.UUID:
        """A message of ours in the outbox, for reports to speak of."""
        async with self.database.transaction() as session:
            contact, address = await find_or_create(session, [Address(channel, value)])
            (message,) = await outbox.queue(session, contact_id=contact, address_id=address, texts=["hello"], kind=kind)
            return message

    async def status_of(self, message: uuid.UUID) -> str:
        """How far a message of ours has come."""
        row = await self.row("SELECT status FROM outbox WHERE id = :id", id=message)
        return str(row["status"])


@pytest_asyncio.fixture(scope="session")
async def app(postgres_url: str) -> AsyncIterator[FastAPI]:
    made = create_app(settings_for(postgres_url))
    async with made.router.lifespan_context(made):
        yield made


@pytest_asyncio.fixture(scope="session")
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app) as client:
        yield client


@pytest.fixture
def twilio(http: httpx.AsyncClient, database: Database) -> Twilio:
    """Somebody who posts as Twilio does, to a gateway with an empty database."""
    return Twilio(http, database)


def fields(form: Sequence[tuple[str, str]], **changed: str | None) -> Form:
    """A form with fields changed, or left out when None."""
    return [(name, value) for name, value in {**dict(form), **changed}.items() if value is not None]
