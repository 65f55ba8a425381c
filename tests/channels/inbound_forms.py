"""Inbound webhooks as Twilio would send them, signed: for our fake and for other tests.

The fields are those of Twilio's documentation and of payloads published by others; every id, number
and name is invented. What our own code accepts from here is a claim about our fake only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from urllib.parse import urlencode

Form = list[tuple[str, str]]

ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "fake-auth-token"
WHATSAPP_SENDER = "whatsapp:+14155238886"
SMS_SENDER = "+15551234567"
PERSON = "whatsapp:+573001112222"
PERSON_ID = "whatsapp:CO.1A2B3C4D5E6F"


def sid(prefix: str = "SM") -> str:
    """A fresh message sid: a prefix and 32 hexadecimal digits."""
    return f"{prefix}{uuid.uuid4().hex}"


def sign(token: str, url: str, form: Sequence[tuple[str, str]]) -> str:
    """Twilio's signature, written from its description and not with Twilio's library."""
    values: dict[str, set[str]] = {}
    for key, value in form:
        values.setdefault(key, set()).add(value)
    text = url + "".join(key + value for key in sorted(values) for value in sorted(values[key]))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()


def signed(url: str, form: Sequence[tuple[str, str]], token: str = TOKEN) -> dict[str, str]:
    """The headers of a webhook to the public address `url`."""
    return {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": sign(token, url, form),
        "I-Twilio-Idempotency-Token": sid(""),
        "User-Agent": "TwilioProxy/1.1",
    }


def encoded(form: Sequence[tuple[str, str]]) -> bytes:
    """The body of a webhook."""
    return urlencode(form).encode()


def sms(text: str, *, sender: str = "+573001112222", **extra: str) -> Form:
    """An SMS."""
    message = sid("SM")
    fields = {
        "ToCountry": "US",
        "SmsMessageSid": message,
        "NumMedia": "0",
        "SmsSid": message,
        "SmsStatus": "received",
        "Body": text,
        "FromCountry": "CO",
        "To": SMS_SENDER,
        "NumSegments": "1",
        "MessageSid": message,
        "AccountSid": ACCOUNT,
        "From": sender,
        "ApiVersion": "2010-04-01",
    }
    return list({**fields, **extra}.items())


def whatsapp(text: str, *, sender: str = PERSON, user_id: str = PERSON_ID, **extra: str) -> Form:
    """A WhatsApp message from a person whose number is known."""
    message = sid("SM")
    number = sender.removeprefix("whatsapp:+")
    context = {"context": {"ProfileName": "Ana", "WaId": number}}
    fields = {
        "ExternalUserId": user_id,
        "SmsMessageSid": message,
        "NumMedia": "0",
        "ProfileName": "Ana",
        "MessageType": "text",
        "SmsSid": message,
        "WaId": number,
        "SmsStatus": "received",
        "Body": text,
        "To": WHATSAPP_SENDER,
        "NumSegments": "1",
        "ReferralNumMedia": "0",
        "MessageSid": message,
        "AccountSid": ACCOUNT,
        "ChannelMetadata": json.dumps({"type": "whatsapp", "data": context}),
        "From": sender,
        "ApiVersion": "2010-04-01",
    }
    return list({**fields, **extra}.items())


def hidden_number(text: str, *, user_id: str = PERSON_ID, **extra: str) -> Form:
    """A WhatsApp message from a person who hides the number: From holds the user id."""
    form = dict(whatsapp(text, sender=user_id, user_id=user_id, **extra))
    del form["WaId"]
    return list(form.items())


def tap(title: str, payload: str, **extra: str) -> Form:
    """A tap on a quick-reply button."""
    fields = {
        "MessageType": "interactive",
        "ButtonText": title,
        "ButtonPayload": payload,
        "ButtonType": "REPLY",
        "OriginalRepliedMessageSid": sid("MM"),
        "OriginalRepliedMessageSender": WHATSAPP_SENDER,
        "Forwarded": "false",
        "FrequentlyForwarded": "false",
    }
    return whatsapp(title, **{**fields, **extra})


def media(*items: tuple[str, str], caption: str = "", **extra: str) -> Form:
    """A message with attachments, each given as (content type, URL)."""
    fields = {"NumMedia": str(len(items)), "MessageType": items[0][0].partition("/")[0]}
    for number, (content_type, url) in enumerate(items):
        fields[f"MediaContentType{number}"] = content_type
        fields[f"MediaUrl{number}"] = url
    return whatsapp(caption, **{**fields, **extra})


def location(latitude: float, longitude: float, label: str = "", **extra: str) -> Form:
    """A shared place."""
    fields = {"MessageType": "location", "Latitude": str(latitude), "Longitude": str(longitude)}
    return whatsapp("", **{**fields, **({"Label": label} if label else {}), **extra})


def opt_out(text: str, kind: str = "STOP", **extra: str) -> Form:
    """A word that Twilio's Advanced Opt-Out recognised and has already answered."""
    return sms(text, **{"OptOutType": kind, **extra})
