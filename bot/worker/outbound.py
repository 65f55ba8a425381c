"""Outbound: sends, in each address's order, never blindly twice.

Owns: OutboundWork, SendPolicy.
May import: channels, store, and below.
Start reading at: `OutboundWork.__call__`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot import clock
from bot.care import handover
from bot.channels.protocol import ChannelUnavailable, SendingChannel
from bot.channels.retries import wait_before_retry
from bot.log import log
from bot.store import contacts, outbox
from bot.store.database import Database, Session
from bot.store.outbox import Claimed
from bot.store.wake import RateLimit
from bot.vocabulary import Channel, DeliveryStatus, SendAction, SendOutcome
from bot.worker import metrics

_log = log("worker")
_EVEN_AFTER_STOP = frozenset({"crisis", "confirmation"})
_LOOK_AGAIN = 5.0
_LOOKUPS = 3
# A provider's list may lag behind; not being listed is believed only after this long.
_LISTED_AFTER = timedelta(seconds=25)


@dataclasses.dataclass(frozen=True)
class SendPolicy:
    """What an operator set. `window` is WhatsApp's customer-service window."""

    attempts: int = 5
    lease: timedelta = timedelta(seconds=45)
    window: timedelta = timedelta(hours=24)


@dataclasses.dataclass(frozen=True)
class _Verdict:
    """What is written into the row."""

    status: DeliveryStatus
    reason: str | None = None
    provider_id: str | None = None
    code: int | None = None
    due_at: datetime | None = None
    opt_out: bool = False
    unusable: bool = False


class OutboundWork:
    """Claims one message, sends it or looks it up, and writes down what came of it."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[Channel, SendingChannel],
        limits: Mapping[Channel, RateLimit],
        policy: SendPolicy,
    ) -> None:
        self._database = database
        self._channels = channels
        self._limits = limits
        self._policy = policy

    async def __call__(self) -> bool:
        """Whether there was something to do."""
        async with self._database.transaction() as session:
            claimed = await outbox.claim(session, self._policy.lease)
            known = await outbox.known_provider_ids(session, claimed.address.id) if claimed and claimed.lookup else None
        if claimed is None:
            return False
        verdict = self._forbidden(claimed) or await self._hand_over(claimed, known or frozenset())
        if verdict is None:  # it waited for its turn longer than its lease: it is another's by now
            return True
        plain = verdict.status is DeliveryStatus.SENT
        async with self._database.without_transaction() if plain else self._database.transaction() as session:
            await self._write(session, claimed, verdict)
        channel = claimed.message.recipient.channel.value
        metrics.SENDS.labels(channel, verdict.reason or verdict.status.value).inc()
        _log.info(
            "send",
            message=str(claimed.message.id),
            channel=channel,
            status=verdict.status.value,
            action=verdict.reason,
            code=verdict.code,
            attempts=claimed.attempts,
        )
        return True

    def _forbidden(self, claimed: Claimed) -> _Verdict | None:
        """Why this must not be sent at all, if so. A message already handed over is looked up first."""
        if claimed.lookup:
            return None
        address = claimed.address
        if address.unusable_at is not None:
            return _Verdict(DeliveryStatus.FAILED, SendAction.UNUSABLE_ADDRESS.value)
        if address.opted_out_at is not None and not _may_follow_stop(claimed):
            return _Verdict(DeliveryStatus.HELD, SendAction.OPTED_OUT.value)
        last = address.last_inbound_at
        open_window = last is not None and clock.now() - last < self._policy.window
        if address.address.channel is Channel.WHATSAPP and not open_window:
            return _Verdict(DeliveryStatus.HELD, SendAction.WINDOW_CLOSED.value)
        if self._way_out(claimed) not in self._channels:
            return _Verdict(DeliveryStatus.HELD, SendAction.CONFIGURATION.value)
        return None

    def _way_out(self, claimed: Claimed) -> Channel:
        recipient = claimed.message.recipient
        return Channel.SIMULATOR if recipient.is_simulated else recipient.channel

    async def _hand_over(self, claimed: Claimed, known: frozenset[str]) -> _Verdict | None:
        channel = self._channels[self._way_out(claimed)]
        if claimed.lookup:
            return await self._look_up(channel, claimed, known)
        limit = self._limits.get(self._way_out(claimed))
        if limit is not None:
            begun = time.monotonic()
            await limit.wait()
            waited = time.monotonic() - begun
            if waited > self._policy.lease.total_seconds() / 10 and not await self._still_ours(claimed):
                return None
        return self._judge(await channel.send(claimed.message), claimed.attempts)

    async def _still_ours(self, claimed: Claimed) -> bool:
        """After waiting for its turn: renew the lease, unless another worker has the message by now."""
        async with self._database.transaction() as session:
            return await outbox.keep(session, claimed, self._policy.lease)

    async def _look_up(self, channel: SendingChannel, claimed: Claimed, known: frozenset[str]) -> _Verdict:
        """The provider may have it: ask, and send again only when it has not."""
        since = claimed.tried_at or clock.now()
        try:
            found = await channel.find(claimed.message, since=since, known=known)
        except ChannelUnavailable:
            return _Verdict(DeliveryStatus.UNKNOWN, SendAction.UNKNOWN.value, due_at=_in(_LOOK_AGAIN))
        if found is None and claimed.attempts >= _LOOKUPS * self._policy.attempts:
            return _Verdict(DeliveryStatus.FAILED, SendAction.GIVE_UP.value)
        if found is None and clock.now() - since < _LISTED_AFTER:
            return _Verdict(DeliveryStatus.UNKNOWN, SendAction.UNKNOWN.value, due_at=_in(_LOOK_AGAIN))
        if found is None:
            return _Verdict(DeliveryStatus.QUEUED, SendAction.RETRY.value, due_at=clock.now())
        return self._judge(found, claimed.attempts)

    def _judge(self, outcome: SendOutcome, attempts: int) -> _Verdict:
        """The closed table: each outcome has one consequence."""
        action, code = outcome.action, outcome.code
        if action is None:
            return _Verdict(outcome.status, provider_id=outcome.provider_id)
        given_up = _Verdict(DeliveryStatus.FAILED, action.value, outcome.provider_id, code)
        if action is SendAction.UNKNOWN:
            return dataclasses.replace(given_up, status=DeliveryStatus.UNKNOWN, due_at=_in(_LOOK_AGAIN))
        if action is SendAction.WINDOW_CLOSED:
            return dataclasses.replace(given_up, status=DeliveryStatus.HELD)
        wait = wait_before_retry(action, attempts, most=self._policy.attempts, retry_after=outcome.retry_after)
        if wait is not None:
            return dataclasses.replace(given_up, status=DeliveryStatus.QUEUED, due_at=_in(wait))
        return dataclasses.replace(
            given_up,
            opt_out=action is SendAction.OPTED_OUT,
            unusable=action is SendAction.UNUSABLE_ADDRESS,
        )

    async def _write(self, session: Session, claimed: Claimed, verdict: _Verdict) -> None:
        await outbox.settle(
            session,
            claimed.message.id,
            verdict.status,
            attempts=claimed.attempts,
            provider_id=verdict.provider_id,
            reason=verdict.reason,
            code=verdict.code,
            due_at=verdict.due_at,
        )
        if verdict.opt_out:
            await contacts.opt_out(session, claimed.address.id)
        lost = verdict.status in {DeliveryStatus.FAILED, DeliveryStatus.HELD}
        if lost and claimed.kind in outbox.MUST_ARRIVE:
            await handover.not_delivered(session, claimed.contact_id, verdict.reason or "")
        if verdict.unusable:
            await contacts.mark_unusable(session, claimed.address.id)


def _may_follow_stop(claimed: Claimed) -> bool:
    """After STOP: the one confirmation, an answer to danger, and a counsellor once they wrote again."""
    address = claimed.address
    if claimed.kind in _EVEN_AFTER_STOP:
        return True
    wrote_again = address.last_inbound_at and address.opted_out_at and address.last_inbound_at > address.opted_out_at
    return claimed.kind == "counsellor" and bool(wrote_again)


def _in(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=clock.jitter(seconds))
