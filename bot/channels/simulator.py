"""A phone that is not there: for demonstrations, training and tests.

Owns: SimulatorChannel.
May import: bot.vocabulary, bot.channels.protocol.
Start reading at: `SimulatorChannel`.
"""

from __future__ import annotations

from datetime import datetime

from bot.channels.protocol import SendingChannel
from bot.vocabulary import DeliveryStatus, OutboundMessage, SendOutcome


class SimulatorChannel(SendingChannel):
    """Accepts every message at once. Its ids follow from ours, so sending twice is sending once."""

    async def send(self, message: OutboundMessage) -> SendOutcome:
        """Always SENT, with the provider id `sim-` and our own id."""
        return SendOutcome(DeliveryStatus.SENT, provider_id=f"sim-{message.id.hex}")

    async def find(self, message: OutboundMessage, *, since: datetime, known: frozenset[str]) -> SendOutcome | None:
        """The same outcome as `send`: here nothing can be lost between the two."""
        return await self.send(message)

    async def close(self) -> None:
        """Nothing to let go of."""
