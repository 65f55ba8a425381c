"""Posting webhooks as Twilio does whose URL carries `#rc=..&rp=all`: again until they are accepted.

Twilio itself tries at most six times within fifteen seconds, and then calls the fallback URL; this
sender goes on until the message is accepted, always with the same MessageSid.

Owns: Sender.
Start reading at: `Sender.send_all`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import httpx

from tests.channels.inbound_forms import Form, encoded, hidden_number, signed, whatsapp

from .plan import Contact, Message, Plan

_PATH = "/webhooks/twilio/inbound"
_TIMEOUT = 15.0
TWILIO_TRIES = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class Sender:
    """Posts all of a plan.

    `accepted` holds the sids that were answered 2xx, `answers` how often what came; `late` counts the
    posts for which Twilio would have gone to the fallback URL before they were accepted.
    """

    def __init__(self, plan: Plan, base_url: str) -> None:
        self._plan = plan
        self._base_url = base_url
        self._chance = random.Random(plan.seed + 1)
        self._later: set[asyncio.Task[None]] = set()
        self.accepted: set[str] = set()
        self.answers: Counter[str] = Counter()
        self.duplicates = 0
        self.slowest = 0.0
        self.late = 0

    async def send_all(self, begun: float) -> None:
        """Until everything is accepted, duplicates too; `begun` is the loop-independent time zero."""
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
        async with httpx.AsyncClient(timeout=_TIMEOUT, limits=limits, trust_env=False) as self._http:
            async with asyncio.TaskGroup() as group:
                for messages in self._by_contact().values():
                    group.create_task(self._write(messages, begun))
            while self._later:
                await asyncio.gather(*self._later)

    def _by_contact(self) -> Mapping[int, list[Message]]:
        found: dict[int, list[Message]] = defaultdict(list)
        for message in self._plan.messages:
            found[message.contact].append(message)
        return found

    async def _write(self, messages: Sequence[Message], begun: float) -> None:
        """One contact's messages, each when the one before was accepted."""
        for message in messages:
            await asyncio.sleep(max(0.0, begun + message.at - time.monotonic()))
            form = form_of(message, self._plan.contacts[message.contact])
            for pause in message.again:
                task = asyncio.create_task(self._again(message, form, pause))
                self._later.add(task)
                task.add_done_callback(self._later.discard)
            await self._until_accepted(message, form)

    async def _again(self, message: Message, form: Form, pause: float) -> None:
        await asyncio.sleep(pause)
        self.duplicates += 1
        await self._until_accepted(message, form)

    async def _until_accepted(self, message: Message, form: Form) -> None:
        begun, pause = time.monotonic(), _FIRST_PAUSE
        url = self._base_url + _PATH
        while True:
            answer = await self._post(url, form)
            self.answers[answer] += 1
            if answer.startswith("2"):
                self.accepted.add(message.sid)
                self._waited(time.monotonic() - begun)
                return
            if answer.startswith("4"):
                return
            await asyncio.sleep(pause * self._chance.uniform(0.8, 1.2))
            pause = min(_LONGEST_PAUSE, pause * 1.5)

    def _waited(self, seconds: float) -> None:
        self.slowest = max(self.slowest, seconds)
        self.late += seconds > TWILIO_TRIES

    async def _post(self, url: str, form: Form) -> str:
        try:
            response = await self._http.post(url, headers=signed(url, form), content=encoded(form))
        except httpx.TimeoutException:
            return "timeout"
        except httpx.TransportError:
            return "no connection"
        return str(response.status_code)


def form_of(message: Message, contact: Contact) -> Form:
    """The webhook's fields; the same for every attempt."""
    sids = {"MessageSid": message.sid, "SmsSid": message.sid, "SmsMessageSid": message.sid}
    if contact.address == contact.user_id:
        return hidden_number(message.text, user_id=contact.user_id, **sids)
    return whatsapp(message.text, sender=contact.address, user_id=contact.user_id, **sids)
