"""Our fake of Twilio's messaging API: it keeps messages, calls back, and fails on demand.

It shows how our code behaves when Twilio refuses, is slow, dies after accepting, or reports late.
It says nothing about Twilio itself; what it answers is written from Twilio's documentation, and
claims that rest on it are labelled "our fake".

    python -m tests.channels.fake_twilio --port 4030 --deliver-to http://127.0.0.1:8000

Start reading at: `FakeTwilio`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import dataclasses
import json
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode, urlsplit

from .inbound_forms import ACCOUNT, TOKEN, Form, encoded, sid, signed
from .tiny_http import Answer, Poster, Request, Server

_PREFIX = "/2010-04-01/Accounts/"

# Twilio's own magic numbers (Test Credentials), so that both kinds of test read alike.
MAGIC_RECIPIENTS = {
    "+15005550001": 21211,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_SENDERS = {"+15005550007": 21606, "+15005550008": 21611}


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that goes wrong with one create request. See the functions below."""

    accepted: bool = False
    code: int = 0
    status: int = 0
    retry_after: str = ""
    callback: str = ""
    hang: float = 0.0
    drop: bool = False


def refuse(code: int, status: int = 400, retry_after: str = "") -> Fault:
    """Answer with an error at once; nothing is kept."""
    return Fault(code=code, status=status, retry_after=retry_after)


def fail_later(code: int, callback: str = "failed") -> Fault:
    """Accept, then report `failed` or `undelivered` with a code."""
    return Fault(accepted=True, code=code, callback=callback)


def break_down(status: int = 500, *, accepted: bool) -> Fault:
    """Answer 5xx, with or without having taken the message."""
    return Fault(accepted=accepted, code=20500, status=status)


def fall_silent(seconds: float = 60.0, *, accepted: bool) -> Fault:
    """Do not answer for a while, then close the connection."""
    return Fault(accepted=accepted, hang=seconds, drop=True)


def hang_up(*, accepted: bool) -> Fault:
    """Close the connection without an answer."""
    return Fault(accepted=accepted, drop=True)


@dataclasses.dataclass
class Kept:
    """One message the fake has accepted."""

    sid: str
    account: str
    fields: dict[str, str]
    created: datetime
    status: str
    sent: datetime | None = None
    error: int | None = None


@dataclasses.dataclass(frozen=True)
class Callback:
    """One status callback and how the receiver answered; 0 if it could not be reached."""

    url: str
    form: Form
    answer: int


class FakeTwilio:
    """One process's worth of Twilio, on loopback. All of it belongs to one event loop.

    `accounts` maps account sid to Auth Token; `keys` maps API key sid to secret. After a create
    with a StatusCallback it reports `statuses`, in that order, `delay` seconds apart. Callbacks are
    signed for the URL they were asked for; `deliver_to` ("http://127.0.0.1:8000") sends them
    elsewhere. `latency` is how long every answer takes, in seconds.
    """

    def __init__(
        self,
        *,
        accounts: Mapping[str, str] | None = None,
        keys: Mapping[str, str] | None = None,
        statuses: tuple[str, ...] = ("sent", "delivered"),
        delay: float = 0.0,
        latency: float = 0.0,
        deliver_to: str = "",
    ) -> None:
        self.accounts = dict(accounts or {ACCOUNT: TOKEN})
        self.keys = dict(keys or {})
        self.statuses = statuses
        self.delay = delay
        self.latency = latency
        self.deliver_to = deliver_to
        self.messages: dict[str, Kept] = {}
        self.callbacks: list[Callback] = []
        self.requests = 0
        self._next: deque[Fault] = deque()
        self._always: dict[str, Fault] = {}
        self._reports: set[asyncio.Task[None]] = set()
        self._server = Server(self._answer)
        self._poster = Poster()

    # -- scripting ---------------------------------------------------------------------------

    def next(self, *faults: Fault) -> None:
        """Let the coming create requests go wrong, one fault each, in order."""
        self._next.extend(faults)

    def always(self, recipient: str, fault: Fault) -> None:
        """Let every message to `recipient` (as in `To`) go wrong."""
        self._always[recipient] = fault

    def forget(self) -> None:
        """Forget all messages, callbacks and faults."""
        self.messages.clear()
        self.callbacks.clear()
        self._next.clear()
        self._always.clear()

    # -- running -----------------------------------------------------------------------------

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> str:
        """Listen, and return the base URL; port 0 takes a free one."""
        return await self._server.start(port, host)

    async def stop(self) -> None:
        """Stop listening and drop what is still open."""
        await self._server.stop()
        for task in self._reports:
            task.cancel()
        await asyncio.gather(*self._reports, return_exceptions=True)
        await self._poster.close()

    @contextlib.contextmanager
    def in_thread(self, port: int = 0) -> Iterator[str]:
        """Run in a thread of its own, for tests whose own loop must not be shared."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield asyncio.run_coroutine_threadsafe(self.start(port), loop).result(10)
        finally:
            asyncio.run_coroutine_threadsafe(self.stop(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    # -- answering ---------------------------------------------------------------------------

    async def _answer(self, request: Request) -> Answer | None:
        self.requests += 1
        if self.latency:
            await asyncio.sleep(self.latency)
        if request.path.startswith("/_fake/"):
            return self._control(request)
        account, _, rest = request.path.removeprefix(_PREFIX).partition("/")
        if not request.path.startswith(_PREFIX) or not self._knows(account, request):
            return _error(20003, 401)
        if rest == "Messages.json":
            return await self._messages(account, request)
        kept = self.messages.get(rest.removeprefix("Messages/").removesuffix(".json"))
        if kept is None or kept.account != account:
            return _error(20404, 404)
        return _json(200, _resource(kept))

    async def _messages(self, account: str, request: Request) -> Answer | None:
        if request.method == "GET":
            return self._list(account, request)
        return await self._create(account, request.form)

    def _knows(self, account: str, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        try:
            name, _, secret = base64.b64decode(given).decode().partition(":")
        except ValueError:
            return False
        if account not in self.accounts:
            return False
        return secret == (self.accounts[account] if name == account else self.keys.get(name, "-"))

    async def _create(self, account: str, fields: dict[str, str]) -> Answer | None:
        code = _wrong_with(fields)
        if code:
            return _error(code, 400)
        fault = self._fault_for(fields["To"])
        kept = self._keep(account, fields, fault) if fault.accepted else None
        if fault.hang:
            await asyncio.sleep(fault.hang)
        if fault.drop:
            return None
        if fault.status:
            return _error(fault.code, fault.status, fault.retry_after)
        assert kept is not None
        return _json(201, _resource(kept))

    def _fault_for(self, recipient: str) -> Fault:
        if recipient in self._always:
            return self._always[recipient]
        return self._next.popleft() if self._next else Fault(accepted=True)

    def _keep(self, account: str, fields: dict[str, str], fault: Fault) -> Kept:
        status = "accepted" if "MessagingServiceSid" in fields else "queued"
        kept = Kept(sid("SM"), account, fields, datetime.now(UTC), status)
        self.messages[kept.sid] = kept
        self._spawn(self._report(kept, fault))
        return kept

    def _list(self, account: str, request: Request) -> Answer:
        query = request.query
        found = [kept for kept in self.messages.values() if _wanted(kept, account, query)]
        found.reverse()
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        shown = found[page * size : (page + 1) * size]
        following = None
        if len(found) > (page + 1) * size:
            rest = urlencode({**query, "PageSize": str(size), "Page": str(page + 1)})
            following = f"{request.path}?{rest}"
        return _json(
            200,
            {
                "messages": [_resource(kept) for kept in shown],
                "next_page_uri": following,
                "page": page,
                "page_size": size,
                "uri": request.target,
            },
        )

    def _control(self, request: Request) -> Answer:
        """For another process: script faults and read what happened."""
        name = request.path.removeprefix("/_fake/")
        if name == "next":
            self.next(*(Fault(**fault) for fault in json.loads(request.body)))
        elif name == "always":
            self._always.update((to, Fault(**f)) for to, f in json.loads(request.body).items())
        elif name == "forget":
            self.forget()
        elif name == "messages":
            return _json(200, [_resource(kept) for kept in self.messages.values()])
        elif name == "callbacks":
            return _json(200, [dataclasses.asdict(callback) for callback in self.callbacks])
        else:
            return _error(20404, 404)
        return _json(200, {})

    # -- reporting ---------------------------------------------------------------------------

    async def _report(self, kept: Kept, fault: Fault) -> None:
        """Move the message through its statuses, and call back for each."""
        statuses = (fault.callback,) if fault.callback else self.statuses
        for status in statuses:
            await asyncio.sleep(self.delay)
            kept.status = status
            kept.error = fault.code if fault.callback else None
            kept.sent = kept.sent or datetime.now(UTC)
            if kept.fields.get("StatusCallback"):
                await self._call_back(kept)

    async def _call_back(self, kept: Kept) -> None:
        url, form = kept.fields["StatusCallback"], _status_form(kept)
        token = self.accounts[kept.account]
        answer = await self._poster.post(self._reachable(url), signed(url, form, token), encoded(form))
        self.callbacks.append(Callback(url, form, answer))

    def _reachable(self, url: str) -> str:
        if not self.deliver_to:
            return url
        parts = urlsplit(url)
        return f"{self.deliver_to.rstrip('/')}{parts.path}" + (f"?{parts.query}" * bool(parts.query))


def _wrong_with(fields: Mapping[str, str]) -> int:
    """The code Twilio gives for what is missing or wrong, or 0."""
    recipient, sender = fields.get("To", ""), fields.get("From", "")
    has_content = any(fields.get(name) for name in ("Body", "MediaUrl", "ContentSid"))
    checks = (
        (21604, not recipient),
        (21603, not sender and "MessagingServiceSid" not in fields),
        (21619, not has_content),
        (21617, len(fields.get("Body", "")) > 1600),
        (21910, bool(sender) and _channel(sender) != _channel(recipient)),
    )
    for code, wrong in checks:
        if wrong:
            return code
    return MAGIC_RECIPIENTS.get(recipient, 0) or MAGIC_SENDERS.get(sender, 0)


def _channel(address: str) -> str:
    return address.rpartition(":")[0]


def _wanted(kept: Kept, account: str, query: Mapping[str, str]) -> bool:
    """Whether a list shows a message; a date filter hides those that were not sent yet."""
    for name in ("To", "From"):
        if name in query and kept.fields.get(name) != query[name]:
            return False
    if kept.account != account:
        return False
    if "DateSent>" in query:
        earliest = datetime.fromisoformat(query["DateSent>"]).replace(tzinfo=UTC)
        return kept.sent is not None and kept.sent >= earliest
    return True


def _resource(kept: Kept) -> dict[str, object]:
    path = f"{_PREFIX}{kept.account}/Messages/{kept.sid}"
    created = format_datetime(kept.created)
    return {
        "account_sid": kept.account,
        "api_version": "2010-04-01",
        "body": kept.fields.get("Body"),
        "date_created": created,
        "date_sent": format_datetime(kept.sent) if kept.sent else None,
        "date_updated": created,
        "direction": "outbound-api",
        "error_code": kept.error,
        "error_message": "Failed" if kept.error else None,
        "from": kept.fields.get("From"),
        "messaging_service_sid": kept.fields.get("MessagingServiceSid"),
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": kept.sid,
        "status": kept.status,
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": kept.fields["To"],
        "uri": f"{path}.json",
    }


def _status_form(kept: Kept) -> Form:
    recipient = kept.fields["To"]
    fields = {
        "SmsSid": kept.sid,
        "SmsStatus": kept.status,
        "MessageStatus": kept.status,
        "To": recipient,
        "MessageSid": kept.sid,
        "AccountSid": kept.account,
        "From": kept.fields.get("From", ""),
        "ApiVersion": "2010-04-01",
    }
    if kept.error:
        fields["ErrorCode"] = str(kept.error)
    if recipient.startswith("whatsapp:"):
        fields["ChannelPrefix"] = "whatsapp"
        fields.update({"EventType": "READ"} if kept.status == "read" else {})
        fields.update({"ExternalUserId": recipient} if "." in recipient else {})
    return list(fields.items())


def _error(code: int, status: int, retry_after: str = "") -> Answer:
    payload = {
        "code": code,
        "message": "Refused by our fake",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return _json(status, payload, f"Retry-After: {retry_after}\r\n" if retry_after else "")


def _json(status: int, payload: object, headers: str = "") -> Answer:
    return Answer(status, json.dumps(payload).encode(), "application/json", headers)


async def _run(fake: FakeTwilio, port: int, say: Callable[[str], None]) -> None:
    say(f"our fake of Twilio listens on {await fake.start(port)}")
    await asyncio.Event().wait()


def main() -> None:
    """Run until interrupted; see `--help`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=4030)
    parser.add_argument("--account", default=f"{ACCOUNT}:{TOKEN}", help="sid:token")
    parser.add_argument("--deliver-to", default="", help="send callbacks to this base URL")
    parser.add_argument("--statuses", default="sent,delivered", help="comma-separated")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between statuses")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per answer")
    given = parser.parse_args()
    name, _, token = given.account.partition(":")
    fake = FakeTwilio(
        accounts={name: token},
        statuses=tuple(filter(None, given.statuses.split(","))),
        delay=given.delay,
        latency=given.latency,
        deliver_to=given.deliver_to,
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(fake, given.port, print))


if __name__ == "__main__":
    main()
