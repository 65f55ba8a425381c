"""`harbour run`: everything on this machine.

Owns: run(), LocalServers.
May import: settings, store, flow, and this package.
Start reading at: `run`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import psutil

from bot.channels.segments import own_sms_size
from bot.conversation.effects import KNOWN_ACTIONS
from bot.conversation.sign_off import NotSigned, Signing, refusal, unsigned
from bot.errors import ConfigurationError
from bot.flow import FlowError, check, read_flows
from bot.settings import RUN_FILE, Settings
from bot.store import content
from bot.store.database import Database
from bot.store.migrate import upgrade
from bot.store.seal import Keyring
from bot.supervisor import demo
from bot.supervisor.processes import ENGINE_PYTHON, MODELS, ROOT, Child, Supervisor
from bot.supervisor.servers import EmbeddedPostgres, EmbeddedValkey, free_port, port_is_free

# A webhook waits for nobody: its sender gives up after seconds, while a turn may come later.
BEHIND_WEBHOOKS = 5


def say(text: str) -> None:
    """One line of progress."""
    print(f"harbour: {text}", flush=True)


class LocalServers:
    """Embedded servers for what no URL is set for, and the demo's keys."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.data_folder.resolve()
        self.database_url = settings.database_url.get_secret_value()
        self.redis_url = settings.redis_url.get_secret_value()
        self.postgres = None if self.database_url else EmbeddedPostgres(self.folder / "postgres")
        self.valkey = None if self.redis_url else EmbeddedValkey(self.folder / "valkey")
        self.environment: dict[str, str] = {}

    def start(self, settings: Settings) -> None:
        """Start what is embedded; afterwards `environment` holds URLs and keys for the children."""
        if self.postgres:
            self.database_url = self.postgres.start()
        if self.valkey:
            self.redis_url = self.valkey.start()
        keys, lookup = demo_keys(settings, self.folder, embedded=self.postgres is not None)
        self.environment = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "HARBOUR_ENCRYPTION_KEYS": keys,
            "HARBOUR_LOOKUP_KEY": lookup,
            "HARBOUR_DATA_FOLDER": str(self.folder),
        }

    def keyring(self) -> Keyring:
        """The keys in use."""
        return Keyring.parse(self.environment["HARBOUR_ENCRYPTION_KEYS"], self.environment["HARBOUR_LOOKUP_KEY"])

    def stop(self) -> None:
        """Stop what was started here."""
        if self.valkey:
            self.valkey.stop()
        if self.postgres:
            self.postgres.stop()


def demo_keys(settings: Settings, folder: Path, *, embedded: bool) -> tuple[str, str]:
    """The keys as set; on embedded servers made on the first start and kept beside the data.

    Raises ConfigurationError when a database of the operator's is used without keys.
    """
    given = settings.encryption_keys.get_secret_value(), settings.lookup_key.get_secret_value()
    if all(given):
        return given
    if not embedded or any(given):
        raise ConfigurationError(
            "Encryption keys are missing: set both HARBOUR_ENCRYPTION_KEYS and HARBOUR_LOOKUP_KEY"
            " (`harbour keys new` makes a pair). Only the embedded demo makes its own."
        )
    path = folder / "keys.json"
    if not path.exists():
        made = {"encryption_keys": f"demo:{Keyring.new_key()}", "lookup_key": Keyring.new_key()}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            json.dump(made, opened)
    kept = json.loads(path.read_text())
    return kept["encryption_keys"], kept["lookup_key"]


def run(settings: Settings, *, with_demo: bool | None = None) -> int:
    """Start everything, wait until it is healthy, watch it, stop it on Ctrl-C. The exit code.

    Unless said otherwise, demo content goes into the embedded database only, never into yours.
    """
    folder = settings.data_folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(folder)
        if not port_is_free(settings.gateway_host, settings.gateway_port):
            raise ConfigurationError(
                f"Port {settings.gateway_port} is taken by another program: stop it,"
                f" or choose another port, for example HARBOUR_GATEWAY_PORT={settings.gateway_port + 10} make run."
            )
        return _run(settings, folder, with_demo)
    except ConfigurationError as error:
        print(f"\n{error.sentence}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{folder} cannot be used: {error.strerror}. Make room, or set HARBOUR_DATA_FOLDER.", file=sys.stderr)
        return 1


def _run(settings: Settings, folder: Path, with_demo: bool | None) -> int:
    begun = time.monotonic()
    servers = LocalServers(settings)
    demo_content = servers.postgres is not None if with_demo is None else with_demo
    _say_what_is_unsigned(settings, demo_content)
    supervisor: Supervisor | None = None
    try:
        say("starting PostgreSQL and Valkey" if servers.postgres else "connecting to your database")
        servers.start(settings)
        servers.environment |= {"HARBOUR_DEMO": "true"} if demo_content else {}
        say("bringing the database up to date")
        upgrade(servers.database_url)
        asyncio.run(_fill(settings, servers, demo_content))
        say("starting engine, gateway and worker")
        supervisor = Supervisor(_children(settings, servers), folder / "logs")
        _watch_servers(supervisor, servers)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, supervisor.request_stop)
        supervisor.start(say)
        _leave_run_file(folder, servers, supervisor)
        print(_next_steps(settings, time.monotonic() - begun, folder), flush=True)
        supervisor.watch()
        say("stopping")
        return 0
    finally:
        if supervisor:
            supervisor.stop()
        servers.stop()
        (folder / RUN_FILE).unlink(missing_ok=True)


def _say_what_is_unsigned(settings: Settings, demo_content: bool) -> None:
    """Raises NotSigned, unless this is the demo or somebody accepts it."""
    signing = Signing.of(settings, demo=demo_content)
    lacking = unsigned(signing)
    if lacking and not signing.accepts_drafts:
        raise NotSigned(refusal(lacking))
    if lacking:
        say(f"nobody has signed {len(lacking)} word lists and texts: for trying only, see `harbour sign-off list`")


async def _fill(settings: Settings, servers: LocalServers, with_demo: bool) -> None:
    """Publish the flows, and load the demo's content once."""
    database = Database(servers.database_url, servers.keyring(), connections=2)
    try:
        await publish_flows(database, settings.flows_folder)
        if with_demo:
            async with database.transaction() as session:
                await demo.load(session)
    finally:
        await database.close()


async def publish_flows(database: Database, folder: Path) -> str:
    """Check and publish the flows of `folder`; their hash. Raises ConfigurationError."""
    try:
        bundle = read_flows(folder)
    except FlowError as error:
        raise ConfigurationError(f"The flows cannot be published. {error}") from error
    findings = check(bundle, KNOWN_ACTIONS, own_sms_size)
    if findings:
        listed = "\n".join(str(finding) for finding in findings)
        raise ConfigurationError(f"The flows cannot be published:\n{listed}")
    async with database.transaction() as session:
        await content.publish(session, bundle.hash, bundle.to_json())
    return bundle.hash


def engine_child(port: int) -> Child:
    """The engine on a loopback port."""
    if not ENGINE_PYTHON.exists():
        raise ConfigurationError("The engine's environment is not built; run `make setup`.")
    return Child(
        "engine",
        [str(ENGINE_PYTHON), "-m", "bot.engine.serve", "--model", str(MODELS), "--port", str(port)],
        {"PYTHONPATH": str(ROOT), "RASA_TELEMETRY_ENABLED": "false", "OMP_NUM_THREADS": "1"},
        f"http://127.0.0.1:{port}/webhooks/turn/health",
        BEHIND_WEBHOOKS,
    )


def _children(settings: Settings, servers: LocalServers) -> list[Child]:
    engine_port, metrics_port = free_port(), free_port()
    harbour = [sys.executable, "-m", "bot.cli"]
    environment = {
        **servers.environment,
        "HARBOUR_ENGINE_URL": f"http://127.0.0.1:{engine_port}",
        "HARBOUR_GATEWAY_HOST": settings.gateway_host,
        "HARBOUR_GATEWAY_PORT": str(settings.gateway_port),
        "HARBOUR_WORKER_METRICS_PORT": str(metrics_port),
    }
    servers.environment = environment
    gateway_url = f"http://{settings.gateway_host}:{settings.gateway_port}"
    return [
        engine_child(engine_port),
        Child("gateway", [*harbour, "gateway"], environment, f"{gateway_url}/health/ready"),
        Child("worker", [*harbour, "worker"], environment, f"http://127.0.0.1:{metrics_port}/metrics", BEHIND_WEBHOOKS),
    ]


def _watch_servers(supervisor: Supervisor, servers: LocalServers) -> None:
    if servers.postgres:
        supervisor.servers.append(("PostgreSQL", servers.postgres.is_running, servers.postgres.start))
    if servers.valkey:
        supervisor.servers.append(("Valkey", servers.valkey.is_running, servers.valkey.start))


def _leave_run_file(folder: Path, servers: LocalServers, supervisor: Supervisor) -> None:
    """What other commands of this machine need to join in; readable by the owner alone."""
    prefix = "HARBOUR_"
    values: dict[str, object] = {key.removeprefix(prefix).lower(): value for key, value in servers.environment.items()}
    values["processes"] = [child.process.pid for child in supervisor.children if child.process]
    values["supervisor"] = os.getpid()
    path = folder / RUN_FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump(values, opened)


def _clear_leftovers(folder: Path) -> None:
    """After a supervisor that was killed: end its children. Raises when one still runs."""
    try:
        left = json.loads((folder / RUN_FILE).read_text())
    except (OSError, ValueError):
        return
    if _is_ours(left.get("supervisor", 0)):
        raise ConfigurationError(
            f"Harbour runs already on this data folder (process {left['supervisor']}): use it, or stop it first."
        )
    for pid in left.get("processes", []):
        if _is_ours(pid):
            psutil.Process(pid).kill()
    (folder / RUN_FILE).unlink(missing_ok=True)


def _is_ours(pid: int) -> bool:
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except (psutil.Error, ValueError):
        return False
    return "harbour" in command or "bot.cli" in command or "bot.engine" in command


def _next_steps(settings: Settings, seconds: float, folder: Path) -> str:
    return f"""
Harbour is running (started in {seconds:.0f} s).

  make chat                          talk to it here, as a contact
  .venv/bin/harbour cases            see who waits for a person, and answer
  http://{settings.gateway_host}:{settings.gateway_port}/health/ready   is it well?      logs: {folder / "logs"}

To connect a Twilio number, see README, "Connect a Twilio number". Ctrl-C stops everything.
"""
