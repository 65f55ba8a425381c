"""Starts the engine: one process, one port, one model.

Owns: main().
May import: Rasa, through its public functions.
Start reading at: `main`.

    python -m bot.engine.serve --model DIR_OR_FILE [--host 127.0.0.1] [--port 5005]
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
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
    options = _options(arguments)
    model = newest(Path(options.model))
    if model is None:
        print(f"No model in {options.model}; run python -m bot.engine.train first.", file=sys.stderr)
        return 2
    started = time.monotonic()
    quiet.prepare()
    app = _app(model)
    quiet.hush()

    @app.listener("after_server_start")
    async def ready(app: Sanic, loop: Any) -> None:
        if not getattr(app.ctx, "agent", None) or not app.ctx.agent.is_ready():
            logger.error("the model could not be loaded: %s", model)
            app.stop()
            return
        # Loading the model configures loggers again.
        quiet.hush()
        logger.info("ready after %.1f s, model %s", time.monotonic() - started, model.name)

    # Sanic's own workers and signals stay out of it: one process, gone at once when told to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    app.run(options.host, options.port, access_log=False, workers=1, debug=False)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.engine.serve", description=__doc__)
    parser.add_argument("--model", default=str(ROOT / "models"), help="a model file, or the folder of models")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5005)
    return parser.parse_args(arguments)


def newest(place: Path) -> Path | None:
    """The model file at `place`, or the newest one in that folder."""
    if place.is_file():
        return place
    models = sorted(place.glob("*.tar.gz"), key=lambda file: file.stat().st_mtime)
    return models[-1] if models else None


def _app(model: Path) -> Sanic:
    from functools import partial

    from rasa.core.run import configure_app, create_http_input_channels, load_agent_on_start
    from rasa.core.utils import AvailableEndpoints

    from bot.engine.components import runner

    runner.use_it()
    channels = create_http_input_channels(None, str(HERE / "credentials.yml"))
    endpoints = AvailableEndpoints.read_endpoints(str(HERE / "endpoints.yml"))
    app = configure_app(channels, enable_api=False)
    load = partial(load_agent_on_start, str(model), endpoints, None)
    app.register_listener(load, "before_server_start")
    return app


if __name__ == "__main__":
    sys.exit(main())
