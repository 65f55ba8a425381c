"""What a worker counts, for Prometheus. Labels hold nothing of a person.

Owns: the worker's counters.
May import: prometheus-client.
Start reading at: `turn`.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from bot.conversation.turn import TurnReport

_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
TURN_SECONDS = Histogram("harbour_turn_seconds", "Time one turn took", ["took"], buckets=_BUCKETS)
WAITED_SECONDS = Histogram("harbour_answer_seconds", "From message stored to answer queued", buckets=_BUCKETS)
ALERTS = Counter("harbour_risk_total", "Messages by risk level", ["level"])
SENDS = Counter("harbour_sends_total", "Sends by channel and outcome", ["channel", "outcome"])

LEXICON_CHANGES = Counter("harbour_lexicon_changes_total", "Changed lexicons by what came of them", ["outcome"])
LEXICONS_STALE = Gauge("harbour_lexicons_stale", "1 while the folder holds lexicons that this worker does not use")


def turn(report: TurnReport, seconds: float) -> None:
    """Count one turn."""
    TURN_SECONDS.labels(report.took.value).observe(seconds)
    if report.decision:
        WAITED_SECONDS.observe(report.waited)
        ALERTS.labels(str(report.level)).inc()
