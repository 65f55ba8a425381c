"""Bytes that no client library would send, to the gateway's real server: refused, and never a fault of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bot.supervisor.servers import free_port
from tests.channels.inbound_forms import encoded, signed, whatsapp

from .conftest import INBOUND, STATUS, Twilio, serving, settings_for


@pytest.fixture(scope="module")
def port(postgres_url: str) -> Iterator[int]:
    chosen = free_port()
    public = f"http://127.0.0.1:{chosen}"
    with serving(settings_for(postgres_url, gateway_port=chosen, public_base_url=public)):
        yield chosen


async def _exchange(port: int, *pieces: bytes) -> bytes:
    """Send the pieces, a moment apart, and return all that comes back within two seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        async with asyncio.timeout(2):
            return await reader.read(4096)
    except (TimeoutError, ConnectionError):
        return b""
    finally:
        writer.close()


def _post(target: bytes, *headers: bytes, body: bytes = b"Body=x") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"POST " + target + b" HTTP/1.1", length, b"Connection: close", *headers, b"", body])


HOST = b"Host: a"
RAW = {
    "a query that is not ASCII": _post(INBOUND.encode() + b"?a=\xff", HOST),
    "a query that is not UTF-8, percent-encoded": _post(INBOUND.encode() + b"?a=%ff", HOST),
    "a path that is not ASCII": _post(INBOUND.encode() + b"\xff", HOST),
    "half an escape in the path": _post(INBOUND.encode() + b"%", HOST),
    "a host that is no host": _post(INBOUND.encode(), b"Host: ["),
    "a host with a space": _post(INBOUND.encode(), b"Host: a b"),
    "a host that is not ASCII": _post(INBOUND.encode(), b"Host: \xff"),
    "no host at all": _post(INBOUND.encode()),
    "two hosts": _post(INBOUND.encode(), HOST, b"Host: b"),
    "a whole URL for a target": _post(b"http://evil.example.org" + INBOUND.encode(), HOST),
    "a signature that is not ASCII": _post(INBOUND.encode(), HOST, b"X-Twilio-Signature: \xff\xfe"),
    "two signatures": _post(INBOUND.encode(), HOST, b"X-Twilio-Signature: a", b"X-Twilio-Signature: b"),
    "a content type that is none": _post(STATUS.encode(), HOST, b"Content-Type: \x01;;;charset=nowhere"),
    "forwarded from everywhere": _post(INBOUND.encode(), HOST, b"X-Forwarded-Proto: \xff, [", b"X-Forwarded-For: ["),
    "a hundred headers": _post(INBOUND.encode(), HOST, *(b"X-%d: y" % number for number in range(100))),
    "a body that is rubbish": _post(STATUS.encode(), HOST, body=bytes(range(256))),
    "a body that is far too large": _post(INBOUND.encode(), HOST, body=b"a" * 3_000_000),
    "a method nobody knows": _post(INBOUND.encode(), HOST).replace(b"POST", b"BREW", 1),
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
    "an upgrade": _post(INBOUND.encode(), HOST, b"Connection: Upgrade", b"Upgrade: websocket"),
}


@pytest.mark.parametrize("name", RAW)
async def test_what_no_client_would_send_is_no_fault_of_ours(twilio: Twilio, port: int, name: str) -> None:
    answer = await _exchange(port, RAW[name])
    status = answer.split(b" ", 2)[1:2]
    assert status == [] or status[0][:1] == b"4", answer[:200]
    assert await twilio.count("inbox") == 0


async def test_a_message_in_small_pieces_is_still_one_message(twilio: Twilio, port: int) -> None:
    form = whatsapp("in pieces")
    url = f"http://127.0.0.1:{port}{INBOUND}"
    headers = [f"{name}: {value}".encode() for name, value in signed(url, form).items()]
    whole = _post(INBOUND.encode(), HOST, *headers, body=encoded(form))
    answer = await _exchange(port, *(whole[place : place + 40] for place in range(0, len(whole), 40)))
    assert answer.startswith(b"HTTP/1.1 200")
    assert [message.text for message in await twilio.stored()] == ["in pieces"]


async def test_half_a_message_is_no_message(twilio: Twilio, port: int) -> None:
    form = whatsapp("only half of it")
    url = f"http://127.0.0.1:{port}{INBOUND}"
    headers = [f"{name}: {value}".encode() for name, value in signed(url, form).items()]
    whole = _post(INBOUND.encode(), HOST, *headers, body=encoded(form))
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(whole[:-5])
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.3)
    assert await twilio.count("inbox") == 0
    assert b" 200 " in await _exchange(port, b"GET /health/ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
