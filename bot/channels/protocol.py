"""What every channel can do, so that the worker need not know which provider it speaks to.

Owns: SendingChannel, ChannelUnavailable.
May import: bot.vocabulary, bot.errors.
Start reading at: `SendingChannel`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from bot.errors import HarbourError
from bot.vocabulary import OutboundMessage, SendOutcome


class ChannelUnavailable(HarbourError):
    """The provider could not be asked what became of a message; ask again, send nothing yet."""

    code = "channel_unavailable"
    status = 503


class SendingChannel(Protocol):
    """One way out. All times are aware; one instance serves one event loop."""

    async def send(self, message: OutboundMessage) -> SendOutcome:
        """Hand `message` to the provider once, never twice.

        Whatever the provider or the network does becomes an outcome; nothing is raised. UNKNOWN
        means that the provider may have it: call `find` before sending again.
        """

    async def find(self, message: OutboundMessage, *, since: datetime, known: frozenset[str]) -> SendOutcome | None:
        """What became of a `message` whose sending ended UNKNOWN.

        `since` is when it was first handed over; `known` are provider ids that belong to other
        messages. `None` means that the provider does not have it, so it is safe to send again.
        Raises ChannelUnavailable if the provider cannot be asked.
        """

    async def close(self) -> None:
        """Let go of connections; the channel is not used afterwards."""
