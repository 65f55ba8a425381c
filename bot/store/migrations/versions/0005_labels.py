"""What a person found about the level of a message, without the person who wrote it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "label",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("entries", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("level_given", sa.SmallInteger(), nullable=False),
        sa.Column("level_true", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("verdict IN ('confirmed','false','missed')", name=op.f("ck_label_verdict_known")),
        sa.CheckConstraint("level_given BETWEEN 0 AND 4", name=op.f("ck_label_level_given_known")),
        sa.CheckConstraint("level_true BETWEEN 0 AND 4", name=op.f("ck_label_level_true_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
    )
    op.create_index(op.f("ix_label_day"), "label", ["day"])


def downgrade() -> None:
    op.drop_index(op.f("ix_label_day"), table_name="label")
    op.drop_table("label")
