"""Answers one question in SQL in a process of its own: the question on standard input, rows on standard output.

The engine stops between two steps of its work, not within one: a single function of a single row can run for an hour,
and take all the memory of the machine. A process has limits that hold. Run as a script by `forecourt.query`; its last
line on standard error says how it went.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from bisect import bisect_right
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.selects import relation, sentence

#: What the process may have, and what of it the engine takes before it goes on on disk.
MEMORY, ENGINE_MEMORY = 4 << 30, "2GB"
#: Types that Arrow has no room for: the largest whole numbers, bits, a time of day with its zone.
LOST = frozenset({"uhugeint", "bignum", "bit", "time with time zone"})


def main() -> None:
    """Answers, says how it went, and ends: nothing is taken apart, the limits hold to the last."""
    given = json.load(sys.stdin)
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most), most))
    config = {"memory_limit": ENGINE_MEMORY, "temp_directory": given["spills"]}
    try:
        cursor = _opened(Path(given["path"]), config).cursor()
        # From here on the system ends the process when its time is over.
        signal.setitimer(signal.ITIMER_REAL, given["seconds"])
        found = relation(cursor, given["statement"])
        found = found.count("*") if given["limit"] is None else _held(found.limit(given["limit"] + 1))
        said: dict[str, Any] = {"left_off": _write(found, given["room"])}
    except Problem as problem:
        said = {"problem": str(problem)}
    except (MemoryError, pa.ArrowMemoryError, duckdb.OutOfMemoryException):
        said = {"problem": "The statement needs more memory than one may have. Narrow it."}
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        said = {"problem": sentence(error)}
    sys.stdout.buffer.flush()
    print(json.dumps(said), file=sys.stderr, flush=True)
    os._exit(0)


def _opened(path: Path, config: dict[str, str]) -> Warehouse:
    try:
        return Warehouse(path, config)
    except duckdb.Error:  # its words name the file, which is no business of who asks
        raise Problem(f"Run {path.stem} cannot be opened. If it is not kept any more, ask the one in force.") from None


def _held(found: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The rows with every column under a name of its own, and as text where Arrow has no type for it."""
    columns = [
        f'cast(#{number} as varchar) as "{name.replace(chr(34), chr(34) * 2)}"' if _is_lost(kind) else f"#{number}"
        for number, (name, kind) in enumerate(zip(found.columns, found.types, strict=True), start=1)
    ]
    return found.project(", ".join(columns))


def _is_lost(kind: Any) -> bool:
    if kind.id in ("list", "array", "struct", "map", "union"):
        return any(_is_lost(part) for _, part in kind.children if not isinstance(part, int))
    return kind.id in LOST


def _write(found: duckdb.DuckDBPyRelation, room: int | None) -> bool:
    """Writes the rows, as many as take ``room`` bytes; whether some were left off for that."""
    reader = found.to_arrow_reader(2_048 if room else 100_000)
    with pa.ipc.new_stream(sys.stdout.buffer, reader.schema) as writer:
        for batch in reader:
            fitting = batch if room is None else batch.slice(0, _rows_in(room, batch))
            writer.write_batch(fitting)
            if fitting.num_rows < batch.num_rows:
                return True
            if room is not None:
                room -= fitting.nbytes
    return False


def _rows_in(room: int, batch: pa.RecordBatch) -> int:
    """How many rows, from the first on, take no more than ``room`` bytes."""
    return bisect_right(range(1, batch.num_rows + 1), room, key=lambda rows: batch.slice(0, rows).nbytes)


if __name__ == "__main__":
    main()
