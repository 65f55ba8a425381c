"""Twilio's webhook forms, read into our own nouns.

Parameters: https://www.twilio.com/docs/messaging/guides/webhook-request and, for statuses,
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status. Twilio adds parameters
without notice, so unknown ones are ignored and only those a message cannot do without are demanded.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl

from bot.errors import BadWebhook
from bot.vocabulary import (
    Address,
    Channel,
    DeliveryReport,
    DeliveryStatus,
    InboundMessage,
    Location,
    Media,
    OptOut,
)

EMPTY_RESPONSE = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""The TwiML that says: received, nothing to answer (`text/xml`)."""

MAX_BODY = 64 * 1024
MAX_FIELDS = 256
MAX_MEDIA = 20
MAX_VALUE = 256
_WHATSAPP = "whatsapp:"
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

_STATUSES = {
    "accepted": DeliveryStatus.SENT,
    "scheduled": DeliveryStatus.SENT,
    "queued": DeliveryStatus.SENT,
    "sending": DeliveryStatus.SENT,
    "sent": DeliveryStatus.SENT,
    "partially_delivered": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "failed": DeliveryStatus.FAILED,
    "undelivered": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,
}
_OPT_OUTS = {"STOP": OptOut.STOP, "START": OptOut.START, "HELP": OptOut.HELP}


def parse_form(body: bytes) -> list[tuple[str, str]]:
    """The fields of an urlencoded UTF-8 body: in order, duplicates and blank values kept.

    Raises BadWebhook if it is larger than 64 KiB, has more than 256 fields, is not well-formed
    urlencoded UTF-8, or holds a NUL character (which PostgreSQL cannot store).
    """
    if len(body) > MAX_BODY:
        raise BadWebhook(f"The form is larger than {MAX_BODY // 1024} KiB.")
    fields = _decoded(body)
    if any("\0" in key or "\0" in value for key, value in fields):
        raise BadWebhook("The form holds a NUL character.")
    return fields


def _decoded(body: bytes) -> list[tuple[str, str]]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadWebhook("The form is not UTF-8.") from None
    if text.count("&") >= MAX_FIELDS:
        raise BadWebhook(f"The form has more than {MAX_FIELDS} fields.")
    if _BROKEN_ESCAPE.search(text):
        raise BadWebhook("The form holds a broken percent escape.")
    try:
        return parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except UnicodeDecodeError:
        raise BadWebhook("The form is not UTF-8.") from None
    except ValueError:
        raise BadWebhook("The form is not urlencoded.") from None


def read_inbound(form: Sequence[tuple[str, str]]) -> InboundMessage:
    """One inbound WhatsApp message or SMS. Raises BadWebhook naming the field that is missing.

    Of a repeated field the first value counts. Media are those with a `MediaUrl`, whatever
    `NumMedia` says. A button or list answer is taken from ButtonPayload, else ListId, else the
    WhatsApp reply inside InteractiveData or ChannelMetadata; ListId and ListTitle are not in
    Twilio's documentation and are accepted in case they come.
    """
    fields = _first_values(form)
    if fields.get("MessageStatus"):
        raise BadWebhook("This is a status callback (MessageStatus), not an inbound message.")
    sender = _address(_needed(fields, "From"), "From")
    title, payload = _tapped(fields)
    return InboundMessage(
        channel=sender.channel,
        provider_id=_message_sid(fields),
        sender=sender,
        recipient=_address(_needed(fields, "To"), "To").value,
        text=fields.get("Body", ""),
        aliases=_aliases(fields, sender),
        media=tuple(_media(fields)),
        location=_location(fields),
        button_title=title,
        button_payload=payload,
        in_reply_to=fields.get("OriginalRepliedMessageSid", ""),
        opt_out=_OPT_OUTS.get(fields.get("OptOutType", "").upper()),
        forwarded=_is_forwarded(fields),
    )


def read_status(form: Sequence[tuple[str, str]], query: str) -> DeliveryReport:
    """A status callback; `query` is the raw query string, whose `message` is our own id.

    Everything that Twilio has accepted but not yet delivered counts as SENT. Raises BadWebhook
    naming the field that is missing, or if the status is not one an outbound message can have.
    """
    fields = _first_values(form)
    status = _STATUSES.get(_needed(fields, "MessageStatus").lower())
    if status is None:
        raise BadWebhook("MessageStatus is not a status of an outbound message.")
    return DeliveryReport(
        provider_id=_message_sid(fields),
        status=status,
        message_id=_our_id(query),
        code=_code(fields.get("ErrorCode", "")),
    )


def delivery_status(status: str) -> DeliveryStatus | None:
    """Our word for a status of Twilio's Message resource; `None` if it is not an outbound one."""
    return _STATUSES.get(status)


def _first_values(form: Sequence[tuple[str, str]]) -> dict[str, str]:
    return dict(reversed(form))


def _needed(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "").strip()
    if not value:
        raise BadWebhook(f"The field {name} is missing.")
    if len(value) > MAX_VALUE:
        raise BadWebhook(f"The field {name} is longer than {MAX_VALUE} characters.")
    return value


def _message_sid(fields: Mapping[str, str]) -> str:
    names = ("MessageSid", "SmsMessageSid", "SmsSid")  # the last two are deprecated twins
    name = next((name for name in names if fields.get(name, "").strip()), "MessageSid")
    return _needed(fields, name)


def _address(value: str, name: str) -> Address:
    """`whatsapp:+57...` and `whatsapp:CO.1A2B...` are WhatsApp; a value with no prefix is SMS."""
    channel = Channel.SMS
    if value.startswith(_WHATSAPP):
        channel, value = Channel.WHATSAPP, value.removeprefix(_WHATSAPP).strip()
    if not value or ":" in value:
        raise BadWebhook(f"The field {name} is neither a WhatsApp address nor an SMS one.")
    return Address(channel, value)


def _aliases(fields: Mapping[str, str], sender: Address) -> tuple[Address, ...]:
    """The person's WhatsApp user ids beside the address that wrote (Twilio, "Key concepts")."""
    names = ("ExternalUserId", "ParentExternalUserId")
    values = [fields.get(name, "").removeprefix(_WHATSAPP).strip() for name in names]
    found = [Address(Channel.WHATSAPP, value) for value in values if 0 < len(value) <= MAX_VALUE]
    return tuple(address for address in dict.fromkeys(found) if address != sender)


def _media(fields: Mapping[str, str]) -> Iterator[Media]:
    for number in range(MAX_MEDIA):
        url = fields.get(f"MediaUrl{number}", "")
        if url:
            yield Media(url, fields.get(f"MediaContentType{number}", ""))


def _location(fields: Mapping[str, str]) -> Location | None:
    if not fields.get("Latitude") or not fields.get("Longitude"):
        return None
    label = ", ".join(dict.fromkeys(filter(None, (fields.get("Label"), fields.get("Address")))))
    return Location(_degrees(fields, "Latitude", 90), _degrees(fields, "Longitude", 180), label)


def _degrees(fields: Mapping[str, str], name: str, limit: int) -> float:
    try:
        value = float(fields[name])
    except ValueError:
        value = math.nan
    if not abs(value) <= limit:
        raise BadWebhook(f"The field {name} is not a number of degrees.")
    return value


def _tapped(fields: Mapping[str, str]) -> tuple[str, str]:
    """Title and payload of a tapped button or list row; both empty if nothing was tapped."""
    inside = _reply_in(fields.get("InteractiveData", ""))
    inside = inside or _reply_in(fields.get("ChannelMetadata", "")) or ("", "")
    title = fields.get("ButtonText") or fields.get("ListTitle") or inside[0]
    payload = fields.get("ButtonPayload") or fields.get("ListId") or inside[1]
    return title, payload


def _reply_in(text: str) -> tuple[str, str] | None:
    """WhatsApp's `button_reply` or `list_reply` anywhere inside a JSON text: (title, id)."""
    if "_reply" not in text:
        return None
    try:
        return _search(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _search(value: object) -> tuple[str, str] | None:
    if isinstance(value, dict):
        for key in ("button_reply", "list_reply"):
            reply = value.get(key)
            if isinstance(reply, dict):
                return _text(reply.get("title")), _text(reply.get("id"))
        value = list(value.values())
    inner = map(_search, value) if isinstance(value, list) else ()
    return next(filter(None, inner), None)


def _text(value: object) -> str:
    return value.replace("\0", "").encode(errors="ignore").decode() if isinstance(value, str) else ""


def _is_forwarded(fields: Mapping[str, str]) -> bool:
    names = ("Forwarded", "FrequentlyForwarded")
    return any(fields.get(name, "").lower() == "true" for name in names)


def _our_id(query: str) -> uuid.UUID | None:
    for key, value in parse_qsl(query, errors="replace"):
        if key == "message":
            try:
                return uuid.UUID(value)
            except ValueError:
                return None
    return None


def _code(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) and int(text) else None
