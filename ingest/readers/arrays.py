"""Arrow arrays made of numbers and texts, and numbers out of them.

From and to the buffers, because each conversion of Arrow's own imports pandas, if it is installed: a quarter of a
second, more than landing a small file takes otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecourt.errors import Problem

_MOST_BYTES = 2**31 - 1


def booleans(truths: npt.NDArray[np.bool_]) -> pa.Array:
    """Truths, a bit each."""
    return pa.Array.from_buffers(pa.bool_(), len(truths), [None, pa.py_buffer(np.packbits(truths, bitorder="little"))])


def integers(numbers: npt.NDArray[np.int64] | Sequence[int]) -> pa.Array:
    """Whole numbers (int64)."""
    held = np.ascontiguousarray(numbers, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(held), [None, pa.py_buffer(held)])


def numbers_of(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The numbers of a column without nulls; truths are 0 and 1."""
    chunks = [
        np.frombuffer(chunk.buffers()[1], np.int64)[chunk.offset :][: len(chunk)]
        for chunk in column.cast(pa.int64()).chunks
    ]
    return np.concatenate([*chunks, np.empty(0, np.int64)])


def strings(values: Sequence[str | None]) -> pa.Array:
    """Texts, as UTF-8. Raises Problem where they are more than Arrow counts in one column, 2 GB."""
    texts = [value or "" for value in values]
    joined = "".join(texts)
    data = joined.encode()
    lengths = map(len, texts) if len(data) == len(joined) else (len(text.encode()) for text in texts)
    ends = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(lengths, np.int64, len(texts)), out=ends[1:])
    if ends[-1] > _MOST_BYTES:
        raise Problem("one of its columns holds more than 2 GB of text. Export it in parts.")
    known = booleans(np.array([value is not None for value in values], bool)).buffers()[1] if None in values else None
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(data), known)
