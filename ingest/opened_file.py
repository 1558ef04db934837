"""One file while its source is sought: each way of reading it is done once, however many sources are tried."""

from __future__ import annotations

from typing import Any

from forecourt.errors import Problem
from ingest.delivery import own_name
from ingest.mapped import Bytes, whole
from ingest.readers import xml_rows
from ingest.readers.decoding import Decoded
from ingest.readers.encoding import decode_as
from ingest.readers.json_rows import Keyed, check_size, read_json
from ingest.readers.kinds import Kind, kind_of
from ingest.readers.rows import Objects
from ingest.readers.sheets import Workbook
from ingest.readers.web_page import open_page
from ingest.readers.workbook_open import open_workbook

#: Of a larger text these bytes tell whether a source can be its own: what stands above the header, and the header.
BEGINNING = 2 << 20


class OpenedFile:
    """``delivered_as``: the name with its containers, ``name``: its own. Each way of reading raises Problem (without
    the file's name) as its reader does, and again whenever it is asked."""

    def __init__(self, name: str, data: Bytes, kind: Kind | None = None) -> None:
        self.delivered_as = name
        self.name = own_name(name)
        self.data = data
        self.kind = kind or kind_of(data)
        self._made: dict[Any, Any] = {}

    def decoded(self, encoding: str, *, with_faults: bool = False) -> Decoded:
        key = ("text", encoding, with_faults)
        return self._once(key, lambda: decode_as(self.data, encoding, with_faults=with_faults))

    def beginning(self) -> OpenedFile | None:
        """The first lines of a large text as a file of their own; None for any other file."""
        if self.kind != "text" or len(self.data) <= BEGINNING:
            return None
        end = max(self.data.rfind(mark, 0, BEGINNING) for mark in (b"\n", b"\r")) + 1
        return self._once("beginning", lambda: OpenedFile(self.delivered_as, self.data[: end or BEGINNING], self.kind))

    def book(self) -> Workbook:
        opened = open_page if self.kind == "page" else open_workbook
        return self._once("book", lambda: opened(whole(self.data)))

    def root(self) -> Any:
        return self._once("root", lambda: xml_rows.open_xml(xml_rows.without_tail(whole(self.data))[0]))

    def objects(self, path: str = "", decimal: str = ".", keyed: Keyed | None = None) -> Objects:
        check_size(self.data)
        key = ("json", path, decimal, tuple((keyed or {}).items()))
        return self._once(key, lambda: read_json(self.decoded("utf-8"), path, decimal=decimal, keyed=keyed))

    def _once(self, key: Any, make: Any) -> Any:
        if key not in self._made:
            try:
                self._made[key] = make()
            except Problem as problem:
                self._made[key] = problem
        if isinstance(self._made[key], Problem):
            raise self._made[key]
        return self._made[key]
