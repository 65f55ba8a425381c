"""Statements in the words of PostgreSQL: text once, arguments each time.

Owns: Statement, inserting(), updating().
May import: SQLAlchemy.
Start reading at: `Statement`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.compiler import SQLCompiler

_ARGUMENTS_ONLY = asyncpg.dialect()  # type: ignore[no-untyped-call]


class _Constants(_ARGUMENTS_ONLY.statement_compiler):  # type: ignore[misc, name-defined]
    def visit_bindparam(self, bindparam: sa.BindParameter[Any], *given: Any, **named: Any) -> str:
        """A value that is known already is written into the text."""
        named["literal_execute"] = named.get("literal_execute", False) or not bindparam.required
        return cast(str, super().visit_bindparam(bindparam, *given, **named))


_DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]
_DIALECT.statement_compiler = _Constants


class Statement:
    """One statement, written out; to build it costs more than to run it, so what runs often is built once.

    What changes from one use to the next is named with `sa.bindparam`. All else stands in the text
    (unless `constants` is False), so that the server can plan it once, with partial indexes too.
    `columns` are those an INSERT or UPDATE sets, each by a value of its name.
    """

    def __init__(
        self, source: sa.ClauseElement, columns: Collection[str] | None = None, *, constants: bool = True
    ) -> None:
        dialect = _DIALECT if constants else _ARGUMENTS_ONLY
        compiled = cast(SQLCompiler, source.compile(dialect=dialect, column_keys=columns and list(columns)))
        asked = {name for name, bind in compiled.binds.items() if bind.required}
        written = compiled.construct_expanded_state(dict.fromkeys(asked))
        self.text = written.statement
        self._order = tuple(written.positiontup or ())
        self._given = {name: value for name, value in written.parameters.items() if name not in asked}

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """What goes to $1, $2, ... Raises KeyError for a value that is missing."""
        known = {**self._given, **values}
        return [known[name] for name in self._order]


@lru_cache(maxsize=128)
def inserting(table: sa.Table, columns: tuple[str, ...]) -> Statement:
    """INSERT of one row with these columns."""
    return Statement(sa.insert(table).inline(), columns)


@lru_cache(maxsize=128)
def updating(table: sa.Table, columns: tuple[str, ...]) -> Statement:
    """UPDATE of these columns in the row whose id is `one`."""
    return Statement(sa.update(table).where(table.c.id == sa.bindparam("one")), columns)
