"""Health and metrics.

Owns: /health/live, /health/ready, /metrics.
May import: FastAPI, prometheus-client, store.
Start reading at: `ready`.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot import clock
from bot.gateway import metrics
from bot.gateway.parts import Parts, parts
from bot.store import cases, inbox, lines, outbox
from escalation.lines import LineState, state_of

router = APIRouter()


@router.get("/health/live")
async def live() -> dict[str, str]:
    """The process runs."""
    return {"status": "live"}


@router.get("/health/ready")
async def ready(given: Annotated[Parts, Depends(parts)]) -> JSONResponse:
    """Messages can be taken in: 200, else 503. Redis only makes things faster."""
    database = await given.database.ping()
    body: dict[str, object] = {
        "database": database,
        "redis": await given.wake.ping(),
        "twilio": given.twilio is not None,
    }
    body["unsigned"] = list(given.unsigned)
    return JSONResponse(body, status_code=200 if database else 503)


@router.get("/metrics")
async def prometheus(given: Annotated[Parts, Depends(parts)]) -> Response:
    """Counters of this process, and the queues as they stand in the database."""
    async with given.database.transaction() as session:
        waiting, waiting_age = await inbox.unprocessed(session)
        queued, queued_age = await outbox.queue_state(session)
        levels = await cases.open_by_level(session)
        known = await lines.every(session)
    metrics.UNSIGNED.set(len(given.unsigned))
    metrics.WAITING.set(waiting)
    metrics.WAITING_AGE.set(waiting_age)
    metrics.OPEN.set(queued)
    metrics.OPEN_AGE.set(queued_age)
    for level in range(5):
        metrics.CASES.labels(str(level)).set(levels.get(level, 0))
    states = Counter(state_of(line, clock.now().date(), given.line_days).value for line in known)
    for state in LineState:
        metrics.LINES.labels(state.value).set(states[state.value])
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
