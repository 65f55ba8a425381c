"""No log record of any library ever holds what a person wrote or where they are reached."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

import pytest

from bot.channels.protocol import ChannelUnavailable
from bot.channels.twilio import TwilioChannel, parse_form, read_inbound, read_status, verify
from bot.errors import BadSignature, HarbourError

from . import inbound_forms
from .conftest import Provider, to_sms, to_whatsapp
from .fake_twilio import Fault, break_down, hang_up, refuse
from .inbound_forms import encoded, sign

pytestmark = pytest.mark.asyncio

_TEXT = "canario secreto"
_NUMBER = "+573009998877"
_USER_ID = "CO.CANARIO77"
_FORBIDDEN = [
    form for secret in (_TEXT, _NUMBER, _NUMBER[1:], _USER_ID) for form in (secret, quote(secret), quote_plus(secret))
]


class _Everything(logging.Handler):
    def __init__(self) -> None:
        super().__init__(level=1)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        raised = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        self.lines.append(f"{record.getMessage()} {record.__dict__} {raised}")


@contextlib.contextmanager
def _all_logs() -> Iterator[_Everything]:
    handler, root = _Everything(), logging.getLogger()
    before = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    for name in before:
        logging.getLogger(name).setLevel(1)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        for name, old in before.items():
            logging.getLogger(name).setLevel(old)


def _is_silent(logs: _Everything) -> None:
    everything = "\n".join(logs.lines)
    assert not [secret for secret in _FORBIDDEN if secret in everything]


@pytest.mark.parametrize("fault", [None, refuse(21610), break_down(accepted=True), hang_up(accepted=True)])
async def test_sending_and_looking_up_leave_no_trace(provider: Provider, fault: Fault | None) -> None:
    with _all_logs() as logs:
        logging.getLogger("aiohttp.client").debug("heard")
        for message in (
            to_whatsapp(_TEXT, _NUMBER),
            to_whatsapp(_TEXT, _USER_ID),
            to_sms(_TEXT, _NUMBER),
        ):
            if fault is not None:
                provider.fake.next(fault)
            await provider.channel.send(message)
            await provider.channel.find(message, since=datetime.now(UTC), known=frozenset())
    assert "heard" in logs.lines[0], "what libraries say at debug level should be heard"
    _is_silent(logs)


async def test_a_failed_look_up_leaves_no_trace_in_its_traceback(provider: Provider) -> None:
    broken = TwilioChannel(provider.account)
    await provider.fake.stop()
    try:
        await broken.find(to_sms(_TEXT, _NUMBER), since=datetime.now(UTC), known=frozenset())
    except ChannelUnavailable as error:
        shown = "".join(traceback.format_exception(error))
        assert not [secret for secret in _FORBIDDEN if secret in shown]
    else:
        pytest.fail("the look-up should have failed")
    await broken.close()


async def test_receiving_leaves_no_trace(provider: Provider) -> None:
    url = "https://harbour.example.org/in"
    form = inbound_forms.whatsapp(_TEXT, sender=f"whatsapp:{_NUMBER}", user_id=_USER_ID)
    errors: list[HarbourError] = []
    with _all_logs() as logs:
        received = parse_form(encoded(form))
        signature = sign(provider.account.auth_token, url, form)
        verify(provider.account, path="/in", query="", form=received, signature=signature)
        message = read_inbound(received)
        logging.getLogger("test").info("%s %r %s", message, message.sender, message.aliases)
        for broken in (received[1:], [*received, ("MessageStatus", _TEXT)]):
            errors += _refusals(provider, broken)
    _is_silent(logs)
    assert errors
    assert not [secret for secret in _FORBIDDEN for e in errors if secret in e.sentence]


def _refusals(provider: Provider, form: list[tuple[str, str]]) -> list[HarbourError]:
    found: list[HarbourError] = []
    with contextlib.suppress(BadSignature):
        verify(provider.account, path="/in", query="", form=form, signature="x")
    for read in (lambda: read_inbound(form), lambda: read_status(form, "")):
        try:
            read()
        except HarbourError as error:
            found.append(error)
    return found
