"""Rows of any SQL database, through SQLAlchemy: a table or a query, whole or what changed since the last time."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from textcrm.errors import DependencyError, UnavailableError, UsageError
from textcrm.sources.tabular import Row

_FETCH = 2000


@dataclass(frozen=True)
class SqlSource:
    """What to read: *table* (``name`` or ``schema.name``) or *query*, one of the two.

    ``updated_at`` is the column of a table or view that says when a row last changed; with it, only rows at or after
    the last one that was read are read again.
    """

    url: str
    table: str | None = None
    query: str | None = None
    updated_at: str | None = None

    def __post_init__(self) -> None:
        if (self.table is None) == (self.query is None):
            raise UsageError("Name a table or a query of the database, one of the two")
        if self.query is not None and self.updated_at is not None:
            raise UsageError("Only a table is read by what changed", hint="Make a view of the query, and name that.")


def sql_rows(source: SqlSource, *, since: Any = None) -> Generator[tuple[Row, Any]]:
    """Yield the rows, oldest change first where ``updated_at`` is named, each with its value of that column.

    Raises
    ------
    DependencyError
        SQLAlchemy or the driver of the database is not installed.
    UsageError
        There is no such table or column, the address cannot be read, or the query fails.
    UnavailableError
        The database cannot be reached.
    """
    try:
        import sqlalchemy as sa
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, OperationalError, SQLAlchemyError
    except ImportError as error:
        raise DependencyError("SQLAlchemy is missing", hint="pip install 'textcrm[tables]'") from error
    try:
        engine = sa.create_engine(source.url)
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError("The address of the database cannot be read", hint="Example: sqlite:///crm.db") from error
    except ModuleNotFoundError as error:
        raise DependencyError(f"The driver {error.name} is missing", hint=f"pip install {error.name}") from error
    connected = False
    try:
        made = None
        if source.table is not None:
            schema, _, name = source.table.rpartition(".")
            made = sa.Table(name, sa.MetaData(), autoload_with=engine, schema=schema or None)
        with engine.connect().execution_options(stream_results=True, yield_per=_FETCH) as connection:
            connected = True
            yield from _read(sa, connection, source, made, since)
    except NoSuchTableError as error:
        raise UsageError("The database has no such table", hint="Write it as name or schema.name.") from error
    except OperationalError as error:
        if connected and not error.connection_invalidated:  # SQLite says so of a query that it cannot read
            raise UsageError("The database refused to read", hint="Check the query.") from error
        raise UnavailableError("The database cannot be reached or refused", hint="Check the address.") from error
    except SQLAlchemyError as error:
        raise UsageError(f"The database refused to read ({type(error).__name__})", hint="Check the query.") from error
    finally:
        engine.dispose()


def _read(sa: Any, connection: Any, source: SqlSource, made: Any, since: Any) -> Iterator[tuple[Row, Any]]:
    if made is None:
        statement = sa.text(source.query)
    else:
        statement = sa.select(made)
        if source.updated_at is not None:
            if source.updated_at not in made.c:
                raise UsageError("The table has no column of that name", options=[str(c.name) for c in made.c][:40])
            column = made.c[source.updated_at]
            statement = statement.order_by(column)
            if since is not None:
                statement = statement.where(column >= since)
    with connection.execute(statement) as result:
        for place, row in enumerate(result.mappings(), start=1):
            cells = {str(name): _cell(value) for name, value in row.items()}
            changed = row[source.updated_at] if source.updated_at is not None and source.updated_at in row else None
            yield (place, cells, json.dumps(cells, ensure_ascii=True).encode()), changed


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
