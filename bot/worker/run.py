"""One worker process.

Owns: run().
May import: settings, and everything below the worker.
Start reading at: `run`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import uvloop
from prometheus_client import start_http_server

from bot import log
from bot.care.lines import LinePolicy
from bot.channels.protocol import SendingChannel
from bot.channels.simulator import SimulatorChannel
from bot.channels.twilio import TwilioAccount, TwilioChannel
from bot.conversation import language
from bot.conversation.live_screener import LiveScreener
from bot.conversation.sign_off import Signing, check_signed
from bot.conversation.turn import TurnConfig, TurnHandler
from bot.dialogue.rasa import RasaEngine
from bot.settings import Settings
from bot.store.database import Database
from bot.store.seal import Keyring
from bot.store.wake import INBOX, RateLimit, Wake
from bot.vocabulary import Channel
from bot.worker.due import DueWork
from bot.worker.inbound import InboundWork
from bot.worker.lexicons import keep_lexicons_fresh
from bot.worker.outbound import OutboundWork, SendPolicy
from bot.worker.pool import Pool


def run(settings: Settings, account: TwilioAccount | None) -> None:
    """Work until told to stop; what is under way is finished or left for another worker.

    Raises NotSigned, ContentError and ConfigurationError before any work is done.
    """
    log.setup(settings.log_level)
    check_signed(Signing.of(settings), "worker")
    language.get_ready()
    with contextlib.suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, account))


async def _run(settings: Settings, account: TwilioAccount | None) -> None:
    keys = Keyring.parse(settings.encryption_keys.get_secret_value(), settings.lookup_key.get_secret_value())
    connections = settings.worker_turns + settings.worker_sends + 2
    database = Database(settings.database(), keys, connections=connections)
    wake = Wake(settings.redis_url.get_secret_value())
    engine = RasaEngine(settings.engine_url, timeout=settings.engine_timeout)
    screener = LiveScreener(Signing.of(settings))
    turns = TurnHandler(database, engine, screener, turn_config(settings))
    channels = _channels(account)
    sending = OutboundWork(database, channels, _limits(settings, wake), send_policy(settings))
    outbound = Pool("outbound", settings.worker_sends, sending, poll=settings.poll_interval)
    inbound = Pool("inbound", settings.worker_turns, InboundWork(turns, outbound.wake), poll=settings.poll_interval)
    timers = DueWork(database, line_policy(settings))
    due = Pool("due", 1, timers, poll=max(1.0, settings.poll_interval))

    def woken(what: str) -> None:
        (inbound if what == INBOX else outbound).wake()

    await _until_stopped(
        settings, inbound.run(), outbound.run(), due.run(), wake.listen(woken), keep_lexicons_fresh(screener)
    )
    await engine.close()
    for channel in channels.values():
        await channel.close()
    await wake.close()
    await database.close()


async def _until_stopped(settings: Settings, *loops: Coroutine[Any, Any, None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = [asyncio.ensure_future(one) for one in loops]
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port, settings.worker_metrics_host)
    log.log("worker").info("ready")
    await asyncio.wait([*tasks, asyncio.ensure_future(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _channels(account: TwilioAccount | None) -> dict[Channel, SendingChannel]:
    channels: dict[Channel, SendingChannel] = {Channel.SIMULATOR: SimulatorChannel()}
    if account is not None:
        provider = TwilioChannel(account)
        channels |= {Channel.WHATSAPP: provider, Channel.SMS: provider}
    return channels


def _limits(settings: Settings, wake: Wake) -> dict[Channel, RateLimit]:
    return {
        Channel.WHATSAPP: RateLimit(wake, "whatsapp", settings.whatsapp_per_second),
        Channel.SMS: RateLimit(wake, "sms", settings.sms_per_second),
    }


def turn_config(settings: Settings) -> TurnConfig:
    """The settings that a turn needs."""
    return TurnConfig(
        organisation=settings.organisation,
        time_zone=settings.time_zone,
        first_languages=tuple(code.strip() for code in settings.first_languages.split(",")),
        second_reader=settings.second_reader,
        history_days=settings.history_days,
        keep_days=settings.keep_days,
        acknowledge_minutes=settings.acknowledge_minutes,
        away_hours=settings.away_hours,
        repeat_crisis_minutes=settings.repeat_crisis_minutes,
        answer_within=settings.answer_within,
        turn_attempts=settings.turn_attempts,
        sms_segments=settings.sms_segments,
        lines=line_policy(settings),
    )


def line_policy(settings: Settings) -> LinePolicy:
    """The settings that decide which help lines may be told."""
    country = settings.country.strip().upper()
    return LinePolicy(country, settings.line_days, settings.line_police, settings.time_zone)


def send_policy(settings: Settings) -> SendPolicy:
    """The settings that sending needs."""
    return SendPolicy(
        attempts=settings.send_attempts,
        lease=timedelta(seconds=settings.send_lease),
        window=timedelta(hours=settings.window_hours),
    )
