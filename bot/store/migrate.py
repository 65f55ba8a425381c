"""Bringing a database to the current schema.

Owns: upgrade(), downgrade().
May import: Alembic, SQLAlchemy.
Start reading at: `upgrade`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Run every migration up to `revision`. Safe to run twice, and from two processes at once."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str = "base") -> None:
    """Undo migrations down to `revision`. This destroys data."""
    command.downgrade(_config(url), revision)
