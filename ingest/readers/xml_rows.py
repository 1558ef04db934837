"""Reads XML whose records a source names by a path: inventory feeds, STAR documents, exports of single systems.

Namespaces do not count, unless an element holds one name from two of them. What lies in a record becomes names:
``vehicle.make`` for an element, ``vehicle@vin`` for an attribute, ``photo.2`` for the second of its name. A document
type is refused, so there are no entities to expand and nothing to fetch.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from lxml import etree

from forecourt.errors import Problem
from forecourt.wording import megabytes
from ingest.readers.dialect import trimmed
from ingest.readers.encoding import check_single_byte
from ingest.readers.rows import Objects

MAX_BYTES = 256 << 20
#: An element takes 150 bytes of memory and more, however short it is written.
MAX_TAGS = 20_000_000

#: So many of one kind a record is searched for under a path with ``{n}``.
MAX_REPEATED = 500

#: Tags of web pages in a text, and those of them that begin a line.
_LINES = frozenset(("br", "p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4"))
_MARKUP = _LINES | {"b", "i", "em", "strong", "u", "span", "font", "a", "sub", "sup", "small", "big"}

_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_REFUSED = "it declares a document type (DOCTYPE), which can hide or fetch content. Ask for it without one."


def why_no_path(path: object) -> str | None:
    """Why a text is no XPath; None for one that is."""
    try:
        etree.XPath(str(path).replace("{n}", "1"))(etree.Element("record"))
    except etree.XPathError as error:
        is_prefix = "prefix" in str(error)
        return f"{error}; namespaces do not count: write names without a prefix" if is_prefix else str(error)
    return None


def without_tail(data: bytes) -> tuple[bytes, str]:
    """A document without the text that a mail adds below it, and that text; words only, so no element is cut off."""
    end = data.rfind(b">") + 1
    tail = data[end:].strip()
    if not end or not tail or b"\0" in data[:100]:
        return data, ""
    return data[:end], tail.decode("utf-8", "replace")


def open_xml(data: bytes, *, max_bytes: int = MAX_BYTES) -> etree._Element:
    """The root of a document, its names without namespaces.

    Raises Problem (a sentence without the file's name) for what is no XML, too large, or declares a document type.
    """
    if len(data) > max_bytes:
        raise Problem(
            f"it has {megabytes(len(data))}, and XML is read up to {megabytes(max_bytes)}. Export "
            "fewer records in a file."
        )
    if data.count(b"<") > MAX_TAGS:
        raise Problem(f"it has more than {MAX_TAGS:,} tags. Export fewer records in a file.")
    if _DOCTYPE.search(data):
        raise Problem(_REFUSED)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data.lstrip(b" \t\r\n"), parser)
    except etree.XMLSyntaxError as error:
        line = (error.lineno or 1) + data[: len(data) - len(data.lstrip(b" \t\r\n"))].count(b"\n")
        raise Problem(f"line {line}: this is no XML ({error.msg}). Export it again.") from None
    # A document in a wide encoding hides its document type from a search of the bytes.
    if root.getroottree().docinfo.doctype:
        raise Problem(_REFUSED)
    with suppress(LookupError):  # a name that the parser knows and Python does not
        check_single_byte(data, encoding_of(root), "Export it in the encoding that it declares.")
    _drop_namespaces(root)
    return root


def _drop_namespaces(root: etree._Element) -> None:
    plain = _plain_names(root)
    for element in root.iter():
        element.tag = plain[element.tag]
        for name in [name for name in element.attrib if name.startswith("{")]:
            local = etree.QName(name).localname
            element.attrib[local if local not in element.attrib else f"{local}.2"] = element.attrib.pop(name)


def _plain_names(root: etree._Element) -> dict[str, str]:
    """Qualified name -> the name without its namespace; with the prefix before it (``g-title``) where an element holds
    one of that name from two namespaces and this is not the element's own."""
    prefixes: dict[str, str] = {}
    for element in root.iter():
        prefixes.setdefault(element.tag, element.prefix or "")
    plain = {tag: etree.QName(tag).localname for tag in prefixes}
    counts = Counter(plain.values())
    shared = {tag for tag, local in plain.items() if counts[local] > 1}
    for parent in root.iter() if shared else ():
        held = {child.tag for child in parent if child.tag in shared}
        space = etree.QName(parent).namespace
        locals_held = Counter(etree.QName(tag).localname for tag in held)
        for tag in sorted(held):
            name = etree.QName(tag)
            if locals_held[name.localname] > 1 and name.namespace != space:
                plain[tag] = f"{prefixes[tag] or 'x'}-{name.localname}"
    return plain


def encoding_of(root: etree._Element) -> str:
    """The encoding that a document declares; UTF-8 where it declares none."""
    return str(root.getroottree().docinfo.encoding or "utf-8").lower()


def find_records(root: etree._Element, path: str) -> list[etree._Element]:
    """The elements that a path leads to."""
    found = root.xpath(path)
    return [element for element in found if isinstance(element, etree._Element)] if isinstance(found, list) else []


def read_xml(root: etree._Element, path: str, fields: Mapping[str, str] | None = None) -> Objects:
    """The records under a path. ``fields``: name -> XPath from the record, for what the names alone do not reach.

    ``{n}`` in a field's name and path counts 1, 2, 3 ... as long as the record has one.
    """
    finders = [(name, _finders(path)) for name, path in (fields or {}).items()]
    records = find_records(root, path)
    values: list[Mapping[str, str]] = []
    for element in records:
        record: dict[str, str] = {}
        _flatten("", element, record)
        for name, find in finders:
            _add_field(name, find, element, record)
        values.append(record)
    unread = _beside(records, " ".join((fields or {}).values()))
    lines = [int(element.sourceline or 0) for element in records]
    has_lines = len({*lines}) == len(lines)
    return Objects(
        values=values,
        row_numbers=lines if has_lines else list(range(1, len(records) + 1)),
        raw=lambda position: etree.tostring(records[position], encoding="unicode", with_tail=False),
        encoding=encoding_of(root),
        remarks=[f"elements beside its records were not read: {unread}"] if unread else [],
        unit="line" if has_lines else "record",
    )


def _beside(records: list[etree._Element], paths: str) -> str:
    """The elements with others in them that stand beside records, and that no path names: they may be records too."""
    taken = set(records)
    parents = dict.fromkeys(parent for record in records if (parent := record.getparent()) is not None)
    found = Counter(
        str(child.tag)
        for parent in parents
        for child in parent
        if len(child) and child not in taken and child.tag not in paths
    )
    return ", ".join(f"{tag} ({count:,})" for tag, count in found.items())


def _flatten(name: str, element: etree._Element, record: dict[str, str]) -> None:
    """Adds what an element holds under its name; the record itself has none."""
    for attribute, value in element.attrib.items():
        record[f"{name}@{attribute}"] = trimmed(value)
    own = trimmed(_own_text(element))
    if name and (own or not len(element)):
        record[name] = own
    counts: dict[str, int] = {}
    for child in element:
        tag = str(child.tag)
        counts[tag] = number = counts.get(tag, 0) + 1
        short = tag if number == 1 else f"{tag}.{number}"
        _flatten(f"{name}.{short}" if name else short, child, record)


def _own_text(element: etree._Element) -> str:
    """What an element says itself. Words that go on behind an element in them, or that are marked up as in a web page,
    are one text: ``Golf <b>GTI</b> red``; a value beside elements that say more of it is not."""
    behind = [child.tail or "" for child in element]
    goes_on = bool(trimmed(element.text or "")) and any(map(trimmed, behind))
    if not goes_on and not all(child.tag in _MARKUP for child in element):
        return "".join([element.text or "", *behind])
    pieces = [element.text or ""]
    for child in element:
        line_end = "\n" if child.tag in _LINES and (child.tag == "br" or "".join(pieces).strip()) else ""
        pieces += [line_end, "" if child.tag == "br" else _own_text(child), child.tail or ""]
    return "".join(pieces)


def _finders(path: str) -> Callable[[int], etree.XPath]:
    if "{n}" not in path:
        finder = etree.XPath(path, smart_strings=False)
        return lambda number: finder
    made: dict[int, etree.XPath] = {}

    def numbered(number: int) -> etree.XPath:
        if number not in made:
            made[number] = etree.XPath(path.replace("{n}", str(number)), smart_strings=False)
        return made[number]

    return numbered


def _add_field(name: str, find: Callable[[int], etree.XPath], element: etree._Element, record: dict[str, str]) -> None:
    if "{n}" not in name:
        found = _first(find(1)(element))
        if found is not None:
            record[name] = found
        return
    for number in range(1, MAX_REPEATED + 1):
        found = _first(find(number)(element))
        if found is None:
            return
        record[name.replace("{n}", str(number))] = found


def _first(found: Any) -> str | None:
    """The text of the first thing that an XPath found; None for nothing."""
    if isinstance(found, list):
        if not found:
            return None
        found = found[0]
    if isinstance(found, etree._Element):
        return trimmed("".join(found.itertext()))
    if isinstance(found, bool):
        return "true" if found else "false"
    return trimmed(f"{found:g}" if isinstance(found, float) else str(found))
