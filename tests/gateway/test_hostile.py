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
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
import sqlalchemy as sa
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
    "\" OR 1=1 --",
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
_FEW = 40

_wild = st.text(max_size=12) | st.text(st.characters(categories=["Cc", "Cf", "Co", "Cs", "Zl", "Zs"]), max_size=6)
_value = st.sampled_from([*_SQL, *_JSON, *_ODD, *_ADDRESSES, *_STATUSES]) | _wild
_changes = st.lists(st.tuples(st.sampled_from(_NAMES) | _wild, _value), max_size=5)
_sid = st.integers(0, _FEW).map("SMcanary{}".format) | _wild
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


@dataclasses.dataclass(frozen=True)
class Thrown:
    """One request."""

    path: str
    query: str
    body: bytes
    genuine: bool
    signature: str
    kind: str


@st.composite
def _thrown(draw: st.DrawFn) -> Thrown:
    path = draw(st.sampled_from([INBOUND, INBOUND, STATUS]))
    query = draw(st.sampled_from(["", "", f"message={OURS}", "message=%00", "message=x&message=y", "a=%ff&b=ñ".encode().decode("latin-1")]))
    kind = draw(st.sampled_from(["application/x-www-form-urlencoded"] * 3 + ["application/json", "text/plain; charset=utf-16", ""]))
    if draw(st.integers(0, 3)) == 0:
        body, form = draw(_raw), None
    else:
        form = draw(_form(path))
        body = urlencode(form, errors="surrogatepass").encode()
    genuine = draw(st.booleans()) or (form is not None and draw(st.booleans()))
    url = f"{PUBLIC}{path}" + (f"?{query}" if query else "")
    signature = _sign(url, body) if genuine else draw(st.sampled_from(["", "x", "====", _sign(url + "x", body)]))
    return Thrown(path, query, body, genuine, signature, kind)


@st.composite
def _form(draw: st.DrawFn, path: str) -> list[tuple[str, str]]:
    if path == INBOUND:
        base = {"From": draw(st.sampled_from(_ADDRESSES)), "To": WHATSAPP_SENDER, "Body": CANARY}
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
    for name, value in parse_qsl(body.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"):
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
    stored: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    answers: dict[tuple[str, bool, int], int] = dataclasses.field(default_factory=dict)
    heard: int = 0


async def _throw(http: httpx.AsyncClient, one: Thrown) -> httpx.Response:
    headers = {"X-Twilio-Signature": one.signature} | ({"Content-Type": one.kind} if one.kind else {})
    query = one.query.encode("latin-1")
    url = httpx.URL(PUBLIC).copy_with(raw_path=one.path.encode() + (b"?" + query if query else b""))
    return await http.post(url, content=one.body, headers=headers)


async def _batch(twilio: Twilio, batch: list[Thrown], score: Score) -> None:
    with _listening() as heard:
        answers = await asyncio.gather(*(_throw(twilio.http, one) for one in batch))
    for one, answer in zip(batch, answers, strict=True):
        _judge(one, answer, score)
    _says_nothing(heard.getvalue())
    score.heard += len(heard.getvalue())
    await _only_the_believed_is_kept(twilio.database, batch, answers, score)


def _judge(one: Thrown, answer: httpx.Response, score: Score) -> None:
    well = 200 if one.path == INBOUND else 204
    assert answer.status_code in (well, 400, 403), (answer.status_code, one)
    assert one.genuine or answer.status_code != well, ("believed without a signature", one)
    assert not any(secret in answer.text for secret in _SECRETS), answer.text
    key = (one.path, one.genuine, answer.status_code)
    score.answers[key] = score.answers.get(key, 0) + 1
    score.requests += 1


def _says_nothing(heard: str) -> None:
    for secret in _SECRETS:
        place = heard.find(secret)
        assert place < 0, heard[max(0, place - 200) : place + 200]


async def _only_the_believed_is_kept(
    database: Database, batch: list[Thrown], answers: list[httpx.Response], score: Score
) -> None:
    """The inbox holds exactly what was answered 200, each under its first MessageSid, and says what was said."""
    said: dict[tuple[str, str], set[str]] = {}
    for one, answer in zip(batch, answers, strict=True):
        if answer.status_code == 200:
            form = dict(reversed(parse_qsl(one.body.decode(), keep_blank_values=True)))
            sid = next(form[name].strip() for name in ("MessageSid", "SmsMessageSid", "SmsSid") if form.get(name, "").strip())
            channel = "whatsapp" if form["From"].strip().startswith("whatsapp:") else "sms"
            said.setdefault((channel, sid), set()).add(form.get("Body", ""))
    fresh = said.keys() - score.stored
    score.stored |= said.keys()
    async with database.transaction() as session:
        assert await session.scalar(sa.text("SELECT count(*) FROM inbox")) == len(score.stored)
        rows = await session.all(
            sa.text("SELECT channel, provider_id, sealed FROM inbox WHERE provider_id = ANY(:ids)"),
            ids=[sid for _, sid in fresh],
        )
        kept = {(row["channel"], row["provider_id"]): row["sealed"] for row in rows}
        for key in fresh:
            message = message_from_json(session.keys.open_json(kept[key], "inbox.message"))
            assert (message.channel.value, message.provider_id) == key
            assert message.text in said[key]


@pytest.fixture(scope="module")
def score() -> Score:
    return Score()


@pytest.mark.timeout(240)
async def test_ten_thousand_hostile_webhooks_never_break_it_and_are_never_believed(
    twilio: Twilio, score: Score
) -> None:
    async with twilio.database.transaction() as session:
        message = await twilio.queued()
        await session.run(sa.text("UPDATE outbox SET id = :ours WHERE id = :id"), {"ours": OURS, "id": message})
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=BATCHES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(_thrown(), min_size=BATCH, max_size=BATCH))
    def throw(batch: list[Thrown]) -> None:
        asyncio.run_coroutine_threadsafe(_batch(twilio, batch, score), loop).result(60)

    await asyncio.to_thread(throw)
    assert score.requests >= BATCH * BATCHES
    assert await _alive(twilio)
    seen = {(path, genuine, code): count for (path, genuine, code), count in score.answers.items()}
    print(f"{score.requests} requests, {len(score.stored)} messages stored, answers {seen}")
    assert len(score.stored) > 100
    assert seen[INBOUND, True, 200] > BATCHES and seen[STATUS, True, 204] > BATCHES // 2
    assert seen[INBOUND, False, 403] > BATCHES and seen[STATUS, False, 403] > BATCHES // 2
    assert seen[INBOUND, True, 400] > BATCHES // 4
    assert score.heard > 0, "not even a refusal was logged: the listener is deaf"


async def _alive(twilio: Twilio) -> bool:
    ready = await twilio.http.get("/health/ready")
    row: Any = await twilio.row("SELECT status FROM outbox WHERE id = :id", id=OURS)
    return ready.status_code == 200 and row["status"] in ("sent", "delivered", "read", "failed")
