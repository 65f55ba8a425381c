"""Every table. Columns named `sealed…` hold encrypted values (see `seal.py`).

Owns: the schema; migrations follow it and a test compares the two.
May import: SQLAlchemy.
Start reading at: `contact`, `inbox`, `outbox`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _time(name: str, *, null: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid(), primary_key=True)


def _contact(*, unique: bool = False) -> sa.Column[Any]:
    return sa.Column("contact_id", sa.ForeignKey("contact.id", ondelete="CASCADE"), nullable=False, unique=unique)


contact = sa.Table(
    "contact",
    metadata,
    _id(),
    _time("created_at", null=False),
    sa.Column("language", sa.Text),
    sa.Column("language_chosen", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("other_language", sa.Text),
    sa.Column("site_id", sa.ForeignKey("site.id", ondelete="SET NULL")),
    sa.Column("control", sa.Text, nullable=False, server_default="bot"),
    sa.Column("consent", sa.Text),
    _time("consent_at"),
    sa.Column("age_band", sa.Text),
    sa.Column("sealed_state", sa.LargeBinary),
    sa.Column("open_check", sa.Text),
    _time("crisis_answered_at"),
    _time("paused_until"),
    _time("last_inbound_at"),
    sa.CheckConstraint("control IN ('bot', 'counsellor')", name="control_known"),
)

address = sa.Table(
    "address",
    metadata,
    _id(),
    _contact(),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    _time("opted_out_at"),
    _time("unusable_at"),
    _time("last_inbound_at"),
    sa.UniqueConstraint("channel", "fingerprint"),
    sa.Index("ix_address_contact_id", "contact_id"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("provider_id", sa.Text, nullable=False),
    _contact(),
    sa.Column("address_id", sa.ForeignKey("address.id", ondelete="CASCADE"), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    _time("received_at", null=False),
    _time("due_at", null=False),
    _time("done_at"),
    sa.UniqueConstraint("channel", "provider_id"),
    sa.CheckConstraint("state IN ('waiting', 'done')", name="state_known"),
    sa.Index("ix_inbox_waiting", "id", postgresql_where=sa.text("state = 'waiting'")),
    sa.Index("ix_inbox_waiting_contact", "contact_id", "id", postgresql_where=sa.text("state = 'waiting'")),
    sa.Index("ix_inbox_contact_id", "contact_id", "id"),
)

assessment = sa.Table(
    "assessment",
    metadata,
    sa.Column("inbox_id", sa.ForeignKey("inbox.id", ondelete="CASCADE"), primary_key=True),
    _contact(),
    _time("at", null=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("categories", ARRAY(sa.Text), nullable=False),
    sa.Column("rules", ARRAY(sa.Text), nullable=False),
    sa.Column("sealed_signals", sa.LargeBinary, nullable=False),
    _time("lowered_at"),
    sa.CheckConstraint("level BETWEEN 0 AND 4", name="level_known"),
    sa.Index("ix_assessment_signs", "contact_id", "at", postgresql_where=sa.text("level > 0")),
)

_OPEN = sa.text("status IN ('queued','sending','unknown')")

outbox = sa.Table(
    "outbox",
    metadata,
    _id(),
    sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
    _contact(),
    sa.Column("address_id", sa.ForeignKey("address.id", ondelete="CASCADE"), nullable=False),
    sa.Column("inbox_id", sa.ForeignKey("inbox.id", ondelete="SET NULL")),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="queued"),
    sa.Column("provider_id", sa.Text),
    sa.Column("failed_ids", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("line_ids", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("reason", sa.Text),
    sa.Column("code", sa.Integer),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    _time("created_at", null=False),
    _time("due_at", null=False),
    _time("tried_at"),
    _time("sent_at"),
    sa.CheckConstraint(
        "status IN ('queued','sending','unknown','held','sent','failed','delivered','read')", name="status_known"
    ),
    sa.CheckConstraint("kind IN ('reply','crisis','confirmation','notice','counsellor')", name="kind_known"),
    sa.Index("ix_outbox_open", "position", postgresql_where=_OPEN),
    sa.Index("ix_outbox_open_address", "address_id", "position", postgresql_where=_OPEN),
    sa.Index("ix_outbox_held", "address_id", postgresql_where=sa.text("status = 'held'")),
    sa.Index("ix_outbox_contact_id", "contact_id", "position"),
    sa.Index("ix_outbox_address_id", "address_id", "position"),
    sa.Index("ix_outbox_provider_id", "provider_id"),
)

case_ = sa.Table(
    "case",
    metadata,
    _id(),
    _contact(),
    _time("opened_at", null=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("categories", ARRAY(sa.Text), nullable=False, server_default="{}"),
    _time("closed_at"),
    sa.CheckConstraint("level BETWEEN 0 AND 4", name="level_known"),
    sa.Index("uq_case_one_open", "contact_id", unique=True, postgresql_where=sa.text("closed_at IS NULL")),
)

case_event = sa.Table(
    "case_event",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("case_id", sa.ForeignKey("case.id", ondelete="CASCADE"), nullable=False),
    _time("at", null=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("level", sa.SmallInteger),
    sa.Column("sealed_note", sa.LargeBinary),
    sa.Index("ix_case_event_case_id", "case_id", "id"),
)

label = sa.Table(
    "label",
    metadata,
    _id(),
    sa.Column("day", sa.Date(), nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("entries", ARRAY(sa.Text), nullable=False),
    sa.Column("level_given", sa.SmallInteger, nullable=False),
    sa.Column("level_true", sa.SmallInteger, nullable=False),
    sa.CheckConstraint("verdict IN ('confirmed','false','missed')", name="verdict_known"),
    sa.CheckConstraint("level_given BETWEEN 0 AND 4", name="level_given_known"),
    sa.CheckConstraint("level_true BETWEEN 0 AND 4", name="level_true_known"),
    sa.Index("ix_label_day", "day"),
)

timer = sa.Table(
    "timer",
    metadata,
    _id(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("contact_id", sa.ForeignKey("contact.id", ondelete="CASCADE")),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("payload", JSONB, nullable=False, server_default="{}"),
    _time("due_at", null=False),
    _time("done_at"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Index("ix_timer_due_at", "due_at", postgresql_where=sa.text("done_at IS NULL")),
)

site = sa.Table(
    "site",
    metadata,
    _id(),
    sa.Column("name", JSONB, nullable=False, unique=True),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("country", sa.Text),
    sa.Column("admin1", sa.Text),
)

group_ = sa.Table(
    "group",
    metadata,
    _id(),
    sa.Column("site_id", sa.ForeignKey("site.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("for_minors", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("capacity", sa.Integer, nullable=False, server_default="20"),
    sa.CheckConstraint("kind IN ('talk','women','men','young','parents','craft')", name="kind_known"),
)

meeting = sa.Table(
    "meeting",
    metadata,
    _id(),
    sa.Column("group_id", sa.ForeignKey("group.id", ondelete="CASCADE"), nullable=False),
    _time("starts_at", null=False),
    sa.Column("place", JSONB, nullable=False),
    sa.UniqueConstraint("group_id", "starts_at"),
)

membership = sa.Table(
    "membership",
    metadata,
    sa.Column("group_id", sa.ForeignKey("group.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("contact_id", sa.ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True),
    _time("joined_at", null=False),
)

service = sa.Table(
    "service",
    metadata,
    _id(),
    sa.Column("site_id", sa.ForeignKey("site.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", JSONB, nullable=False),
    sa.Column("details", JSONB, nullable=False),
    _time("verified_at"),
    sa.UniqueConstraint("site_id", "name"),
)

help_line = sa.Table(
    "help_line",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("description", JSONB, nullable=False),
    _time("imported_at", null=False),
    sa.Column("status", sa.Text, nullable=False, server_default="unverified"),
    sa.Column("verified_on", sa.Date),
    sa.Column("verified_by", sa.Text),
    sa.Column("verify_method", sa.Text),
    sa.Column("next_check_due", sa.Date),
    sa.Column("suspended_for", sa.Text),
    sa.Column("suspended_on", sa.Date),
    sa.Column("conflicts", JSONB, nullable=False, server_default="[]"),
    sa.CheckConstraint("status IN ('active','unverified','suspended')", name="status_known"),
    sa.CheckConstraint(
        "status <> 'active' OR verified_on IS NOT NULL AND verified_by IS NOT NULL"
        " AND verify_method IN ('called','texted','operator_email') AND conflicts = '[]'",
        name="active_is_verified",
    ),
)

shift = sa.Table(
    "shift",
    metadata,
    _id(),
    sa.Column("counsellor", sa.Text, nullable=False),
    sa.Column("languages", ARRAY(sa.Text), nullable=False, server_default="{}"),
    _time("starts_at", null=False),
    _time("ends_at", null=False),
    sa.CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    sa.UniqueConstraint("counsellor", "starts_at"),
)

measure = sa.Table(
    "measure",
    metadata,
    _id(),
    _contact(),
    _time("at", null=False),
    sa.Column("instrument", sa.Text, nullable=False),
    sa.Column("before", sa.SmallInteger),
    sa.Column("after", sa.SmallInteger),
)

bundle = sa.Table(
    "bundle",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    _time("published_at", null=False),
)

audit_entry = sa.Table(
    "audit_entry",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _time("at", null=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("case_id", sa.ForeignKey("case.id", ondelete="SET NULL")),
)
