"""Webhooks: raw bytes and headers in, a row committed, then the answer.

Owns: the provider's two URLs.
May import: FastAPI, care, channels, store.
Start reading at: `inbound`.

A message is answered 2xx only after its row is committed; a database that is down is answered 503,
so that the provider tries again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from fastapi import Request, Response
from starlette.routing import Route

from bot import clock
from bot.care import handover
from bot.channels import twilio
from bot.channels.retries import wait_before_retry
from bot.errors import BadSignature
from bot.gateway import metrics
from bot.gateway.parts import Parts, parts
from bot.store import contacts, inbox, outbox
from bot.store.database import Database, Session
from bot.store.wake import INBOX
from bot.vocabulary import DeliveryReport, DeliveryStatus, InboundMessage, SendAction

_MOST_BYTES = 64 * 1024
Form = list[tuple[str, str]]


async def inbound(request: Request) -> Response:
    """One message from a contact."""
    given = parts(request)
    with metrics.INBOUND_SECONDS.time():
        message = twilio.read_inbound(await _verified(request, given))
        fresh = await _store(given.database, message)
        metrics.INBOUND.labels(message.channel.value, "stored" if fresh else "duplicate").inc()
        if fresh:
            await given.wake.call(INBOX)
    return Response(twilio.EMPTY_RESPONSE, media_type="text/xml")


async def _store(database: Database, message: InboundMessage) -> bool:
    """Commit the message, in one statement unless an address is new. False if it was here before."""
    async with database.without_transaction() as session:
        fresh = await inbox.receive_known(session, message)
    if fresh is None:
        async with database.transaction() as session:
            return await inbox.receive(session, message)
    return fresh


async def status(request: Request) -> Response:
    """The provider's later word on a message of ours; out of order is normal."""
    given = parts(request)
    form = await _verified(request, given)
    report = twilio.read_status(form, request.scope["query_string"].decode("latin-1"))
    database = given.database
    alone = outbox.only_moves_forward(report)
    async with database.without_transaction() if alone else database.transaction() as session:
        await _take(session, report, given.send_attempts)
    metrics.STATUS.labels(report.status.value).inc()
    return Response(status_code=204)


async def _take(session: Session, report: DeliveryReport, most: int) -> None:
    """Move the row forward, or have it sent again, held, or given up, as the error code demands."""
    action = twilio.action_for(report.code) if report.code else None

    def retry(attempts: int) -> datetime | None:
        wait = wait_before_retry(action, attempts, most=most)
        return None if wait is None else clock.now() + timedelta(seconds=clock.jitter(wait))

    changed = await outbox.report(session, report, action.value if action else None, retry)
    if changed is None:
        return
    lost = report.status is DeliveryStatus.FAILED and changed["status"] in ("failed", "held")
    if lost and changed["kind"] in outbox.MUST_ARRIVE:
        await handover.not_delivered(session, changed["contact_id"], action.value if action else "")
    if action is SendAction.OPTED_OUT:
        await contacts.opt_out(session, changed["address_id"])
    elif action is SendAction.UNUSABLE_ADDRESS:
        await contacts.mark_unusable(session, changed["address_id"])


async def _verified(request: Request, given: Parts) -> Form:
    """The form of a webhook whose signature holds. Raises BadSignature or BadWebhook."""
    if given.twilio is None:
        raise BadSignature("No Twilio account is set, so no webhook can be genuine.")
    body = await _body(request)
    form = twilio.parse_form(body)
    twilio.verify(
        given.twilio,
        path=(request.scope.get("raw_path") or request.scope["path"].encode()).decode("latin-1"),
        query=request.scope["query_string"].decode("latin-1"),
        form=form,
        signature=request.headers.get("x-twilio-signature"),
    )
    return form


async def _body(request: Request) -> bytes:
    """The raw body, read no further than one byte over what is allowed."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            break
    return body[: _MOST_BYTES + 1]


# Plain routes: what FastAPI does for others (parameters, models, threads) takes more than all of the above.
routes = [
    Route("/webhooks/twilio/inbound", inbound, methods=["POST"]),
    Route("/webhooks/twilio/status", status, methods=["POST"]),
]
