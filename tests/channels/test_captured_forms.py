"""What Twilio sends becomes what a person said, for every captured form."""

from __future__ import annotations

import dataclasses
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from bot.channels.twilio import parse_form, read_inbound, read_status
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

from . import inbound_forms

_CAPTURED = yaml.safe_load((Path(__file__).parent / "captured_forms.yml").read_text("utf-8"))
_INBOUND = _CAPTURED["inbound"]
_STATUS = _CAPTURED["status"]
_OUR_ID = uuid.UUID("00000000-0000-4000-8000-000000000001")


def _through_the_wire(form: dict[str, str]) -> list[tuple[str, str]]:
    return parse_form(urlencode(form).encode())


def _expected(fields: dict[str, Any]) -> InboundMessage:
    channel = Channel(fields["channel"])
    aliases = fields.get("aliases", [])
    read = {
        **fields,
        "channel": channel,
        "sender": Address(channel, fields["sender"]),
        "aliases": tuple(Address(Channel.WHATSAPP, alias) for alias in aliases),
        "media": tuple(Media(*item) for item in fields.get("media", [])),
        "location": Location(*fields["location"]) if "location" in fields else None,
        "opt_out": OptOut(fields["opt_out"]) if "opt_out" in fields else None,
    }
    return InboundMessage(**read)


@pytest.mark.parametrize("case", _INBOUND, ids=lambda case: case["name"])
def test_what_was_sent_is_what_is_read(case: dict[str, Any]) -> None:
    read = read_inbound(_through_the_wire(case["form"]))
    assert dataclasses.asdict(read) == dataclasses.asdict(_expected(case["expect"]))


@pytest.mark.parametrize("case", _STATUS, ids=lambda case: case["name"])
def test_every_report_finds_its_message_and_says_how_far_it_came(case: dict[str, Any]) -> None:
    report = read_status(_through_the_wire(case["form"]), f"message={_OUR_ID}")
    expected = case["expect"]
    assert report == DeliveryReport(
        provider_id=expected["provider_id"],
        status=DeliveryStatus(expected["status"]),
        message_id=_OUR_ID,
        code=expected.get("code"),
    )


@pytest.mark.parametrize("case", _STATUS, ids=lambda case: case["name"])
def test_a_report_on_our_message_is_never_taken_for_a_persons_words(case: dict[str, Any]) -> None:
    with pytest.raises(BadWebhook, match="MessageStatus"):
        read_inbound(_through_the_wire(case["form"]))


@pytest.mark.parametrize("name", ["From", "To", "MessageSid"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_field_is_named(name: str, value: str | None) -> None:
    form = dict(inbound_forms.sms("hola"))
    for twin in ("SmsSid", "SmsMessageSid"):
        del form[twin]
    form.pop(name)
    if value is not None:
        form[name] = value
    with pytest.raises(BadWebhook, match=name):
        read_inbound(list(form.items()))


@pytest.mark.parametrize("sender", ["messenger:123", "rcs:brand", "whatsapp:", "whatsapp: "])
def test_a_channel_we_do_not_serve_is_refused(sender: str) -> None:
    with pytest.raises(BadWebhook, match="From"):
        read_inbound(inbound_forms.sms("hola", sender=sender))


@pytest.mark.parametrize("latitude", ["north", "nan", "inf", "91"])
def test_a_place_that_is_nowhere_is_refused(latitude: str) -> None:
    form = inbound_forms.location(0.0, 0.0, Latitude=latitude)
    with pytest.raises(BadWebhook, match="Latitude"):
        read_inbound(form)


@pytest.mark.parametrize("status", ["received", "receiving", "exploded"])
def test_a_status_no_message_of_ours_can_have_is_refused(status: str) -> None:
    with pytest.raises(BadWebhook, match="MessageStatus"):
        read_status([("MessageStatus", status), ("MessageSid", "SM1")], "")


@pytest.mark.parametrize("query", ["", "message=", "message=7", "other=1", "message=%zz%00"])
def test_a_report_without_our_id_still_names_the_providers(query: str) -> None:
    report = read_status([("MessageStatus", "sent"), ("MessageSid", "SM1")], query)
    assert (report.provider_id, report.message_id) == ("SM1", None)


@pytest.mark.parametrize(
    "data",
    ['[{"_reply":' * 5000, "[" * 5000 + '"_reply"' + "]" * 5000, '{"list_reply": 1}', '"_reply"'],
)
def test_data_that_means_nothing_is_no_answer_and_no_error(data: str) -> None:
    read = read_inbound(inbound_forms.whatsapp("hola", InteractiveData=data))
    assert (read.text, read.button_title, read.button_payload) == ("hola", "", "")


def test_the_first_of_two_values_counts() -> None:
    form = [*inbound_forms.sms("first"), ("Body", "second")]
    assert read_inbound(form).text == "first"


def test_a_tapped_title_is_screened_once_and_a_different_body_too() -> None:
    same = read_inbound(inbound_forms.tap("Hablar", "person"))
    other = read_inbound(inbound_forms.tap("Hablar", "person", Body="no puedo más"))
    assert same.texts == ("Hablar",)
    assert other.texts == ("no puedo más", "Hablar")


def test_a_person_who_starts_to_hide_the_number_is_still_known_by_the_user_id() -> None:
    before = read_inbound(inbound_forms.whatsapp("hola"))
    after = read_inbound(inbound_forms.hidden_number("hola otra vez"))
    assert after.sender in before.aliases
    assert after.sender.is_business_scoped
    assert not before.sender.is_business_scoped
