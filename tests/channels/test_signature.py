"""Only what our own Twilio account signed is believed.

The signatures are facts: those of Twilio's security page and of the tests of its Python library.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest

from bot.channels.twilio import TwilioAccount, parse_form, verify
from bot.errors import BadSignature

from . import inbound_forms
from .inbound_forms import encoded, sign

Form = list[tuple[str, str]]

_CALL: Form = [
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
]
_DOCUMENTED: Form = [(name, value.replace("+14158675309", "+14158675310")) for name, value in _CALL]
_REPEATED: Form = [
    ("Sid", "CA123"),
    ("SidAccount", "AC123"),
    ("Digits", "5678"),
    ("Digits", "1234"),
    ("Digits", "1234"),
]
_JSON = b'{"property": "value", "boolean": true}'
_HASHED = f"foo=1&bar=2&bodySHA256={hashlib.sha256(_JSON).hexdigest()}"

_VECTORS = [
    ("https://mycompany.com", "foo=1&bar=2", _CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ("https://mycompany.com", "foo=1&bar=2", _CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    ("https://mycompany.com:443", "foo=1&bar=2", _CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    ("http://mycompany.com:80", "foo=1&bar=2", _CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ("http://mycompany.com:1234", "foo=1&bar=2", _CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    ("https://mycompany.com", "foo=1&bar=2", _REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    ("https://mycompany.com", _HASHED, [], "a9nBmqA0ju/hNViExpshrM61xv4="),
    ("https://example.com", "foo=1&bar=2", _DOCUMENTED, "L/OH5YylLD5NRKLltdqwSvS0BnU="),
]


def _account(base_url: str, token: str = "12345") -> TwilioAccount:
    return TwilioAccount("AC1", token, public_base_url=base_url)


@pytest.mark.parametrize(("base_url", "query", "form", "signature"), _VECTORS)
def test_a_published_signature_is_accepted(base_url: str, query: str, form: Form, signature: str) -> None:
    verify(_account(base_url), path="/myapp.php", query=query, form=form, signature=signature)


@pytest.mark.parametrize(("base_url", "query", "form", "signature"), _VECTORS)
def test_any_change_to_what_was_signed_is_refused(base_url: str, query: str, form: Form, signature: str) -> None:
    account = _account(base_url)
    changes: list[dict[str, Any]] = [
        {"path": "/myapp.php/"},
        {"query": query + "&baz=3"},
        {"query": query.replace("foo=1", "foo=%31")},
        {"form": [*form, ("Extra", "1")]},
        {"form": [(name, value + " ") for name, value in form]},
        {"form": form[1:]},
        {"signature": signature.lower()},
    ]
    genuine = {"path": "/myapp.php", "query": query, "form": form, "signature": signature}
    for change in changes:
        altered = {**genuine, **change}
        if altered == genuine:
            continue
        with pytest.raises(BadSignature):
            verify(account, **altered)


@pytest.mark.parametrize("signature", [None, "", " ", "=", "ñ", "\ud800", "x" * 10_000])
def test_a_missing_or_absurd_header_is_refused_and_nothing_breaks(signature: str | None) -> None:
    with pytest.raises(BadSignature):
        verify(_account("https://a.example"), path="/", query="", form=[], signature=signature)


def test_without_an_auth_token_nothing_is_believed() -> None:
    signature = sign("", "https://a.example/", [])
    with pytest.raises(BadSignature, match="Auth Token"):
        verify(_account("https://a.example", ""), path="/", query="", form=[], signature=signature)


@pytest.mark.parametrize("path", ["/\ud800", "//[", "/a\nb"])
def test_a_path_that_cannot_be_signed_is_refused(path: str) -> None:
    with pytest.raises(BadSignature):
        verify(_account("https://a.example"), path=path, query="", form=[], signature="x")


_HARD_TEXTS = ["", "  espacios  ", "ñ & = % + 😀", "a\r\nb", "línea\u2028", "١٢٣", "#x?y=z", "\x7f"]


@pytest.mark.parametrize("text", _HARD_TEXTS)
def test_whatever_a_person_writes_keeps_its_signature(account: TwilioAccount, text: str) -> None:
    form = inbound_forms.whatsapp(text)
    signature = sign(account.auth_token, "https://harbour.example.org/in?x=a%20b", form)
    received = parse_form(encoded(form))
    verify(account, path="/in", query="x=a%20b", form=received, signature=signature)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://harbour.example.org/",
        "https://user:secret@harbour.example.org",
        "https://harbour.example.org#rc=3",
        "https://harbour.example.org:443",
    ],
)
def test_how_the_public_address_is_written_does_not_lose_messages(account: TwilioAccount, base_url: str) -> None:
    form = inbound_forms.sms("hola")
    signature = sign(account.auth_token, "https://harbour.example.org/in", form)
    written = dataclasses.replace(account, public_base_url=base_url)
    verify(written, path="/in", query="", form=form, signature=signature)


def test_a_public_address_below_a_path_is_signed_with_it(account: TwilioAccount) -> None:
    signature = sign(account.auth_token, "https://example.org/harbour/in", [])
    below = dataclasses.replace(account, public_base_url="https://example.org/harbour")
    verify(below, path="/in", query="", form=[], signature=signature)


def test_another_accounts_token_is_refused(account: TwilioAccount) -> None:
    form = inbound_forms.sms("hola")
    signature = sign("another-token", "https://harbour.example.org/in", form)
    with pytest.raises(BadSignature):
        verify(account, path="/in", query="", form=form, signature=signature)
