"""The repair ladder: text of one prospect to an element tree, each repair named, nothing guessed.

Strict XML comes first. Only what it refuses goes through the repairs, and only repairs that keep every
character of every value are made; what still is no XML is refused with the reason. lxml's own recovery is not
used: it drops text.
"""

from __future__ import annotations

import re
from html.entities import html5

from lxml import etree

# One lead is a few kB; the bound keeps a hostile one from costing minutes.
MAX_PROSPECT = 1_000_000

_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)
_NAME = r"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?"
_TAG = re.compile(rf"<(/?)({_NAME})(?=[\s/>])((?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*)>")
_LOOSE_TAG = re.compile(rf"<(/?)({_NAME})(?=[\s/>])([^<>]*)>")
_ATTRIBUTE = re.compile(
    rf"\s*({_NAME})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|[“”„″]([^“”„″\"]*)[“”″]|[‘’]([^‘’']*)[‘’]|([^\s\"'“”„‘’<>=]*[^\s\"'“”„‘’<>=/]))"
)
_NOT_A_TAG = re.compile(r"<(?=[\s\d=]|https?://[^<>\s]*>|www\.[^<>\s]*>|mailto:[^<>\s]*>|[^<>\s@/]+@[^<>\s]+>)")
_AMPERSAND = re.compile(r"&(?:(#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6})|[A-Za-z][A-Za-z0-9]{1,31});)?")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EDGE = "".join(map(chr, range(0x21))) + "\ufffe\uffff"
_OWN_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}


class Unreadable(Exception):
    """No tree can be made of the text: `reason` says why, `line` is the line in the text, counted from 1."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def parse(xml: str) -> tuple[etree._Element, list[str]]:
    """Return the tree of one prospect, tags in lower case and without namespace, and the repairs that were needed.

    Elements of a foreign namespace keep a dot in their tag (`{urn:x}name` becomes `x.name`), so that no ADF name
    matches them. Raises Unreadable.
    """
    if len(xml) > MAX_PROSPECT:
        raise Unreadable("it is longer than a million characters")
    repairs: list[str] = []
    try:
        root = etree.fromstring(xml.encode("utf-8", "surrogatepass"), _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        mended = _Mending(xml)
        try:
            root = etree.fromstring(mended.text.encode("utf-8", "surrogatepass"), _PARSER)
        except etree.XMLSyntaxError as error:
            line = error.lineno or 1
            raise Unreadable(re.sub(r", line \d+, column \d+.*", "", str(error.msg)), line) from None
        repairs = mended.repairs
    if _make_plain(root):
        repairs.append("capital letters or namespace prefixes in tags were dropped")
    return root, list(dict.fromkeys(repairs))


def _make_plain(root: etree._Element) -> bool:
    """Put all names in lower case and drop the prospect's namespace; tell whether a name had to change."""
    changed = root.prefix is not None
    own = etree.QName(root).namespace
    for element in root.iter(etree.Element):
        tag = element.tag
        if tag[0] == "{":
            name = etree.QName(tag)
            local = name.localname if name.namespace == own else "x." + name.localname
        else:
            local = tag
        lower = local.lower()
        changed = changed or lower != local
        if lower != tag:
            element.tag = lower
        for key in list(element.attrib):
            if key != key.lower():
                changed = True
                element.set(key.lower(), element.attrib.pop(key))
    return changed


class _Mending:
    """One pass over the text that rewrites what XML forbids and keeps a list of what it did."""

    def __init__(self, xml: str) -> None:
        self.repairs: list[str] = []
        self._xml = xml
        first = _TAG.match(xml) or _LOOSE_TAG.match(xml)
        self._prefix = first[2].rpartition(":")[0].lower() if first else ""
        if self._prefix:
            self.repairs.append("capital letters or namespace prefixes in tags were dropped")
        self.text = "".join(self._pieces())

    def _pieces(self) -> list[str]:
        xml = self._xml
        pieces: list[str] = []
        at = 0
        while at < len(xml):
            if xml[at] != "<":
                end = xml.find("<", at)
                end = len(xml) if end < 0 else end
                pieces.append(self._text(xml[at:end], at))
                at = end
                continue
            for opening, closing, rewrite in (
                ("<!--", "-->", self._comment),
                ("<![CDATA[", "]]>", self._cdata),
                ("<?", "?>", self._instruction),
            ):
                if xml.startswith(opening, at):
                    end = xml.find(closing, at + len(opening))
                    if end < 0:
                        raise Unreadable(f"{opening} is never closed by {closing}", self._line(at))
                    pieces.append(rewrite(xml[at : end + len(closing)], at))
                    at = end + len(closing)
                    break
            else:
                tag = _TAG.match(xml, at) or _LOOSE_TAG.match(xml, at)
                if tag:
                    pieces.append(self._tag(tag))
                    at = tag.end()
                else:
                    if _NOT_A_TAG.match(xml, at):
                        self.repairs.append("a < that opens no tag was escaped")
                        pieces.append("&lt;")
                    else:
                        pieces.append("<")
                    at += 1
        return pieces

    def _line(self, at: int) -> int:
        return self._xml.count("\n", 0, at) + 1

    def _text(self, text: str, at: int) -> str:
        text = self._entities(text)
        if "]]>" in text:
            self.repairs.append("]]> in text was escaped")
            text = text.replace("]]>", "]]&gt;")
        return self._legal(text, at)

    def _cdata(self, section: str, at: int) -> str:
        return "<![CDATA[" + self._legal(section[9:-3], at) + "]]>"

    def _comment(self, comment: str, at: int) -> str:
        if "--" in comment[4:-3] or _ILLEGAL.search(comment) or comment[4:-3].endswith("-"):
            self.repairs.append("a comment that XML forbids was passed over")
        return "\n" * comment.count("\n")

    def _instruction(self, instruction: str, at: int) -> str:
        self.repairs.append("a processing instruction was passed over")
        return "\n" * instruction.count("\n")

    def _legal(self, text: str, at: int) -> str:
        if not _ILLEGAL.search(text):
            return text
        # At the edge of a value a control character is padding; inside it stands for a letter nobody can know.
        if _ILLEGAL.search(text.strip(_EDGE)):
            raise Unreadable("a control character stands inside a value", self._line(at))
        self.repairs.append("control characters around a value were dropped")
        return _ILLEGAL.sub("", text)

    def _entities(self, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name is None:
                self.repairs.append("a stray ampersand was escaped")
                return "&amp;"
            if name in _OWN_ENTITIES:
                return match[0]
            if name[0] == "#":
                number = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
                if number < 0x110000 and not _ILLEGAL.match(chr(number)):
                    return f"&#{number};"
                return chr(number) if number < 0x110000 else "&amp;" + match[0][1:]
            character = html5.get(name + ";")
            if character is None:
                self.repairs.append("a stray ampersand was escaped")
                return "&amp;" + match[0][1:]
            self.repairs.append(f"the undeclared entity &{name}; was read as its character")
            return "".join(f"&#{ord(letter)};" for letter in character)

        return _AMPERSAND.sub(replace, text)

    def _tag(self, tag: re.Match[str]) -> str:
        slash, name, rest = tag.groups()
        plain = self._plain_name(name)
        closing = "/" if rest.rstrip().endswith("/") else ""
        attributes = rest.rstrip()[:-1] if closing else rest
        attributes = re.sub(r"\brelative\s+to\s*=", "relativeto=", attributes, flags=re.IGNORECASE)
        parts: list[str] = []
        at = 0
        for match in _ATTRIBUTE.finditer(attributes):
            if match.start() != at:
                break
            at = match.end()
            key = match[1]
            quoted = match[2] if match[2] is not None else match[3]
            if quoted is None:
                quoted = next(group for group in match.groups()[3:] if group is not None)
                self.repairs.append("attributes with curly or without quotes were put in straight quotes")
            if key.lower().startswith("xmlns"):
                continue
            value = self._entities(quoted).replace('"', "&quot;").replace("<", "&lt;")
            parts.append(f' {self._plain_name(key)}="{value}"')
        if attributes[at:].strip():
            # Not understood: left as it is, so that the parser names the place.
            return tag[0]
        newlines = "\n" * max(0, tag[0].count("\n") - "".join(parts).count("\n"))
        return f"<{slash}{plain}{''.join(parts)}{newlines}{closing}>"

    def _plain_name(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        lower = local.lower()
        if lower != local:
            self.repairs.append("capital letters or namespace prefixes in tags were dropped")
        return f"x.{lower}" if prefix and prefix.lower() != self._prefix else lower
