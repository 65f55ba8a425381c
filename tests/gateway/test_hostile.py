"""Ten thousand webhooks that mean ill or nothing: never a fault of ours, nothing kept unless genuine, no word in a log.

Every body goes through the whole application, a batch at a time. Half are signed as Twilio would sign
what they say, so that what stands behind the signature is tried as well.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import hashlib
import hmac
import io
import logging
import uuid
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.store.database import Database
from bot.store.wire import message_from_json
from tests.channels.inbound_forms import ACCOUNT, TOKEN, WHATSAPP_SENDER

from .conftest import INBOUND, PUBLIC, STATUS, Twilio

BATCH, BATCHES = 20, 500
CANARY, CANARY_NUMBER, CANARY_ID = "zanahoria", "5559870123", "CO.CANARIO77"
_SECRETS = (CANARY, CANARY_NUMBER, CANARY_ID)
OURS = uuid.UUID("00000000-0000-4000-8000-00000000cafe")

# -- what is thrown ------------------------------------------------------------------------------

_SQL = [
    "'; DROP TABLE inbox; --",
    '" OR 1=1 --',
    "$1",
    "%s %(id)s :id",
    "\\'; SELECT pg_sleep(10); --",
    "{0.__class__}",
    "${jndi:ldap://x}",
]
_JSON = [
    "{",
    "[]",
    "null",
    '"_reply"',
    '{"list_reply":{"id":"a","title":"b"}}',
    '{"list_reply":{"id":7,"title":[]}}',
    '{"button_reply":{"id":"\\u0000","title":"\\u0000' + CANARY + '"}}',
    '{"list_reply":{"id":"\\ud800","title":"' + CANARY + '"}}',
    '{"button_reply":{"id":"x","title":"\\udfff\\ud800"}}',
    '{"a":' * 3000 + '"_reply"',
    "[" * 20000 + '"_reply"',
    '{"button_reply":{"id":1e999,"title":NaN},"_reply":' + "9" * 5000 + "}",
    '{"data":{"list_reply":{"title":"' + "t" * 9000 + '"}}}',
]
_ODD = [
    "",
    " ",
    "\0",
    "a\0b",
    "\x1b[31m\x07\x08",
    "\r\n\r\nX-Injected: 1",
    "\u202e\u200b\ufeff\u2028",
    "\ufffe\uffff\U0010ffff",
    "e\u0301" * 500,
    "😀" * 400,
    "x" * 1600,
    "x" * 60_000,
    "a" * 70_000,
    "-1",
    "99999999999999999999",
    "1e309",
    "nan",
    "٣",
    "0x10",
    "true",
    "1_0",
    "../../etc/passwd",
]
_ADDRESSES = [
    f"whatsapp:+1{CANARY_NUMBER}",
    f"whatsapp:{CANARY_ID}",
    f"+1{CANARY_NUMBER}",
    "whatsapp:",
    "whatsapp:+",
    "whatsapp:whatsapp:+1555",
    "rcs:x",
    "12345",
    "whatsapp:" + "9" * 300,
    "whatsapp:sim:1",
    "sim:1",
]
_NAMES = [
    *("From", "To", "MessageSid", "SmsSid", "SmsMessageSid", "Body", "MessageStatus", "ErrorCode", "NumMedia"),
    *("MediaUrl0", "MediaUrl-1", "MediaContentType0", "Latitude", "Longitude", "Label", "Address"),
    *("ButtonText", "ButtonPayload", "ListId", "ListTitle", "InteractiveData", "ChannelMetadata"),
    *("ExternalUserId", "ParentExternalUserId", "OptOutType", "Forwarded", "OriginalRepliedMessageSid"),
    *("AccountSid", "ProfileName", "message", "", "\0", "__proto__", "Body[]"),
]
_STATUSES = ["sent", "delivered", "read", "failed", "undelivered", "received", "queued", "SENT"]
_FEW = 500

_wild = st.text(max_size=12) | st.text(st.characters(categories=["Cc", "Cf", "Co", "Cs", "Zl", "Zs"]), max_size=6)
_value = st.sampled_from([*_SQL, *_JSON, *_ODD, *_ADDRESSES, *_STATUSES]) | _wild
_changes = st.lists(st.tuples(st.sampled_from(_NAMES) | _wild, _value), max_size=3)
_sid = st.sampled_from([*(f"SM{number}" for number in range(_FEW)), "", "S" * 300, " SM1 ", "\0"])
_raw = (
    st.binary(max_size=60)
    | st.text("abcFrom=&%+0149;\x00ñ", max_size=40).map(str.encode)
    | st.sampled_from(
        [
            b"",
            b"&" * 300,
            b"=",
            b"Body=%ed%a0%80",
            b"Body=%c0%80",
            b"Body=%zz",
            b"Body=" + b"a" * 65_540,
            b"a" * 200_000,
            b"&".join(b"a%d=%d" % (n, n) for n in range(3000)),
            b'{"From": "whatsapp:+1555"}',
            b"--x\r\nContent-Disposition: form-data; name=From\r\n\r\nx\r\n--x--",
            "From=whatsapp:+15550001111".encode("utf-16"),
            b"\xff\xfeF\x00",
        ]
    )
)


_PLAIN_QUERIES = [b"", b"", f"message={OURS}".encode(), b"message=%00", b"message=x&message=y"]
_query = st.sampled_from([*_PLAIN_QUERIES, b"a=%ff&b=\xff", b"&&;=#"])
_kind = st.sampled_from([b"application/x-www-form-urlencoded"] * 3 + [b"application/json", b"a; charset=utf-16", b""])
_host = st.sampled_from([b"harbour.example.org"] * 6 + [b"[", b"a b", b"\xff", b"x" * 5000, b""])


@dataclasses.dataclass(frozen=True)
class Thrown:
    """One request; `genuine` is signed for what it says, and `plain` says nothing that Twilio could not."""

    path: str
    query: bytes
    body: bytes
    genuine: bool
    plain: bool
    signature: str
    kind: bytes
    host: bytes


@st.composite
def _thrown(draw: st.DrawFn) -> Thrown:
    path = draw(st.sampled_from([INBOUND, INBOUND, STATUS]))
    query, kind, host = draw(_query), draw(_kind), draw(_host)
    if draw(st.integers(0, 7)) == 7:
        body, plain = draw(_raw), False
    else:
        form = draw(_form(path))
        body, plain = urlencode(form, errors="surrogatepass").encode(), True
    genuine = draw(st.sampled_from([True, True, False]))
    url = f"{PUBLIC}{path}" + (f"?{query.decode('latin-1')}" if query else "")
    signature = _sign(url, body) if genuine else draw(st.sampled_from(["", "x", "====", _sign(url + "x", body)]))
    plain = plain and query in _PLAIN_QUERIES
    return Thrown(path, query, body, genuine, plain, signature, kind, host)


@st.composite
def _form(draw: st.DrawFn, path: str) -> list[tuple[str, str]]:
    if path == INBOUND:
        base = {"From": draw(st.sampled_from(_ADDRESSES[:3] * 4 + _ADDRESSES)), "To": WHATSAPP_SENDER, "Body": CANARY}
        base["ProfileName"] = f"{CANARY} y zanahorias"
    else:
        base = {"MessageStatus": draw(st.sampled_from(_STATUSES)), "To": f"whatsapp:+1{CANARY_NUMBER}"}
    base |= {"MessageSid": draw(_sid), "AccountSid": ACCOUNT}
    changes = draw(_changes)
    if draw(st.integers(0, 15)) == 0:
        changes += [(f"p{number}", "") for number in range(draw(st.sampled_from([245, 252, 256, 3000])))]
    if draw(st.booleans()):
        return list({**base, **dict(changes)}.items())
    return [*base.items(), *changes]


def _sign(url: str, body: bytes) -> str:
    """Twilio's signature over what the body says, as far as anything can be read from it."""
    values: dict[str, set[str]] = {}
    for name, value in parse_qsl(
        body.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"
    ):
        values.setdefault(name, set()).add(value)
    text = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    signed = hmac.digest(TOKEN.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha1)
    return base64.b64encode(signed).decode()


# -- what is watched -----------------------------------------------------------------------------


class _Listener(logging.Handler):
    """Everything that any library logs, whatever its level."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.heard = io.StringIO()

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.write(f"{record.getMessage()} {record.__dict__}\n")


@contextlib.contextmanager
def _listening() -> Iterator[io.StringIO]:
    """What is logged, and what is printed to standard output and standard error."""
    listener, root = _Listener(), logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(1)
    try:
        with contextlib.redirect_stdout(listener.heard), contextlib.redirect_stderr(listener.heard):
            yield listener.heard
    finally:
        root.removeHandler(listener)
        root.setLevel(level)


@dataclasses.dataclass
class Score:
    """How it went so far, so that a run in which nothing was believed counts for nothing."""

    requests: int = 0
    stored: int = 0
    answers: dict[tuple[str, bool, int], int] = dataclasses.field(default_factory=dict)
    heard: int = 0


@dataclasses.dataclass
class Answer:
    """What came back; 500 when the application raised."""

    status: int = 500
    text: str = ""


async def throw(app: FastAPI, one: Thrown) -> Answer:
    """Hand the request to the application as a server does, which no HTTP client would send all of."""
    headers = [(b"x-twilio-signature", one.signature.encode("latin-1")), (b"host", one.host)]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": one.path,
        "raw_path": one.path.encode(),
        "query_string": one.query,
        "root_path": "",
        "headers": [*headers, (b"content-type", one.kind)] if one.kind else headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    pieces = [one.body[: len(one.body) // 2], one.body[len(one.body) // 2 :]]
    answer = Answer()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
        else:
            answer.text += message.get("body", b"").decode()

    with contextlib.suppress(Exception):
        await app(scope, receive, send)
    return answer


async def _batch(app: FastAPI, database: Database, batch: list[Thrown], score: Score) -> None:
    before = await _kept(database)
    with _listening() as heard:
        answers = await asyncio.gather(*(throw(app, one) for one in batch))
    for one, answer in zip(batch, answers, strict=True):
        _judge(one, answer, score)
    _says_nothing(heard.getvalue())
    score.heard += len(heard.getvalue())
    score.stored += await _only_the_believed_is_kept(database, batch, answers, before)


def _judge(one: Thrown, answer: Answer, score: Score) -> None:
    well = 200 if one.path == INBOUND else 204
    assert answer.status in (well, 400, 403), (answer.status, one)
    assert one.genuine or answer.status != well, ("believed without a signature", one)
    assert not (one.genuine and one.plain) or answer.status != 403, ("genuine, and not believed", one)
    assert not any(secret in answer.text for secret in _SECRETS), answer.text
    key = (one.path, one.genuine, answer.status)
    score.answers[key] = score.answers.get(key, 0) + 1
    score.requests += 1


def _says_nothing(heard: str) -> None:
    for secret in _SECRETS:
        place = heard.find(secret)
        assert place < 0, heard[max(0, place - 200) : place + 200]


async def _kept(database: Database) -> dict[tuple[str, str], bytes]:
    """The inbox: sealed messages by channel and provider's id."""
    async with database.transaction() as session:
        rows = await session.all(sa.text("SELECT channel, provider_id, sealed FROM inbox"))
        return {(row["channel"], row["provider_id"]): row["sealed"] for row in rows}


async def _only_the_believed_is_kept(
    database: Database, batch: list[Thrown], answers: list[Answer], before: Mapping[tuple[str, str], bytes]
) -> int:
    """What is new in the inbox is exactly what was answered 200, and says what was said. How much it is."""
    said: dict[tuple[str, str], set[str]] = {}
    for one, answer in zip(batch, answers, strict=True):
        if answer.status == 200:
            form = dict(reversed(parse_qsl(one.body.decode(), keep_blank_values=True)))
            said.setdefault(_key(form), set()).add(form.get("Body", ""))
    after = await _kept(database)
    assert after.keys() - before.keys() == said.keys() - before.keys()
    assert before.items() <= after.items()
    for key in after.keys() - before.keys():
        message = message_from_json(database.keys.open_json(after[key], "inbox.message"))
        assert (message.channel.value, message.provider_id) == key
        assert message.text in said[key]
    return len(after) - len(before)


def _key(form: Mapping[str, str]) -> tuple[str, str]:
    names = ("MessageSid", "SmsMessageSid", "SmsSid")
    channel = "whatsapp" if form["From"].strip().startswith("whatsapp:") else "sms"
    return channel, next(form[name].strip() for name in names if form.get(name, "").strip())


@pytest.fixture(scope="module")
def score() -> Score:
    return Score()


@pytest.mark.timeout(300)
async def test_ten_thousand_hostile_webhooks_never_break_it_and_are_never_believed(
    app: FastAPI, twilio: Twilio, score: Score
) -> None:
    async with twilio.database.transaction() as session:
        message = await twilio.queued()
        await session.run(sa.text("UPDATE outbox SET id = :ours WHERE id = :id"), {"ours": OURS, "id": message})
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=BATCHES,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(_thrown(), min_size=BATCH, max_size=BATCH))
    def throw_all(batch: list[Thrown]) -> None:
        asyncio.run_coroutine_threadsafe(_batch(app, twilio.database, batch, score), loop).result(60)

    await asyncio.to_thread(throw_all)
    assert score.requests >= BATCH * BATCHES
    assert await _alive(twilio)
    seen = {(path, genuine, code): count for (path, genuine, code), count in score.answers.items()}
    print(f"{score.requests} requests, {score.stored} messages stored, answers {seen}")
    assert score.stored > 100
    assert seen[INBOUND, True, 200] > BATCHES and seen[STATUS, True, 204] > BATCHES // 2
    assert seen[INBOUND, False, 403] > BATCHES and seen[STATUS, False, 403] > BATCHES // 2
    assert seen[INBOUND, True, 400] > BATCHES // 4
    assert score.heard > 0, "not even a refusal was logged: the listener is deaf"


async def _alive(twilio: Twilio) -> bool:
    ready = await twilio.http.get("/health/ready")
    row: Any = await twilio.row("SELECT status FROM outbox WHERE id = :id", id=OURS)
    return ready.status_code == 200 and row["status"] in ("sent", "delivered", "read", "failed")
