"""Whatever the internet posts at us is read, or refused in a sentence; nothing else happens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.twilio import TwilioAccount, parse_form, read_inbound, read_status, verify
from bot.errors import BadSignature, BadWebhook, HarbourError

from .inbound_forms import sign

_ACCOUNT = TwilioAccount("AC1", "token", public_base_url="https://harbour.example.org")

_NAMES = [
    *("From", "To", "MessageSid", "SmsSid", "Body", "MessageStatus", "ErrorCode", "NumMedia"),
    *("MediaUrl0", "MediaContentType0", "Latitude", "Longitude", "Label", "Address"),
    *("ButtonText", "ButtonPayload", "ListId", "InteractiveData", "ChannelMetadata"),
    *("ExternalUserId", "ParentExternalUserId", "OptOutType", "Forwarded", "message"),
]
_any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_surrogates = st.text(max_size=40)
_telling = st.sampled_from(
    [
        *("whatsapp:+573001112222", "whatsapp:CO.1A", "whatsapp:", "+57300", "sent", "delivered"),
        *("[" * 3000 + '"_reply"', '{"list_reply":{"id":[]}}', '{"_reply":' * 900, "90", "1e999"),
        *("STOP", "true", "63016", "-1", "٣", "²", "SM0"),
    ]
)
_fields = st.lists(st.tuples(st.sampled_from(_NAMES) | _any_text, _telling | _any_text), max_size=12)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_form_or_a_sentence(body: bytes) -> None:
    with contextlib.suppress(BadWebhook):
        _read_all(parse_form(body))


@given(st.text("abc=&%+0149 \x00ñ;", max_size=60))
def test_anything_that_looks_nearly_like_a_form_is_a_form_or_a_sentence(body: str) -> None:
    with contextlib.suppress(BadWebhook):
        parse_form(body.encode())


@given(_fields)
def test_any_fields_are_a_message_or_a_sentence(fields: list[tuple[str, str]]) -> None:
    with contextlib.suppress(BadWebhook):
        parsed = parse_form(urlencode(fields).encode())
        assert parsed == fields
        _read_all(parsed)


@given(_surrogates, _surrogates, _fields, _surrogates)
def test_no_forged_request_is_ever_believed(
    path: str, query: str, fields: list[tuple[str, str]], signature: str
) -> None:
    with pytest.raises(BadSignature):
        verify(_ACCOUNT, path=path, query=query, form=fields, signature=signature)


@given(_fields)
def test_every_genuine_request_is_believed(fields: list[tuple[str, str]]) -> None:
    signature = sign("token", "https://harbour.example.org/in", fields)
    verify(_ACCOUNT, path="/in", query="", form=fields, signature=signature)


def _read_all(form: list[tuple[str, str]]) -> None:
    readers: list[Callable[[], object]] = [
        lambda: read_inbound(form),
        lambda: read_status(form, urlencode(form)),
    ]
    for read in readers:
        with contextlib.suppress(BadWebhook):
            read()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"Body=" + b"a" * 65536, "64 KiB"),
        (b"&".join(b"a%d=" % n for n in range(300)), "256 fields"),
        (b"Body=\xff", "UTF-8"),
        (b"Body=%ff", "UTF-8"),
        (b"Body=%ed%a0%80", "UTF-8"),
        (b"Body=%00", "NUL"),
        (b"Bo%00dy=a", "NUL"),
        (b"Body=%zz", "percent"),
        (b"Body=100%", "percent"),
        (b'{"Body": "hola"}', "urlencoded"),
        (b"--boundary\r\nContent-Disposition: form-data", "urlencoded"),
    ],
)
def test_rubbish_is_refused_in_a_sentence_that_repeats_none_of_it(body: bytes, why: str) -> None:
    with pytest.raises(BadWebhook, match=why) as refusal:
        parse_form(body)
    _is_a_sentence(refusal.value)


def _is_a_sentence(error: HarbourError) -> None:
    assert error.status == 400
    assert error.sentence.endswith(".")
    assert "hola" not in error.sentence


def test_an_empty_body_is_an_empty_form() -> None:
    assert parse_form(b"") == []


def test_blank_values_order_and_repetitions_survive() -> None:
    assert parse_form(b"b=&a=1&b=2&a=+x+") == [("b", ""), ("a", "1"), ("b", "2"), ("a", " x ")]
