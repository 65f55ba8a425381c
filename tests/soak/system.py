"""The whole system as processes on this machine: started, killed with kill -9, and started again.

Owns: System.
Start reading at: `System.start`, then `System.kill`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.store.database import Database, DatabaseUnavailable
from bot.store.migrate import upgrade
from bot.supervisor import demo
from bot.supervisor.local import LocalServers, engine_child, publish_flows
from bot.supervisor.processes import ROOT, Child
from bot.supervisor.servers import free_port
from tests.channels.inbound_forms import ACCOUNT, TOKEN, WHATSAPP_SENDER

from .plan import ENGINE, GATEWAY, POSTGRES, VALKEY, WORKERS

_LOOK = 0.1
_PATIENCE = 120.0

# Who did what in which transaction: rows that only this harness reads, written by triggers, so that
# a second turn or a second set of answers cannot hide behind the first.
_WITNESSES = (
    "CREATE TABLE soak_turn (inbox_id bigint, transaction bigint, may_be_silent boolean)",
    "CREATE TABLE soak_answer (outbox_id uuid PRIMARY KEY, transaction bigint)",
    """CREATE FUNCTION soak_saw_turn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       INSERT INTO soak_turn VALUES (NEW.id, pg_current_xact_id()::text::bigint,
         (SELECT control = 'counsellor' FROM contact WHERE id = NEW.contact_id)
         OR (SELECT opted_out_at IS NOT NULL FROM address WHERE id = NEW.address_id));
       RETURN NULL; END $$""",
    """CREATE FUNCTION soak_saw_answer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       INSERT INTO soak_answer VALUES (NEW.id, pg_current_xact_id()::text::bigint);
       RETURN NULL; END $$""",
    """CREATE TRIGGER soak_turn AFTER UPDATE ON inbox FOR EACH ROW
       WHEN (NEW.state = 'done') EXECUTE FUNCTION soak_saw_turn()""",
    "CREATE TRIGGER soak_answer AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION soak_saw_answer()",
)


class NotWell(Exception):
    """Something does not come up; the message says what, and what it said last."""


@dataclasses.dataclass
class System:
    """One deployment in `folder`. Everything is in one event loop's hands, PostgreSQL's start in a thread's."""

    folder: Path
    seed: int
    trouble: float = 1.0
    killed: Counter[str] = dataclasses.field(default_factory=Counter)
    unexpected_exits: list[str] = dataclasses.field(default_factory=list)
    wounded: set[str] = dataclasses.field(default_factory=set)
    children: dict[str, Child] = dataclasses.field(default_factory=dict)

    async def start(self) -> None:
        """Start everything and wait until all of it is well. Raises ConfigurationError or NotWell."""
        empty: Any = {"database_url": "", "redis_url": ""}
        self.settings = Settings(data_folder=self.folder, **empty)
        self.servers = LocalServers(self.settings)
        await asyncio.to_thread(self.servers.start, self.settings)
        await asyncio.to_thread(upgrade, self.servers.database_url)
        self.database = Database(self.servers.database_url, self.servers.keyring(), connections=2)
        await self._fill()
        self.children = {child.name: child for child in self._children()}
        self.logs.mkdir(exist_ok=True)
        for child in self.children.values():
            child.start(self.logs)
        self._keepers = [asyncio.create_task(one) for one in (self._keep_children(), self._keep_servers())]
        await self.well()

    async def stop(self) -> None:
        """Stop everything, politely if it listens."""
        for keeper in getattr(self, "_keepers", []):
            keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*getattr(self, "_keepers", []))
        await asyncio.to_thread(self._end_children)
        if hasattr(self, "database"):
            await self.database.close()
        if hasattr(self, "servers"):
            await asyncio.to_thread(self.servers.stop)

    @property
    def logs(self) -> Path:
        """Where each process writes its log."""
        return self.folder / "logs"

    @property
    def gateway_url(self) -> str:
        """Where webhooks are posted to; also the public address they are signed for."""
        return self._gateway_url

    def said(self, name: str) -> Iterator[dict[str, Any]]:
        """The log events of one of our processes."""
        path = self.logs / f"{name}.log"
        for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    yield event

    def tracebacks(self, name: str) -> Counter[str]:
        """Exceptions that nobody caught, by the last line of their traceback, without its words."""
        path = self.logs / f"{name}.log"
        found: Counter[str] = Counter()
        inside = False
        for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
            if line.startswith("Traceback (most recent call last)"):
                inside = True
            elif inside and line and not line[0].isspace():
                found[line.partition(":")[0]] += 1
                inside = False
        return found

    # -- dying and coming back ---------------------------------------------------------------

    async def kill(self, target: str) -> None:
        """kill -9, as soon as there is something to kill."""
        while (process := self._process_of(target)) is None:
            await asyncio.sleep(0.02)
        self.wounded.add(target)
        os.kill(process, signal.SIGKILL)
        self.killed[target] += 1

    def _process_of(self, target: str) -> int | None:
        if target in self.wounded:
            return None
        if target == POSTGRES:
            assert self.servers.postgres is not None
            pid = self.servers.postgres.pid()
            return pid if pid is not None and _runs(pid) else None
        if target == VALKEY:
            assert self.servers.valkey is not None
            return self.servers.valkey.process_id
        child = self.children[target]
        return child.process.pid if child.process is not None and child.alive else None

    async def _keep_children(self) -> None:
        while True:
            for child in self.children.values():
                if not child.alive:
                    self._revive(child)
            await asyncio.sleep(_LOOK)

    def _revive(self, child: Child) -> None:
        if child.name not in self.wounded:
            code = child.process.returncode if child.process else None
            self.unexpected_exits.append(f"{child.name} (exit code {code})")
        self.wounded.discard(child.name)
        child.start(self.logs)

    async def _keep_servers(self) -> None:
        assert self.servers.postgres is not None
        assert self.servers.valkey is not None
        while True:
            await self._keep(POSTGRES, self.servers.postgres.is_running, self.servers.postgres.start)
            await self._keep(VALKEY, self.servers.valkey.is_running, self.servers.valkey.start)
            await asyncio.sleep(_LOOK)

    async def _keep(self, name: str, is_running: Callable[[], bool], start: Callable[[], str]) -> None:
        if is_running():
            return
        if name not in self.wounded:
            self.unexpected_exits.append(name)
        with contextlib.suppress(ConfigurationError):
            await asyncio.to_thread(start)
            self.wounded.discard(name)

    # -- looking -----------------------------------------------------------------------------

    async def well(self) -> None:
        """Until everything answers. Raises NotWell naming what does not, and its last words."""
        until = time.monotonic() + _PATIENCE
        for name, is_well in self._signs().items():
            while not await is_well():
                hopeless = self.unexpected_exits and not self.killed
                if hopeless or time.monotonic() > until:
                    raise NotWell(f"{name} does not come up. {self._last_words()}")
                await asyncio.sleep(_LOOK)

    def _last_words(self) -> str:
        logs = ((child.name, self.logs / f"{child.name}.log") for child in self.children.values())
        words = ((name, log.read_text(errors="replace").splitlines()[-1:]) for name, log in logs if log.exists())
        return " ".join(f"{name} said: {line[0][:300]}" for name, line in words if line)

    def _signs(self) -> dict[str, Callable[[], Awaitable[bool]]]:
        def of(child: Child) -> Callable[[], Awaitable[bool]]:
            async def is_well() -> bool:
                return child.name not in self.wounded and await asyncio.to_thread(child.is_healthy)

            return is_well

        return {POSTGRES: self.database.ping, **{name: of(child) for name, child in self.children.items()}}

    async def waiting(self) -> tuple[int, int] | None:
        """How many messages wait for a turn and for the provider; None while the database is down."""
        with contextlib.suppress(DatabaseUnavailable, sa.exc.DBAPIError, OSError):
            async with self.database.transaction() as session:
                row = await session.one(
                    sa.text(
                        "SELECT (SELECT count(*) FROM inbox WHERE state = 'waiting') AS inbox, "
                        "(SELECT count(*) FROM outbox WHERE status IN ('queued', 'sending', 'unknown')) AS outbox"
                    )
                )
                assert row is not None
                return row["inbox"], row["outbox"]
        return None

    async def ask_provider(self, what: str) -> Any:
        """What our fake tells of itself."""

        def ask() -> Any:
            with urllib.request.urlopen(f"{self._provider_url}/_fake/{what}", timeout=60) as answer:
                return json.load(answer)

        return await asyncio.to_thread(ask)

    # -- making ------------------------------------------------------------------------------

    async def _fill(self) -> None:
        await publish_flows(self.database, ROOT / "flows")
        async with self.database.transaction() as session:
            await demo.load(session)
            for statement in _WITNESSES:
                await session.run(sa.text(statement))

    def _children(self) -> Iterator[Child]:
        engine, gateway, provider = free_port(), free_port(), free_port()
        self._gateway_url = f"http://127.0.0.1:{gateway}"
        self._provider_url = f"http://127.0.0.1:{provider}"
        harbour = [sys.executable, "-m", "bot.cli"]
        environment = {
            **self.servers.environment,
            "HARBOUR_IGNORE_RUN_FILE": "1",
            "HARBOUR_DEMO": "true",
            "HARBOUR_ENGINE_URL": f"http://127.0.0.1:{engine}",
            "HARBOUR_GATEWAY_HOST": "127.0.0.1",
            "HARBOUR_GATEWAY_PORT": str(gateway),
            "HARBOUR_PUBLIC_BASE_URL": self._gateway_url,
            "HARBOUR_TWILIO_ACCOUNT_SID": ACCOUNT,
            "HARBOUR_TWILIO_AUTH_TOKEN": TOKEN,
            "HARBOUR_TWILIO_WHATSAPP_SENDER": WHATSAPP_SENDER.removeprefix("whatsapp:"),
            "HARBOUR_TWILIO_API_BASE_URL": self._provider_url,
        }
        fake = [sys.executable, "-m", "tests.soak.provider", "--port", str(provider)]
        fake += ["--seed", str(self.seed), "--trouble", str(self.trouble)]
        yield Child("twilio", fake, {}, f"{self._provider_url}/_fake/ready")
        yield dataclasses.replace(engine_child(engine), name=ENGINE)
        yield Child(GATEWAY, [*harbour, "gateway"], environment, f"{self._gateway_url}/health/ready")
        for name in WORKERS:
            metrics = free_port()
            own = {**environment, "HARBOUR_WORKER_METRICS_PORT": str(metrics)}
            yield Child(name, [*harbour, "worker"], own, f"http://127.0.0.1:{metrics}/metrics")

    def _end_children(self) -> None:
        running = [child.process for child in self.children.values() if child.process is not None and child.alive]
        for process in running:
            process.terminate()
        _, stubborn = psutil.wait_procs([psutil.Process(process.pid) for process in running], timeout=8)
        for one in stubborn:
            one.kill()
        for process in running:
            process.wait()


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
