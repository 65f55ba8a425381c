"""Help lines, where a place lies, and which lines a message gave"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "help_line",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("description", postgresql.JSONB(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), server_default="unverified", nullable=False),
        sa.Column("verified_on", sa.Date(), nullable=True),
        sa.Column("verified_by", sa.Text(), nullable=True),
        sa.Column("verify_method", sa.Text(), nullable=True),
        sa.Column("next_check_due", sa.Date(), nullable=True),
        sa.Column("suspended_for", sa.Text(), nullable=True),
        sa.Column("suspended_on", sa.Date(), nullable=True),
        sa.Column("conflicts", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.CheckConstraint("status IN ('active','unverified','suspended')", name=op.f("ck_help_line_status_known")),
        sa.CheckConstraint(
            "status <> 'active' OR verified_on IS NOT NULL AND verified_by IS NOT NULL"
            " AND verify_method IN ('called','texted','operator_email') AND conflicts = '[]'",
            name=op.f("ck_help_line_active_is_verified"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_help_line")),
    )
    op.add_column("site", sa.Column("country", sa.Text(), nullable=True))
    op.add_column("site", sa.Column("admin1", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("line_ids", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("outbox", "line_ids")
    op.drop_column("site", "admin1")
    op.drop_column("site", "country")
    op.drop_table("help_line")
