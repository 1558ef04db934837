"""The landing database, open for reading: the row versions of every feed, and the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from forecourt.errors import Problem
from forecourt.home import Home

#: How the engine says that another process writes to a file.
IN_USE = "Could not set lock on file"


def require_landed(home: Home) -> None:
    """Raises Problem where nothing has landed yet."""
    if not home.landing.exists():
        raise Problem(
            f"Nothing has landed in {home.root} yet. Put export files in {home.inbox} and run "
            f"`forecourt run --home {home.root}`."
        )


@contextmanager
def open_landed(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens the landing for reading.

    Raises Problem where nothing has landed yet, where the file is damaged and where an earlier version of forecourt
    made it and it lacks what is asked for, duckdb.IOException (with ``IN_USE``) while another process writes to it.
    """
    require_landed(home)
    try:
        connection = duckdb.connect(str(home.landing), read_only=True)
    except duckdb.Error as error:
        raise damage(home, error) from None
    with connection:
        try:
            yield connection
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise Problem(
                f"{home.landing} was made by another version of forecourt ({str(error).splitlines()[0]}). Run "
                f"`forecourt land --home {home.root}`: it is made anew from the archive."
            ) from error


def damage(home: Home, error: duckdb.Error) -> Exception:
    """What to raise for a landing that cannot be opened: a Problem, or the error itself while it is in use."""
    if IN_USE in str(error):
        return error
    return Problem(
        f"{home.landing} cannot be read: {error} Move it away and run `forecourt land --home {home.root}`: it is made "
        "anew from the archive."
    )
