"""What the gateway counts, for Prometheus. Labels hold nothing of a person.

Owns: the gateway's counters.
May import: prometheus-client.
Start reading at: `INBOUND`.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
INBOUND = Counter("harbour_inbound_total", "Inbound messages", ["channel", "outcome"])
INBOUND_SECONDS = Histogram("harbour_inbound_seconds", "Time until a webhook was answered", buckets=_BUCKETS)
STATUS = Counter("harbour_status_total", "Delivery reports", ["status"])
WAITING = Gauge("harbour_inbox_waiting", "Messages without an answer")
WAITING_AGE = Gauge("harbour_inbox_oldest_seconds", "Age of the oldest message without an answer")
OPEN = Gauge("harbour_outbox_open", "Messages not yet handed to a provider")
OPEN_AGE = Gauge("harbour_outbox_oldest_seconds", "Age of the oldest message not yet handed to a provider")
UNSIGNED = Gauge("harbour_unsigned", "Lexicons and languages' texts that nobody has signed, at start")
CASES = Gauge("harbour_cases_open", "Open cases", ["level"])
LINES = Gauge("harbour_help_lines", "Help lines that may be given, whose next check is due, that may not", ["state"])
