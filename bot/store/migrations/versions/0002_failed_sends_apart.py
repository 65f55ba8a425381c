"""Failed sends of a message are kept apart from the one that counts; what is held is found at once"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "outbox", sa.Column("failed_ids", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.create_index("ix_outbox_held", "outbox", ["address_id"], postgresql_where=sa.text("status = 'held'"))


def downgrade() -> None:
    op.drop_index("ix_outbox_held", table_name="outbox", postgresql_where=sa.text("status = 'held'"))
    op.drop_column("outbox", "failed_ids")
