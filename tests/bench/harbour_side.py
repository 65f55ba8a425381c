"""Harbour under load: one gateway, one engine, one worker, as `harbour run` starts them.

Owns: HarbourSide.
May import: `bot`, asyncpg, this package.
Start reading at: `HarbourSide.start`, then `HarbourSide.prepare`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.store import contacts as stored
from bot.store.contacts import Contact as StoredContact
from bot.store.database import Database
from bot.store.migrate import upgrade
from bot.store.seal import Keyring
from bot.supervisor import demo
from bot.supervisor.local import BEHIND_WEBHOOKS, engine_child, publish_flows
from bot.supervisor.processes import ROOT, Child
from bot.supervisor.servers import free_port
from bot.vocabulary import Address, Channel
from tests.bench.load import BenchFailed, Contact, Phone, Taken, WatchedTwilio
from tests.bench.machine import Pids, family
from tests.bench.script import CYCLE, LANGUAGES, said
from tests.bench.servers import Servers
from tests.channels.inbound_forms import ACCOUNT, TOKEN, WHATSAPP_SENDER

PUBLIC = "https://harbour.example.org"
INBOUND = "/webhooks/twilio/inbound"
_ROUNDS_PLAYED = 3
# Unlike a real WhatsApp sender, nothing here limits sends to 80 a second: Rasa has no such limit.
_PER_SECOND = "100000"
_COPY = """
WITH person AS (SELECT unnest($2::uuid[]) AS contact_id, unnest($3::uuid[]) AS address_id),
played AS (
  SELECT i.*, o.sealed AS out_sealed, o.kind, a.sealed_signals,
         row_number() OVER (ORDER BY i.id) - 1 AS place
  FROM inbox i JOIN outbox o ON o.inbox_id = i.id JOIN assessment a ON a.inbox_id = i.id
  WHERE i.contact_id = $1 ORDER BY i.id LIMIT $5
),
heard AS (
  INSERT INTO inbox (channel, provider_id, contact_id, address_id, sealed, state, received_at, due_at, done_at)
  SELECT p.channel, 'SM' || md5(person.contact_id::text || turn), person.contact_id, person.address_id, p.sealed,
         'done', at, at, at
  FROM person CROSS JOIN generate_series(0, $4::int - 1) AS turn
  JOIN played p ON p.place = turn % $5
  CROSS JOIN LATERAL (SELECT now() - make_interval(secs => 60 * ($4 - turn)) AS at) AS moment
  ORDER BY turn
  RETURNING id, contact_id, address_id, received_at, sealed
),
assessed AS (
  INSERT INTO assessment (inbox_id, contact_id, at, level, categories, rules, sealed_signals)
  SELECT id, contact_id, received_at, 0, '{}', '{}', (SELECT sealed_signals FROM played LIMIT 1) FROM heard
)
INSERT INTO outbox (id, contact_id, address_id, inbox_id, kind, sealed, status, provider_id, attempts,
                    created_at, due_at, sent_at)
SELECT gen_random_uuid(), h.contact_id, h.address_id, h.id, p.kind, p.out_sealed, 'delivered',
       'SM' || md5(h.id::text), 1, h.received_at, h.received_at, h.received_at
FROM heard h JOIN played p ON p.sealed = h.sealed ORDER BY h.received_at
"""
_COMMITTED = """
SELECT i.provider_id, i.state,
       extract(epoch FROM pg_xact_commit_timestamp(i.xmin))::float8 AS committed,
       extract(epoch FROM i.done_at)::float8 AS done,
       (SELECT count(*) FROM outbox o WHERE o.inbox_id = i.id) AS answers
FROM inbox i WHERE i.provider_id = ANY($1)
"""


class HarbourSide:
    """Starts Harbour, makes contacts with a past, and reads when their turns were committed."""

    name = "harbour"

    def __init__(self, servers: Servers, fake: WatchedTwilio, fake_url: str) -> None:
        self._servers = servers
        self._fake = fake
        keys = (f"bench:{Keyring.new_key()}", Keyring.new_key())
        self._keys = Keyring.parse(*keys)
        ports = {name: free_port() for name in ("gateway", "engine", "worker")}
        self.gateway_url = f"http://127.0.0.1:{ports['gateway']}"
        self._engine_url = f"http://127.0.0.1:{ports['engine']}"
        environment = {
            "DATABASE_URL": "",
            "HARBOUR_ENCRYPTION_KEYS": keys[0],
            "HARBOUR_LOOKUP_KEY": keys[1],
            "HARBOUR_DATA_FOLDER": str(servers.folder),
            "HARBOUR_IGNORE_RUN_FILE": "1",
            "HARBOUR_DEMO": "true",
            "HARBOUR_ENGINE_URL": self._engine_url,
            "HARBOUR_GATEWAY_HOST": "127.0.0.1",
            "HARBOUR_GATEWAY_PORT": str(ports["gateway"]),
            "HARBOUR_WORKER_METRICS_PORT": str(ports["worker"]),
            "HARBOUR_PUBLIC_BASE_URL": PUBLIC,
            "HARBOUR_TWILIO_ACCOUNT_SID": ACCOUNT,
            "HARBOUR_TWILIO_AUTH_TOKEN": TOKEN,
            "HARBOUR_TWILIO_WHATSAPP_SENDER": WHATSAPP_SENDER.removeprefix("whatsapp:"),
            "HARBOUR_TWILIO_API_BASE_URL": fake_url,
            "HARBOUR_WHATSAPP_PER_SECOND": _PER_SECOND,
        }
        command = [sys.executable, "-m", "bot.cli"]
        self.engine = engine_child(ports["engine"])
        self.gateway = Child("gateway", [*command, "gateway"], environment, f"{self.gateway_url}/health/ready")
        metrics = f"http://127.0.0.1:{ports['worker']}/metrics"
        self.worker = Child("worker", [*command, "worker"], environment, metrics, BEHIND_WEBHOOKS)
        self._environment = environment
        self.children = [self.engine, self.gateway, self.worker]
        self.phone = Phone(fake, self.gateway_url + INBOUND, PUBLIC + INBOUND)
        self.facts: dict[str, Any] = {}
        self._templates: dict[str, StoredContact] = {}
        self._database: Database | None = None

    async def lay_out(self) -> None:
        """The schema, the shipped flows and the demo's rota, before anything runs."""
        url = self._servers.database_url("harbour")
        self._environment |= {"DATABASE_URL": url, "REDIS_URL": self._servers.valkey.url}
        await asyncio.to_thread(upgrade, url)
        self._database = Database(url, self._keys, connections=4)
        self.facts["bundle"] = (await publish_flows(self._database, ROOT / "flows"))[:12]
        async with self._database.transaction() as session:
            await demo.load(session)

    @property
    def database(self) -> Database:
        """Open after `lay_out`."""
        assert self._database is not None
        return self._database

    def groups(self) -> dict[str, Pids]:
        """Which processes belong to what, for counting processor time."""
        return {child.name: _pids_of(child) for child in self.children}

    # Contacts with a past

    async def play_templates(self, contacts: Mapping[str, Contact]) -> None:
        """One contact of each language really plays the script three times; others are copied from it."""
        sizes = []
        await self._begin(list(contacts.values()))
        for _ in range(_ROUNDS_PLAYED):
            for contact in contacts.values():
                for _ in range(CYCLE):
                    await self.phone.turn(contact)
            sizes.append({language: await self._remember(language, contact) for language, contact in contacts.items()})
        self.facts["state_bytes"] = sizes
        if any(sizes[-1][language] > 1.1 * sizes[0][language] + 64 for language in LANGUAGES):
            raise BenchFailed(f"The dialogue state grows with the conversation, so copying it would lie: {sizes}.")

    async def _remember(self, language: str, contact: Contact) -> int:
        async with self.database.transaction() as session:
            contact_id, _ = await stored.find_or_create(session, _addresses(contact))
            found = await stored.hold_contact(session, contact_id)
        assert found is not None
        if found.control.value != "bot":
            raise BenchFailed(f"After the script a counsellor holds the {language} conversation; mend the script.")
        self._templates[language] = found
        return len(json.dumps(found.state))

    async def prepare(self, contacts: Sequence[Contact]) -> None:
        """Contacts who have had `length` turns: rows copied in, the dialogue state as after those played."""
        people = await self._begin(contacts)
        async with self._servers.connect("harbour") as connection:
            # The rows are right by construction; checking half a million references takes a minute.
            await connection.execute("SET session_replication_role = replica")
            for length in sorted({contact.length for contact in contacts if contact.length}):
                for language, template in self._templates.items():
                    chosen = [
                        people[contact.number]
                        for contact in contacts
                        if (contact.length, contact.language) == (length, language)
                    ]
                    ids = [[one[place] for one in chosen] for place in (0, 1)]
                    await connection.execute(_COPY, template.id, *ids, length, CYCLE)

    async def _begin(self, contacts: Sequence[Contact]) -> dict[int, tuple[Any, Any]]:
        """Create them, past the welcome, in the state of their language's template if there is one."""
        people = {}
        async with self.database.transaction() as session:
            for contact in contacts:
                ids = people[contact.number] = await stored.find_or_create(session, _addresses(contact))
                template = self._templates.get(contact.language)
                known: dict[str, Any] = {"language": contact.language, "language_chosen": True, "consent": "1"}
                if template is not None:
                    known |= {"state": template.state, "last_inbound_at": template.last_inbound_at}
                await stored.change_contact(session, ids[0], known)
        return people

    async def settle(self) -> None:
        """Fresh statistics and no vacuum in the middle of a measurement."""
        async with self._servers.connect("harbour") as connection:
            await connection.execute("VACUUM ANALYZE")
            await connection.execute("CHECKPOINT")

    async def check_past(self, contacts: Sequence[Contact]) -> list[dict[str, int]]:
        """What the database really holds of some contacts. Raises BenchFailed when a past is not as said."""
        found = []
        async with self.database.transaction() as session:
            people = [(one, (await stored.find_or_create(session, _addresses(one)))[0]) for one in contacts]
        async with self._servers.connect("harbour") as connection:
            for contact, contact_id in people:
                counts = [
                    await connection.fetchval(f"SELECT count(*) FROM {table} WHERE contact_id = $1", contact_id)
                    for table in ("inbox", "outbox", "assessment")
                ]
                found.append(
                    {"length": contact.length, **dict(zip(("inbox", "outbox", "assessment"), counts, strict=True))}
                )
                if counts != [contact.length] * 3:
                    raise BenchFailed(f"A contact should have {contact.length} turns behind them, but has {counts}.")
        return found

    # Results

    async def committed(self, taken: Sequence[Taken]) -> list[float]:
        """Seconds from POST to the commit of each turn's transaction.

        That transaction writes the outbox row and marks the inbox row done, and nothing touches the
        inbox row afterwards: its `xmin` names the transaction, whose commit time PostgreSQL kept.
        """
        async with self._servers.connect("harbour") as connection:
            rows = {row["provider_id"]: row for row in await connection.fetch(_COMMITTED, [one.sid for one in taken])}
        times = []
        for one in taken:
            row = rows.get(one.sid)
            if row is None or row["state"] != "done" or row["answers"] != 1 or row["committed"] < row["done"]:
                raise BenchFailed(f"A turn was not stored as one message and one answer: {row and dict(row)}.")
            times.append(row["committed"] - one.posted)
        return times

    async def flush_seconds(self, times: int = 100) -> list[float]:
        """How long after its commit time a small transaction is safely on disk: what `committed` leaves out."""
        found = []
        async with self._servers.connect("harbour") as connection:
            await connection.execute("CREATE TABLE IF NOT EXISTS bench_probe (id int)")
            for number in range(times):
                await connection.execute("INSERT INTO bench_probe VALUES ($1)", number)
                found.append(
                    await connection.fetchval(
                        "SELECT extract(epoch FROM clock_timestamp() - pg_xact_commit_timestamp(xmin))::float8"
                        " FROM bench_probe WHERE id = $1",
                        number,
                    )
                )
        return found

    async def waiting(self) -> int:
        """Messages without an answer, and answers not yet sent."""
        async with self._servers.connect("harbour") as connection:
            count: int = await connection.fetchval(
                "SELECT (SELECT count(*) FROM inbox WHERE state = 'waiting')"
                " + (SELECT count(*) FROM outbox WHERE status IN ('queued', 'sending', 'unknown'))"
            )
        return count

    async def readings(self) -> dict[str, tuple[str, float]]:
        """What the engine understands of each message of the script."""
        return {text: await asyncio.to_thread(self._read, text) for text in script_texts()}

    def _read(self, text: str) -> tuple[str, float]:
        request = urllib.request.Request(
            f"{self._engine_url}/webhooks/turn/read", json.dumps({"text": text}).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            found = json.loads(answer.read())
        return found["intent"], found["confidence"]

    def model(self) -> str:
        """Name of the model that answers."""
        with urllib.request.urlopen(f"{self._engine_url}/webhooks/turn/health", timeout=5) as answer:
            return Path(str(json.loads(answer.read())["model"])).name

    async def close(self) -> None:
        """Let go of connections; the processes are stopped by who started them."""
        await self.phone.close()
        if self._database is not None:
            await self._database.close()


def script_texts() -> list[str]:
    """Every message of the script once."""
    return list(dict.fromkeys(said(language, turn) for language in LANGUAGES for turn in range(CYCLE)))


def _addresses(contact: Contact) -> list[Address]:
    values = (contact.phone, contact.user_id)
    return [Address(Channel.WHATSAPP, value.removeprefix("whatsapp:")) for value in values]


def _pids_of(child: Child) -> Pids:
    return lambda: family(child.process.pid) if child.process else []
