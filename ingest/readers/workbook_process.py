"""Opens a workbook in a process of its own: bytes on standard input, the cells of its sheets on standard output.

The library is written in Rust and trusts what a file says of its own sizes: a damaged one can make it ask for hundreds
of gigabytes, upon which it ends its process. Here that is this one, and the landing goes on. Run as a script; it
imports nothing of ours, so that it starts at once.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from typing import Any

MEMORY = 6 << 30

#: What went wrong, or name of a sheet -> its rows from the first cell on, and its merged ranges; None if it is hidden.
Answer = str | dict[str, tuple[list[list[Any]], list[Any]] | None]


def cells_of(data: bytes) -> Answer:
    """All cells of the sheets that a person sees, or in words why the file has none."""
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        found: dict[str, tuple[list[list[Any]], list[Any]] | None] = {}
        for sheet in book.sheets_metadata:
            if sheet.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            found[sheet.name] = None
            if sheet.visible == python_calamine.SheetVisibleEnum.Visible:
                content = book.get_sheet_by_name(sheet.name)
                found[sheet.name] = (content.to_python(skip_empty_area=False), content.merged_cell_ranges or [])
        return found
    except python_calamine.PasswordError:
        return "password"
    except BaseException as error:  # also a panic of the library, which is no Exception
        return f"{error}"[:200] or type(error).__name__


def main() -> None:
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most), most))
    answer = cells_of(sys.stdin.buffer.read())
    sys.stdout.buffer.write(pickle.dumps(answer, protocol=5))
    sys.stdout.buffer.flush()
    os._exit(0)  # taking a large workbook apart again would take seconds


if __name__ == "__main__":
    main()
