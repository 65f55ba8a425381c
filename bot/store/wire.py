"""Messages as JSON, the form in which they are sealed.

Owns: message_to_json(), message_from_json().
May import: `bot.vocabulary`.
Start reading at: `message_to_json`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from bot.vocabulary import Address, Channel, InboundMessage, Location, Media, OptOut


def message_to_json(message: InboundMessage) -> dict[str, Any]:
    """As plain JSON values."""
    return dataclasses.asdict(message)


def message_from_json(data: Mapping[str, Any]) -> InboundMessage:
    """The inverse of `message_to_json`."""
    return InboundMessage(
        **{
            **data,
            "channel": Channel(data["channel"]),
            "sender": _address(data["sender"]),
            "aliases": tuple(_address(one) for one in data["aliases"]),
            "media": tuple(Media(**one) for one in data["media"]),
            "location": Location(**data["location"]) if data["location"] else None,
            "opt_out": OptOut(data["opt_out"]) if data["opt_out"] else None,
        }
    )


def _address(data: Mapping[str, Any]) -> Address:
    return Address(Channel(data["channel"]), data["value"])
