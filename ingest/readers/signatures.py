"""What a file that is no text is in truth, by bytes that all such files have."""

from __future__ import annotations

from ingest.mapped import Bytes

#: Place in the file and bytes there -> what it is.
_SIGNATURES = (
    (0, b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"\xd0\xcf\x11\xe0", "an old Excel workbook or another Office document"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"SQLite format 3", "an SQLite database"),
    (0, b"PAR1", "a Parquet file"),
    (0, b"{\\rtf", "a rich text document"),
    (257, b"ustar", "a tar archive"),
    (4, b"1AY&SY", "a bzip2 archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (0, b"\x78\x9f\x3e\x22", "a winmail.dat, in which Outlook packs a mail's attachments"),
    (0, b"MZ\x90\0", "a program"),
    (0, b"bplist00", "a property list"),
)


def what_it_is(data: Bytes) -> str | None:
    """What a file that is no text is ("a PDF document"); None for text."""
    return next((words for place, mark, words in _SIGNATURES if data[place : place + len(mark)] == mark), None)


def is_picture(data: Bytes) -> bool:
    """True for what begins like a picture, as signatures of mails have them."""
    return (what_it_is(data) or "").endswith("picture")
