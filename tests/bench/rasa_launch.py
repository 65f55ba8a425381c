"""Rasa's own command line with Twilio's address changed; runs in the engine's environment (Python 3.10).

Owns: main().
May import: Rasa, twilio 8, requests; nothing of ours.
Start reading at: `main`.

    python -m tests.bench.rasa_launch run …              Rasa's own `rasa run …`
    python -m tests.bench.rasa_launch train …            Rasa's own `rasa train …`
    python -m tests.bench.rasa_launch events ENDPOINTS DOMAIN SENDER…   what its tracker store gives back

Twilio's library knows no setting for its address, so each request's host is replaced by BENCH_TWILIO_URL.
Connections that leave this machine are refused.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from typing import Any
from urllib.parse import urlsplit, urlunsplit


def main() -> None:
    """Divert Twilio, shut the machine's doors, and go on as Rasa would."""
    _loopback_only()
    if sys.argv[1] == "events":
        print(json.dumps(asyncio.run(_events(*sys.argv[2:4], senders=sys.argv[4:]))))
        return
    if os.environ.get("BENCH_TWILIO_URL"):
        _divert_twilio(os.environ["BENCH_TWILIO_URL"])
    from rasa.__main__ import main as rasa

    rasa()


def _divert_twilio(base: str) -> None:
    from twilio.http.http_client import TwilioHttpClient

    request = TwilioHttpClient.request
    there = urlsplit(base)

    def diverted(self: Any, method: str, url: str, *given: Any, **named: Any) -> Any:
        wanted = urlsplit(url)
        return request(self, method, urlunsplit((there.scheme, there.netloc, *wanted[2:])), *given, **named)

    TwilioHttpClient.request = diverted


def _loopback_only() -> None:
    connect = socket.socket.connect

    def checked(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError("the bench speaks to this machine only")
        connect(self, address)

    socket.socket.connect = checked  # type: ignore[method-assign]


async def _events(endpoints: str, domain: str, senders: list[str]) -> dict[str, dict[str, int]]:
    """Load trackers with Rasa's own code: how many events and user messages each holds."""
    from rasa.core.tracker_store import TrackerStore
    from rasa.core.utils import AvailableEndpoints
    from rasa.shared.core.domain import Domain
    from rasa.shared.core.events import UserUttered

    store = TrackerStore.create(AvailableEndpoints.read_endpoints(endpoints).tracker_store, Domain.load(domain))
    found = {}
    for sender in senders:
        tracker = await store.retrieve(sender)
        events = list(tracker.events) if tracker else []
        turns = sum(isinstance(event, UserUttered) for event in events)
        found[sender] = {"events": len(events), "turns": turns}
    return found


if __name__ == "__main__":
    main()
