"""The worker: three loops that claim due work from PostgreSQL.

Owns: inbound turns, outbound sends, timers; how many at a time, and waking.
May import: conversation, channels, store, and below; never the gateway.
Start reading at: `run.py`.
"""
