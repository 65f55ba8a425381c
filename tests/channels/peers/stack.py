"""Starts `our code -> Prism (Twilio's schema) -> emulate -> signed webhooks`, and stops it again.

    with running(whatsapp_url="http://127.0.0.1:8000/webhooks/twilio/inbound") as peers:
        account = peers.account(public_base_url="http://127.0.0.1:8000")

Prism checks every request and every answer against Twilio's own schema; emulate keeps messages and
signs its webhooks. Neither side is our code. What they do not show: WhatsApp's own parameters,
retries, 429, error 63016, user ids without a number, the answer to a webhook.

Start reading at: `running`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bot.channels.twilio import TwilioAccount

from .install import HERE, Node, PeersUnavailable, installed
from .schema import cut

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "peers-auth-token"
API_KEY_SID = "SK" + "0" * 32
API_KEY_SECRET = "peers-key-secret"
SERVICE_SID = "MG" + "0" * 32
SMS_NUMBER = "+15551234567"
SERVICE_NUMBER = "+15557654321"
WHATSAPP_NUMBER = "+14155238886"

_SCHEMA = HERE / "node_modules/@twilio/cli-core/src/services/twilio-api/twilio_api_v2010.json"
_READY_SECONDS = 60.0


@dataclasses.dataclass(frozen=True)
class Peers:
    """The running peers: `proxy_url` is what our code speaks to, `emulator_url` what stands behind.

    Both are base URLs on loopback. `folder` holds their logs while they run.
    """

    proxy_url: str
    emulator_url: str
    folder: Path

    def account(self, public_base_url: str) -> TwilioAccount:
        """The emulated account, sent to through the proxy with an API key."""
        return TwilioAccount(
            ACCOUNT_SID,
            AUTH_TOKEN,
            API_KEY_SID,
            API_KEY_SECRET,
            public_base_url=public_base_url,
            whatsapp_sender=WHATSAPP_NUMBER,
            sms_sender=SMS_NUMBER,
            api_base_url=self.proxy_url,
        )

    async def write_to_us(self, text: str, *, sender: str, recipient: str) -> None:
        """Let somebody write: the emulator signs and posts an inbound webhook."""
        await self._simulate("inbound-message", {"From": sender, "To": recipient, "Body": text})

    async def report(self, provider_id: str, status: str, code: int | None = None) -> None:
        """Let a message move on: the emulator signs and posts a status callback."""
        fields = {"MessageSid": provider_id, "Status": status}
        await self._simulate("message-status", fields if code is None else {**fields, "ErrorCode": str(code)})

    def said(self) -> str:
        """The logs of both, to explain a failure."""
        return "\n".join(log.read_text("utf-8") for log in sorted(self.folder.glob("*.log")))

    async def _simulate(self, what: str, fields: dict[str, str]) -> None:
        url = f"{self.emulator_url}/_twilio/simulate/{what}"
        async with httpx.AsyncClient(auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=30) as client:
            (await client.post(url, data=fields)).raise_for_status()


@contextlib.contextmanager
def running(*, whatsapp_url: str, sms_url: str = "", service_url: str = "") -> Iterator[Peers]:
    """The peers, installed if need be, started on free loopback ports, and stopped at the end.

    The URLs are where inbound webhooks go: of the WhatsApp sender, of the SMS number, and of the
    messaging service's number; the last two default to the first. Status callbacks go where each
    message asks. Raises PeersUnavailable if a peer cannot be installed or does not come up.
    """
    node = installed()
    with tempfile.TemporaryDirectory(prefix="peers-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        seed = folder / "seed.json"
        seed.write_text(json.dumps(_seed(whatsapp_url, sms_url, service_url)), "utf-8")
        emulator_url = stack.enter_context(_emulator(node, folder, seed))
        proxy_url = stack.enter_context(_proxy(node, folder, emulator_url))
        yield Peers(proxy_url, emulator_url, folder)


@contextlib.contextmanager
def checked(upstream_url: str) -> Iterator[str]:
    """Prism alone, in front of any server that claims to speak Twilio's language.

    Yields the URL to speak to. A request or an answer that breaks Twilio's schema is answered with
    an error of Prism's own. Raises PeersUnavailable as `running` does.
    """
    node = installed()
    with (
        tempfile.TemporaryDirectory(prefix="peers-") as name,
        _proxy(node, Path(name), upstream_url) as url,
    ):
        yield url


def _seed(whatsapp_url: str, sms_url: str, service_url: str) -> dict[str, object]:
    return {
        "twilio": {
            "account": {"sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "friendly_name": "peers"},
            "api_keys": [{"sid": API_KEY_SID, "secret": API_KEY_SECRET, "friendly_name": "peers"}],
            "phone_numbers": [
                {"phone_number": SMS_NUMBER, "sms_url": sms_url or whatsapp_url},
                {"phone_number": SERVICE_NUMBER},
                {"phone_number": f"whatsapp:{WHATSAPP_NUMBER}", "sms_url": whatsapp_url},
            ],
            "messaging_services": [
                {
                    "friendly_name": "peers",
                    "sid": SERVICE_SID,
                    "inbound_request_url": service_url or whatsapp_url,
                    "phone_numbers": [SERVICE_NUMBER],
                }
            ],
        }
    }


@contextlib.contextmanager
def _emulator(node: Node, folder: Path, seed: Path) -> Iterator[str]:
    port = free_port()
    arguments = ["start", "--service", "twilio", "--seed", str(seed)]
    arguments += ["-p", str(port), "--host", "127.0.0.1"]
    with _process(node, folder, "emulate", arguments) as process:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(process, url, folder / "emulate.log")
        yield url


@contextlib.contextmanager
def _proxy(node: Node, folder: Path, upstream: str) -> Iterator[str]:
    port = free_port()
    cut(_SCHEMA, folder / "schema.json")
    arguments = ["proxy", "-h", "127.0.0.1", "-p", str(port), "--errors"]
    arguments += [str(folder / "schema.json"), upstream]
    with _process(node, folder, "prism", arguments) as process:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(process, url, folder / "prism.log")
        yield url


@contextlib.contextmanager
def _process(node: Node, folder: Path, name: str, arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """One peer, started as a Node process of its own (npx would leave its child behind)."""
    program = HERE / "node_modules" / ".bin" / name
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [str(node.node), str(program), *arguments],
            cwd=folder,
            env={**_without_proxies(node.environment), "CI": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            _stop(process)


def _without_proxies(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if "_PROXY" not in name.upper()}


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(url, trust_env=False)
            return
        time.sleep(0.05)
    raise PeersUnavailable(f"{log.stem} did not come up. It said: {log.read_text('utf-8')[-2000:]}")


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def are_skipped() -> bool:
    """Whether the environment (HARBOUR_SKIP_PEERS=1) asks to leave out every test that needs the peers."""
    return os.environ.get("HARBOUR_SKIP_PEERS") == "1"
