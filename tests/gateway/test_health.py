"""Whether it is well, in words an operator's tools understand; and what is said while it is not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.gateway.app import create_app
from bot.store import lines
from bot.supervisor.servers import free_port
from tests.channels.inbound_forms import encoded, signed, whatsapp
from tests.escalation.test_lines import line as help_line

from .conftest import INBOUND, PUBLIC, STATUS, Twilio, caller, settings_for


async def test_a_gateway_that_is_well_says_so(twilio: Twilio) -> None:
    live, ready = await twilio.http.get("/health/live"), await twilio.http.get("/health/ready")
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert ready.status_code == 200
    assert ready.json() == {"database": True, "redis": False, "twilio": True, "unsigned": []}


async def test_health_and_metrics_say_what_nobody_has_signed(postgres_url: str) -> None:
    async with caller(create_app(settings_for(postgres_url), unsigned=["lexicon/es", "texts/es"])) as http:
        ready, metrics = await http.get("/health/ready"), await http.get("/metrics")
    assert ready.status_code == 200
    assert ready.json()["unsigned"] == ["lexicon/es", "texts/es"]
    assert "harbour_unsigned 2.0" in metrics.text.splitlines()


async def test_metrics_count_what_waits_and_name_nobody(twilio: Twilio) -> None:
    await twilio.writes(whatsapp("canario secreto", sender="whatsapp:+573009998877"))
    await twilio.queued()
    answer = await twilio.http.get("/metrics")
    assert answer.status_code == 200
    lines = answer.text.splitlines()
    assert "harbour_inbox_waiting 1.0" in lines
    assert "harbour_outbox_open 1.0" in lines
    assert any(line.startswith('harbour_inbound_total{channel="whatsapp",outcome="stored"}') for line in lines)
    assert "canario" not in answer.text and "3009998877" not in answer.text


async def test_metrics_say_which_help_lines_run_out(twilio: Twilio) -> None:
    today = datetime.now(UTC).date()
    old, due = today - timedelta(days=181), today - timedelta(days=100)
    async with twilio.database.transaction() as session:
        for name, on in (("xx-good", today), ("xx-due", due), ("xx-old", old)):
            checked = help_line(name, verified_on=on, next_check_due=on + timedelta(days=90))
            await lines.save(session, checked)
    shown = (await twilio.http.get("/metrics")).text.splitlines()
    for state in ("usable", "due", "not_given"):
        assert f'harbour_help_lines{{state="{state}"}} 1.0' in shown


async def test_nothing_but_what_is_served_is_served(twilio: Twilio) -> None:
    for path in ("/", "/docs", "/openapi.json", "/redoc", "/webhooks/twilio", "/health", "/webhooks/twilio/inbound/"):
        assert (await twilio.http.get(path, follow_redirects=True)).status_code in (404, 405)


@contextlib.asynccontextmanager
async def _refusing_postgres(code: str) -> AsyncIterator[str]:
    """A server that lets nobody in, with PostgreSQL's own words: an ErrorResponse of that SQLSTATE."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                length = int.from_bytes(await reader.readexactly(4), "big")
                request = await reader.readexactly(length - 4)
                if int.from_bytes(request[:4], "big") != 80877103:  # SSLRequest
                    break
                writer.write(b"N")
            fields = b"SFATAL\0VFATAL\0C" + code.encode() + b"\0Mnot now\0\0"
            writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield f"postgresql://postgres@127.0.0.1:{server.sockets[0].getsockname()[1]}/postgres"


@contextlib.asynccontextmanager
async def _dead_port() -> AsyncIterator[str]:
    yield f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"


@contextlib.asynccontextmanager
async def _dead_socket() -> AsyncIterator[str]:
    yield "postgresql://postgres@/postgres?host=/nowhere"


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(_dead_port, id="nothing listens"),
        pytest.param(_dead_socket, id="no socket"),
        pytest.param(lambda: _refusing_postgres("57P03"), id="starting up or recovering"),
        pytest.param(lambda: _refusing_postgres("57P01"), id="shutting down"),
        pytest.param(lambda: _refusing_postgres("53300"), id="too many connections"),
    ],
)
async def test_while_the_database_is_down_twilio_is_told_to_come_again(server: object) -> None:
    async with server() as url, caller(create_app(settings_for(url))) as http:  # type: ignore[operator]
        for path, form in (
            (INBOUND, whatsapp("hello")),
            (STATUS, [("MessageSid", "SM1"), ("MessageStatus", "sent")]),
        ):
            answer = await http.post(path, content=encoded(form), headers=signed(PUBLIC + path, form))
            assert answer.status_code == 503
            assert answer.json()["error"] == "database_unavailable"
        assert (await http.post(INBOUND, content=b"")).status_code == 403
        assert (await http.get("/health/live")).status_code == 200
        ready = await http.get("/health/ready")
        assert (ready.status_code, ready.json()["database"]) == (503, False)
        assert (await http.get("/metrics")).status_code == 503
