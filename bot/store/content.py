"""Published bundles.

Owns: publish(), current_hash(), body_of().
May import: SQLAlchemy, `bot.clock`.
Start reading at: `publish`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot import clock
from bot.store.database import Session
from bot.store.tables import bundle


async def publish(session: Session, content_hash: str, body: Mapping[str, Any]) -> None:
    """Make this bundle the current one. Publishing the same content again changes nothing else."""
    packed = zlib.compress(json.dumps(body, ensure_ascii=False).encode())
    now = clock.now()
    await session.run(
        insert(bundle)
        .values(hash=content_hash, body=packed, published_at=now)
        .on_conflict_do_update(index_elements=[bundle.c.hash], set_={"published_at": now})
    )


async def current_hash(session: Session) -> str | None:
    """The hash of the bundle published last."""
    found: str | None = await session.scalar(sa.select(bundle.c.hash).order_by(bundle.c.published_at.desc()).limit(1))
    return found


async def body_of(session: Session, content_hash: str) -> dict[str, Any] | None:
    """The content of one bundle."""
    packed = await session.scalar(sa.select(bundle.c.body).where(bundle.c.hash == content_hash))
    return json.loads(zlib.decompress(packed)) if packed else None
