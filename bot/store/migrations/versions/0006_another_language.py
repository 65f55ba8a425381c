"""The language of the last message that was not written in the contact's own"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("other_language", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("contact", "other_language")
