"""Starts the engine: one process, one port, one model.

Owns: main(), newest().
May import: Rasa, through its public functions.
Start reading at: `main`.

    python -m bot.engine.serve [--model DIR_OR_FILE] [--host 127.0.0.1] [--port 5005]

It listens only once the model is loaded, so whoever is refused may ask another engine. It has no
passwords and no TLS: keep it on loopback or a private network.
"""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.engine import quiet

if TYPE_CHECKING:
    from sanic import Sanic

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
logger = logging.getLogger("harbour.engine")


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop. Returns the exit code."""
    started = time.monotonic()
    options = _options(arguments)
    model = newest(Path(options.model))
    if model is None:
        print(f"No model in {options.model}; run python -m bot.engine.train first.", file=sys.stderr)
        return 2
    # Until Sanic takes signals over: gone at once, also while loading.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        door = _door(options.host, options.port)
    except OSError as error:
        print(f"Cannot listen on {options.host}:{options.port}: {error.strerror}.", file=sys.stderr)
        return 2
    quiet.prepare()
    app = _app(model)
    app.register_listener(partial(_ready, model, started), "after_server_start")
    quiet.hush()
    app.run(sock=door, access_log=False, workers=1, debug=False)
    return 0 if _has_model(app) else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.engine.serve")
    parser.add_argument("--model", default=str(ROOT / "models"), help="a model file, or the folder of models")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=5005, help="port to listen on")
    return parser.parse_args(arguments)


def newest(place: Path) -> Path | None:
    """The model file at `place`, or the newest one in that folder."""
    if place.is_file():
        return place
    models = sorted(place.glob("*.tar.gz"), key=lambda file: file.stat().st_mtime)
    return models[-1] if models else None


def _door(host: str, port: int) -> socket.socket:
    """The port, taken but not yet open. Raises OSError if another process has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((host, port))
    return door


def _app(model: Path) -> Sanic:
    from rasa.core.run import configure_app, create_http_input_channels, load_agent_on_start
    from rasa.core.utils import AvailableEndpoints

    from bot.engine.components import runner

    runner.use_it()
    channels = create_http_input_channels(None, str(HERE / "credentials.yml"))
    endpoints = AvailableEndpoints.read_endpoints(str(HERE / "endpoints.yml"))
    app = configure_app(channels, enable_api=False)
    app.register_listener(partial(load_agent_on_start, str(model), endpoints, None), "before_server_start")
    return app


async def _ready(model: Path, started: float, app: Sanic, loop: Any) -> None:
    # Loading the model has configured loggers again.
    quiet.hush()
    if not _has_model(app):
        logger.error("the model cannot be loaded; train it again: %s", model)
        app.stop()
        return
    logger.info("ready after %.1f s, model %s", time.monotonic() - started, model.name)


def _has_model(app: Sanic) -> bool:
    agent = getattr(app.ctx, "agent", None)
    return agent is not None and agent.is_ready()


if __name__ == "__main__":
    sys.exit(main())
