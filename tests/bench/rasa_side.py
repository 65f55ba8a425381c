"""Rasa as it comes: its own Twilio channel, SQL tracker store and Redis lock store.

Owns: RasaSide.
May import: `bot.supervisor`, `bot.engine`'s reading of phrases, asyncpg, this package.
Start reading at: `RasaSide.start`, then `RasaSide.prepare`.

The project is generated: the shipped pipeline and phrases, one rule and one sentence for each
intent. It is trained once and kept under `.cache/bench`, named by the hash of all that shapes it.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import yaml

from bot.engine.phrases import read_phrases, write_rasa
from bot.engine.train import fingerprint
from bot.supervisor.processes import ENGINE_PYTHON, ROOT, Child
from bot.supervisor.servers import free_port
from tests.bench.load import BenchFailed, Contact, Phone, WatchedTwilio
from tests.bench.machine import Pids, family
from tests.bench.script import CYCLE
from tests.bench.servers import Servers
from tests.channels.inbound_forms import ACCOUNT, TOKEN, WHATSAPP_SENDER

CACHE = ROOT / ".cache" / "bench"
_ENGINE = ROOT / "bot" / "engine"
_PATH = "/webhooks/twilio/webhook"
_LONGEST_TRAINING = 900
KEPT = 2
_QUIET = {
    "PYTHONPATH": str(ROOT),
    "RASA_TELEMETRY_ENABLED": "false",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "SANIC_WORKERS": "1",
    "NO_PROXY": "*",
}
# As long as a usual answer of Harbour's; no blank line, at which Rasa would cut it into two messages.
_SENTENCE = (
    "Thank you for telling me about {about}. I am a program and not a person, and what you write is kept safe."
    " You can write MENU at any time to see what we can do here together, or PERSON to reach somebody of the team."
)
_CLONE = """
INSERT INTO events (id, sender_id, type_name, timestamp, intent_name, action_name, data)
SELECT nextval('{sequence}'), sender, type_name, timestamp, intent_name, action_name, data
FROM (SELECT person.sender, e.* FROM unnest($2::text[]) AS person(sender)
      CROSS JOIN events e WHERE e.sender_id = $1 ORDER BY person.sender, e.id) AS copied
"""


class RasaSide:
    """Starts `rasa run` on a generated project, and makes contacts with a past in its tracker store."""

    name = "rasa"

    def __init__(self, servers: Servers, fake: WatchedTwilio, fake_url: str) -> None:
        self._servers = servers
        self.port = free_port()
        self.folder = servers.folder / "rasa"
        self.url = f"http://127.0.0.1:{self.port}"
        self.phone = Phone(fake, self.url + _PATH, self.url + _PATH)
        self.facts: dict[str, Any] = {}
        self._fake_url = fake_url
        self._turns: dict[str, list[list[dict[str, Any]]]] = {}
        self._opening: dict[str, list[dict[str, Any]]] = {}
        self._readings: dict[str, tuple[str, float]] = {}
        self._domain = Path()
        self.server: Child | None = None

    async def lay_out(self) -> None:
        """Generate and, if it is new, train the project; write what `rasa run` needs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        model = await asyncio.to_thread(_trained)
        self._domain = model.parent / "domain.yml"
        self.facts["model"] = model.name
        self._write("credentials.yml", {"twilio": self._credentials()})
        self._write("endpoints.yml", self._endpoints())
        command = [str(ENGINE_PYTHON), "-m", "tests.bench.rasa_launch", "run", "--model", str(model)]
        command += ["--credentials", str(self.folder / "credentials.yml"), "--endpoints", str(self.endpoints)]
        command += ["--interface", "127.0.0.1", "--port", str(self.port)]
        environment = {**_QUIET, "BENCH_TWILIO_URL": self._fake_url}
        self.server = Child("rasa", command, environment, f"{self.url}/webhooks/twilio/")

    def _write(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(yaml.safe_dump(content))

    @property
    def endpoints(self) -> Path:
        """The file that names the tracker store and the lock store."""
        return self.folder / "endpoints.yml"

    def _credentials(self) -> dict[str, str]:
        return {"account_sid": ACCOUNT, "auth_token": TOKEN, "twilio_number": WHATSAPP_SENDER}

    def _endpoints(self) -> dict[str, Any]:
        url = self._servers.database_url("rasa")
        return {
            "tracker_store": {"type": "SQL", "dialect": "postgresql", "url": url},
            "lock_store": {"type": "redis", "url": "127.0.0.1", "port": self._servers.valkey.port, "db": 1},
        }

    @property
    def children(self) -> list[Child]:
        """What is to be started."""
        return [self.server] if self.server else []

    def groups(self) -> dict[str, Pids]:
        """Which processes belong to what, for counting processor time."""
        return {"rasa": lambda: family(self.server.process.pid) if self.server and self.server.process else []}

    # Contacts with a past

    async def play_templates(self, contacts: Mapping[str, Contact]) -> None:
        """One contact of each language really plays the script; the events Rasa stored are the pattern."""
        for contact in contacts.values():
            for _ in range(CYCLE):
                await self.phone.turn(contact)
        async with self._servers.connect("rasa") as connection:
            for language, contact in contacts.items():
                rows = await connection.fetch(
                    "SELECT type_name, intent_name, action_name, data FROM events WHERE sender_id = $1 ORDER BY id",
                    contact.phone,
                )
                self._learn(language, [dict(row) for row in rows])
        self.facts["events_of_ten_turns"] = sum(map(len, self._turns[next(iter(contacts))]))

    def _learn(self, language: str, events: list[dict[str, Any]]) -> None:
        turns: list[list[dict[str, Any]]] = [[]]
        for event in events:
            if event["type_name"] == "user":
                parsed = json.loads(event["data"])["parse_data"]
                self._readings[parsed["text"]] = (parsed["intent"]["name"], parsed["intent"]["confidence"])
                turns.append([])
            turns[-1].append(event)
        if len(turns) != CYCLE + 1:
            raise BenchFailed(f"Rasa stored {len(turns) - 1} turns where {CYCLE} were played.")
        self._opening[language], self._turns[language] = turns[0], turns[1:]

    async def prepare(self, contacts: Sequence[Contact]) -> None:
        """Contacts whose trackers hold `length` turns: the played turns over and over, with fresh times.

        All lie within one session, as Rasa's session default of an hour allows.
        """
        async with self._servers.connect("rasa") as connection:
            sequence = await connection.fetchval(
                "SELECT relname FROM pg_class WHERE relkind = 'S' AND relname LIKE 'events%'"
            )
            wanted = sorted({(one.length, one.language) for one in contacts if one.length})
            for length, language in wanted:
                pattern = f"pattern {time.time_ns()}"
                await self._insert(connection, sequence, pattern, self._history(language, length))
                senders = [one.phone for one in contacts if (one.length, one.language) == (length, language)]
                await connection.execute(_CLONE.format(sequence=sequence), pattern, senders)
                await connection.execute("DELETE FROM events WHERE sender_id = $1", pattern)

    def _history(self, language: str, length: int) -> list[dict[str, Any]]:
        turns = [self._turns[language][turn % CYCLE] for turn in range(length)]
        begun = time.time() - 2.0 * length
        dated = [(begun, event) for event in self._opening[language]]
        dated += [(begun + 2.0 * turn + 1.0, event) for turn, events in enumerate(turns) for event in events]
        return [_at(event, moment + 0.001 * place) for place, (moment, event) in enumerate(dated)]

    async def _insert(
        self, connection: asyncpg.Connection, sequence: str, sender: str, events: Sequence[Mapping[str, Any]]
    ) -> None:
        await connection.executemany(
            "INSERT INTO events (id, sender_id, type_name, timestamp, intent_name, action_name, data)"
            f" VALUES (nextval('{sequence}'), $1, $2, $3, $4, $5, $6)",
            [
                (sender, one["type_name"], one["timestamp"], one["intent_name"], one["action_name"], one["data"])
                for one in events
            ],
        )

    async def settle(self) -> None:
        """Fresh statistics and no vacuum in the middle of a measurement."""
        async with self._servers.connect("rasa") as connection:
            await connection.execute("VACUUM ANALYZE")
            await connection.execute("CHECKPOINT")

    async def check_past(self, contacts: Sequence[Contact]) -> list[dict[str, int]]:
        """What Rasa's own tracker store gives back for some contacts. Raises BenchFailed when it is not so."""
        command = [str(ENGINE_PYTHON), "-m", "tests.bench.rasa_launch", "events", str(self.endpoints)]
        command += [str(self._domain), *(one.phone for one in contacts)]
        answer = await asyncio.to_thread(_run, command, 120)
        held = json.loads(answer.splitlines()[-1])
        found = [{"length": one.length, **held[one.phone]} for one in contacts]
        if any(one["turns"] != one["length"] for one in found):
            raise BenchFailed(f"Rasa's trackers do not hold the turns they should: {found}.")
        return found

    async def count_turns(self, contact: Contact) -> int:
        """How many messages of a contact the tracker store holds."""
        async with self._servers.connect("rasa") as connection:
            count: int = await connection.fetchval(
                "SELECT count(*) FROM events WHERE sender_id = $1 AND type_name = 'user'", contact.phone
            )
        return count

    async def readings(self) -> dict[str, tuple[str, float]]:
        """What it understood of each message of the script."""
        return self._readings

    async def close(self) -> None:
        """Let go of connections; the process is stopped by who started it."""
        await self.phone.close()


def _at(event: Mapping[str, Any], moment: float) -> dict[str, Any]:
    data = copy.copy(json.loads(event["data"]))
    data["timestamp"] = moment
    return {**event, "timestamp": moment, "data": json.dumps(data)}


# The generated project


def _intents() -> list[str]:
    return list(yaml.safe_load((_ENGINE / "domain.yml").read_text())["intents"])


def _project() -> dict[str, Any]:
    """Files of the project by name, but for the phrases."""
    intents = _intents()
    named = [*intents, "nlu_fallback"]
    shipped = yaml.safe_load((_ENGINE / "config.yml").read_text())
    rules = [
        {"rule": f"answer {intent}", "steps": [{"intent": intent}, {"action": f"utter_{intent}"}]} for intent in named
    ]
    return {
        "config.yml": {**shipped, "policies": [{"name": "MemoizationPolicy"}, {"name": "RulePolicy"}]},
        "domain.yml": {
            "version": "3.1",
            "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": True},
            "intents": intents,
            "responses": {
                f"utter_{intent}": [{"text": _SENTENCE.format(about=intent.replace("_", " "))}] for intent in named
            },
        },
        "rules.yml": {"version": "3.1", "rules": rules},
    }


def _project_name() -> str:
    """Hash of the generated files and of all that shapes the shipped model."""
    digest = hashlib.sha256(json.dumps(_project(), sort_keys=True).encode())
    digest.update(fingerprint(ROOT / "nlu_data").encode())
    return digest.hexdigest()[:16]


def _trained() -> Path:
    """The model file, trained now if this project was not seen before."""
    folder = CACHE / _project_name()
    model = folder / f"{folder.name}.tar.gz"
    if model.exists():
        return model
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _project().items():
        (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    write_rasa(read_phrases(ROOT / "nlu_data", frozenset(_intents())), folder / "nlu.yml")
    print("bench: training Rasa's own project, once", flush=True)
    command = [str(ENGINE_PYTHON), "-m", "tests.bench.rasa_launch", "train", "--force"]
    command += ["--config", str(folder / "config.yml"), "--domain", str(folder / "domain.yml")]
    command += ["--data", str(folder / "nlu.yml"), str(folder / "rules.yml")]
    command += ["--out", str(folder), "--fixed-model-name", folder.name]
    _run(command, _LONGEST_TRAINING, RASA_CACHE_DIRECTORY=str(folder / "cache"))
    if not model.exists():
        raise BenchFailed(f"Rasa trained no model into {folder}.")
    shutil.rmtree(folder / "cache", ignore_errors=True)
    for older in sorted(CACHE.iterdir(), key=lambda one: one.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(older, ignore_errors=True)
    return model


def _run(command: list[str], longest: float, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **_QUIET, **environment},
        capture_output=True,
        text=True,
        timeout=longest,
        check=False,
    )
    if done.returncode != 0:
        raise BenchFailed(f"{' '.join(command[2:5])} failed: {done.stderr[-2000:]}")
    return done.stdout
