"""Twilio: sending WhatsApp messages and SMS, and reading what Twilio tells us.

Owns: TwilioChannel; the account, signature, forms and error table stand in private files behind it.
May import: bot.vocabulary, bot.clock, bot.errors, httpx, twilio.
Start reading at: `TwilioChannel.send` for the way out, `verify` and `read_inbound` for the way in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

import httpx
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from bot.channels._account import TwilioAccount, status_callback_url
from bot.channels._actions import action_for, on_refusal, status_for
from bot.channels._forms import (
    EMPTY_RESPONSE,
    delivery_status,
    parse_form,
    read_inbound,
    read_status,
)
from bot.channels._http import NoAnswer, NotSent, PooledHttp, Refused
from bot.channels._signature import verify
from bot.channels.protocol import ChannelUnavailable, SendingChannel
from bot.vocabulary import (
    Address,
    Channel,
    DeliveryStatus,
    OutboundMessage,
    SendAction,
    SendOutcome,
)

__all__ = [
    "EMPTY_RESPONSE",
    "TwilioAccount",
    "TwilioChannel",
    "action_for",
    "parse_form",
    "read_inbound",
    "read_status",
    "status_callback_url",
    "verify",
]

CLOCK_SLACK = timedelta(minutes=2)
_PAGE = 50
_MOST_LISTED = 500
_TRIAL_PREFIX = "Sent from your Twilio trial account - "
_MISCONFIGURED = SendOutcome(DeliveryStatus.FAILED, action=SendAction.CONFIGURATION)


class _Record(Protocol):
    """The parts of Twilio's Message resource that we read."""

    sid: str | None
    status: str | None
    body: str | None
    error_code: int | None
    date_created: datetime | None


class TwilioChannel(SendingChannel):
    """WhatsApp and SMS through one Twilio account, over pooled connections.

    Creating a message has no idempotency key at Twilio, so a request is made once: what got no
    answer is UNKNOWN and is looked up with `find`. `transport` replaces the network, for tests.
    """

    def __init__(self, account: TwilioAccount, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._account = account
        self._http = PooledHttp(
            base_url=account.api_base_url,
            connect_timeout=account.connect_timeout,
            read_timeout=account.read_timeout,
            transport=transport,
        )
        username, password = account.credentials
        # A non-empty environment keeps the library from reading TWILIO_REGION and TWILIO_EDGE.
        self._client = Client(
            username,
            password,
            account.account_sid,
            http_client=self._http,
            environment={"TWILIO_REGION": ""},
        )

    async def send(self, message: OutboundMessage) -> SendOutcome:
        """Hand `message` to Twilio once; see `SendingChannel.send`."""
        sender = _sender(self._account, message.recipient.channel)
        if not sender:
            return _MISCONFIGURED
        try:
            record = await self._client.messages.create_async(
                to=_wire(message.recipient),
                body=message.text,
                status_callback=status_callback_url(self._account, message.id),
                **sender,
            )
        except Refused as refused:
            return on_refusal(refused)
        except NotSent:
            return _outcome(SendAction.RETRY)
        except NoAnswer:
            return _outcome(SendAction.UNKNOWN)
        except UnicodeEncodeError:  # a lone surrogate: no provider can be told this text
            return _outcome(SendAction.CONTENT)
        return _outcome_of(cast(_Record, record))

    async def find(self, message: OutboundMessage, *, since: datetime, known: frozenset[str]) -> SendOutcome | None:
        """Look for `message` in Twilio's list; see `SendingChannel.find`.

        The match is by recipient, text and time of creation, with two minutes for clocks that
        disagree. Twilio's list can lag behind what it accepted (twilio-java #442), so wait a
        little after an UNKNOWN before trusting a `None`.
        """
        earliest = since - CLOCK_SLACK
        for sent_after in (_midnight(earliest), None):
            records = await self._listed(message.recipient, sent_after)
            found = [record for record in records if record.sid not in known and _is_same(record, message, earliest)]
            if found:
                return _outcome_of(min(found, key=lambda record: _created(record, earliest)))
        return None

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._http.close()

    async def _listed(self, to: Address, sent_after: datetime | None) -> Sequence[_Record]:
        """Messages to one address, newest first: of the days since `sent_after`, or the last 50.

        The second, undated list is for messages still queued at Twilio: they have no DateSent.
        """
        filters = {} if sent_after is None else {"date_sent_after": sent_after}
        limit = _PAGE if sent_after is None else _MOST_LISTED
        try:
            records = await self._client.messages.list_async(to=_wire(to), limit=limit, page_size=_PAGE, **filters)
        except (Refused, NotSent, NoAnswer, TwilioException):
            raise ChannelUnavailable(
                "Twilio could not be asked what became of a message; it is asked again later."
            ) from None
        return cast(Sequence[_Record], records)


def _sender(account: TwilioAccount, channel: Channel) -> dict[str, object]:
    """The request fields that say who sends; empty if the account has no sender for `channel`."""
    if channel is Channel.WHATSAPP and account.whatsapp_sender:
        return {"from_": f"whatsapp:{account.whatsapp_sender.removeprefix('whatsapp:')}"}
    if channel is not Channel.SMS:
        return {}
    patience = {"validity_period": account.validity_period}
    if account.messaging_service_sid:
        return {"messaging_service_sid": account.messaging_service_sid, **patience}
    return {"from_": account.sms_sender, **patience} if account.sms_sender else {}


def _wire(address: Address) -> str:
    """The address as Twilio writes it; a WhatsApp user id goes where a number would."""
    return f"whatsapp:{address.value}" if address.channel is Channel.WHATSAPP else address.value


def _outcome(action: SendAction, code: int | None = None) -> SendOutcome:
    return SendOutcome(status_for(action), action=action, code=code)


def _outcome_of(record: _Record) -> SendOutcome:
    if not record.sid:
        return _outcome(SendAction.UNKNOWN)
    if delivery_status(record.status or "") is not DeliveryStatus.FAILED:
        return SendOutcome(DeliveryStatus.SENT, provider_id=record.sid)
    return SendOutcome(
        DeliveryStatus.FAILED,
        provider_id=record.sid,
        action=action_for(record.error_code),
        code=record.error_code,
    )


def _is_same(record: _Record, message: OutboundMessage, earliest: datetime) -> bool:
    """An empty body counts as the same: we never send one, so redaction has emptied ours."""
    body = _comparable((record.body or "").removeprefix(_TRIAL_PREFIX))
    return _created(record, earliest) >= earliest and body in ("", _comparable(message.text))


def _comparable(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def _created(record: _Record, unknown: datetime) -> datetime:
    return record.date_created or unknown


def _midnight(moment: datetime) -> datetime:
    """The start of that day in UTC: Twilio documents its date filters by day only."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
