"""Harbour: a WhatsApp and SMS companion with a human counsellor behind it.

Owns: everything that runs, except the pure signs of risk, which are the package `escalation`.
May import: see `docs/architecture.md` and the import contracts in `pyproject.toml`.
Start reading at: `bot/conversation/turn.py`, one turn of one contact.
"""
