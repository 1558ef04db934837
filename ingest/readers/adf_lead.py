"""What a prospect says, as the columns of a lead: which vehicle is wanted, who asks, when, and through whom."""

from __future__ import annotations

import hashlib
import re

from lxml import etree

from ingest.readers.adf_dates import read_instant, read_mail_date

_INTERESTS = {
    "": "buy",
    "buy": "buy",
    "purchase": "buy",
    "lease": "buy",
    "testdrive": "test_drive",
    "sell": "trade_in",
    "trade": "trade_in",
    "tradein": "trade_in",
    "rent": "rental",
    "rental": "rental",
    "finance": "finance",
    "service": "service",
    "parts": "parts",
}
_NO_VALUE = {
    "null", "none", "n/a", "na", "-", "--", "unknown", "undefined", "not specified", "full line", "any", "tbd",
}  # fmt: skip
# These ids name a campaign or a medium, not the lead.
_NOT_THE_LEAD = {"leadsubprogram", "leadprogram", "mediatype", "leadtype", "campaign"}
_KEY_VALUE = re.compile(
    r"\b(year|make|model|trim|vin|stock)(?:\s*(?:number|no\.?|#))?[ \t]*:[ \t]*"
    r"([^\n\r<;|,:]{0,80}?)[ \t]*(?=[\n\r<;|,]|$|[ \t]\w+[ \t]*:)",
    re.IGNORECASE,
)
_JOB = re.compile(
    r"\b(?:job applications?|application for employment|curriculum vitae|position applied for|job title"
    r"|(?:apply|applying|application) for (?:the |a |an )?(?:\w+ ){0,3}(?:job|position|role|vacancy))\b"
)
_ASKED = r"(?:appointment|booking|request|enquiry|inquiry|order|department)"
_DEPARTMENTS = {
    "parts": re.compile(rf"\b(?:parts? {_ASKED}|part number|spare parts?|order (?:a |some )?parts?)\b"),
    "service": re.compile(
        rf"\b(?:(?:service|workshop|repair) {_ASKED}"
        r"|(?:book|schedule) (?:in for )?(?:a |my )?(?:service|repair))\b"
    ),
}
_LEAD_TYPES = {
    "other": re.compile(r"\b(?:jobs?|careers?|employment|recruitment|vacancy|vacancies)\b"),
    "parts": re.compile(r"\b(?:parts?|accessories)\b"),
    "service": re.compile(r"\b(?:service|servicing|workshop|repairs?)\b"),
    "rental": re.compile(r"\brentals?\b"),
    "finance": re.compile(r"\b(?:finance|financing|credit)\b"),
}


class Incomplete(Exception):
    """The prospect can be read but lacks what every lead must have; the text says what and what to do."""


def lead_values(prospect: etree._Element, sent_at: str | None) -> tuple[dict[str, str | None], list[str]]:
    """Return the columns of one lead as text, and what was dropped or chosen on the way.

    `prospect` has plain lower-case tags; `sent_at` is the Date header of the mail it came in, if any. An absent
    key means that the prospect does not carry the column. Raises Incomplete.
    """
    notes: list[str] = []
    values: dict[str, str | None] = {"channel": "portal", "quality": ""}
    if len(prospect.findall("customer")) > 1 or len(prospect.findall("requestdate")) > 1:
        raise Incomplete(
            "The prospect holds more than one customer or request date: the end of one lead and the start of the next "
            "may be missing; split it into one prospect for each lead."
        )
    customer = prospect.find("customer")
    dated = _received_at(prospect, sent_at, values, notes)
    values["lead_id"] = _lead_id(prospect)
    _put_provider(prospect, values)
    _put_vendor(prospect, values, notes)
    vehicle = _put_vehicles(prospect, values, notes)
    _put_customer(customer, values, notes)
    values["intent"] = _intent(prospect, values.pop("_interest", None), values)
    if values["intent"] is None:
        del values["intent"]
    present = [
        dated,
        *(bool(vehicle.get(part)) for part in ("year", "make", "model")),
        bool(values.get("customer_name")),
        bool(values.get("email") or values.get("phone")),
        bool(values.get("vendor_name")),
    ]
    values["adf_score"] = f"{sum(present) / len(present):.4f}"
    return values, notes


def _text(element: etree._Element | None) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _first_text(elements: list[etree._Element]) -> str:
    return next((text for text in map(_text, elements) if text), "")


def _received_at(
    prospect: etree._Element, sent_at: str | None, values: dict[str, str | None], notes: list[str]
) -> bool:
    written = _first_text(prospect.findall("requestdate"))
    if written:
        read = read_instant(written)
        if read is None:
            raise Incomplete(
                f"The request date {written[:60]!r} cannot be read as one certain date: write it as "
                "2026-01-31T14:05:00+00:00 and deliver the lead again."
            )
    else:
        read = read_mail_date(sent_at) if sent_at else None
        if read is None:
            raise Incomplete(
                "The lead has no request date and its file states no other date: fill <requestdate> and deliver "
                "the lead again."
            )
        notes.append("no request date: the date of the mail was taken")
    values["received_at"], note = read
    if note:
        notes.append(note)
    return bool(written)


def _lead_id(prospect: etree._Element) -> str:
    numbered: list[tuple[int, str]] = []
    for element in prospect.findall("id"):
        source = " ".join(element.get("source", "").split())
        text = _text(element)
        if not text or source.lower() in _NOT_THE_LEAD:
            continue
        sequence = element.get("sequence", "").strip()
        # Sequence 1 is the id of whoever took the lead in; later ones were added as it was passed on.
        order = int(sequence) if re.fullmatch(r"\d{1,6}", sequence) else 1
        numbered.append((order, f"{source}:{text}" if source else text))
    if numbered:
        return min(numbered, key=lambda pair: pair[0])[1]
    digest = hashlib.sha256()
    for event, element in etree.iterwalk(prospect, events=("start", "end")):
        if event == "start":
            # A message sent again is the same lead: its status does not count.
            kept = sorted(item for item in element.items() if not (element is prospect and item[0] == "status"))
            digest.update(repr((element.tag, kept, " ".join((element.text or "").split()))).encode("utf-8", "replace"))
        else:
            tail = "" if element is prospect else " ".join((element.tail or "").split())
            digest.update(repr(("/", tail)).encode("utf-8", "replace"))
    return "adf-" + digest.hexdigest()[:16]


def _put_provider(prospect: etree._Element, values: dict[str, str | None]) -> None:
    provider = prospect.find("provider")
    if provider is not None:
        if (names := provider.findall("name")) or provider.find("contact") is not None:
            values["provider"] = _name(names) or _name(provider.findall("contact/name"))
        if services := provider.findall("service"):
            values["service"] = _first_text(services)
    parts = [part for part in (values.get("provider"), values.get("service")) if part]
    if parts:
        values["source"] = " / ".join(parts)
    elif sources := prospect.findall("source"):
        values["source"] = _first_text(sources)
    elif provider is not None:
        values["source"] = ""


def _put_vendor(prospect: etree._Element, values: dict[str, str | None], notes: list[str]) -> None:
    vendor = prospect.find("vendor")
    ids = prospect.findall("vendorid")
    if vendor is not None:
        ids = [*vendor.findall("id"), *vendor.findall("vendorid"), *ids]
        values["vendor_name"] = _first_text(vendor.findall("vendorname")) or _name(vendor.findall("contact/name"))
    # Some senders repeat the id of the lead here, which would make every lead a rooftop of its own.
    own = {text for text in map(_text, prospect.findall("id")) if text}
    if any(_text(element) in own for element in ids):
        notes.append("the vendor's id repeats the lead's id and was dropped")
        ids = [element for element in ids if _text(element) not in own]
    if ids:
        values["vendor_id"] = _first_text(ids)
    if "vendor_id" in values or "vendor_name" in values:
        values["rooftop"] = values.get("vendor_id") or values.get("vendor_name") or ""


def _put_vehicles(prospect: etree._Element, values: dict[str, str | None], notes: list[str]) -> dict[str, str]:
    """Choose by interest, never by position; return the vehicle of interest, else the trade-in, for the score."""
    wanted: list[tuple[etree._Element, dict[str, str], str]] = []
    offered: list[tuple[etree._Element, dict[str, str]]] = []
    vehicles = prospect.findall("vehicle")
    for element in vehicles:
        parts = _vehicle(element, notes)
        if not any(parts.get(part) for part in ("year", "make", "model", "vin", "stock")):
            comments = _comments(element)
            if len(vehicles) == 1:
                customer = prospect.find("customer")
                comments += "\n" + _comments(prospect) + ("" if customer is None else "\n" + _comments(customer))
            found = _from_comments(comments)
            if found:
                parts |= found
                notes.append("the vehicle was read from the key: value lines of a comment")
        interest = re.sub(r"[\s_-]", "", element.get("interest", "").lower())
        if interest not in _INTERESTS:
            notes.append(f"the interest {element.get('interest', '')[:40]!r} is none that ADF knows")
        meaning = _INTERESTS.get(interest, "other")
        if meaning == "trade_in":
            offered.append((element, parts))
        else:
            wanted.append((element, parts, meaning))
    offered.sort(key=lambda pair: not any(pair[1].values()))
    wanted.sort(key=lambda entry: not any(entry[1].values()))
    if len(wanted) > 1 and any(wanted[1][1].values()):
        notes.append("more than one vehicle is asked for: the first was taken")
    if wanted:
        element, parts, meaning = wanted[0]
        values["_interest"] = meaning + ("" if element.get("interest") else "?")
        values["vehicle_text"] = _vehicle_text(parts)
        if "vin" in parts:
            values["vin"] = parts["vin"]
        if "stock" in parts:
            values["stock_number"] = parts["stock"]
        _put_budget(element, values, notes)
    elif offered:
        values["_interest"] = "trade_in"
    if offered:
        element, parts = offered[0]
        if wanted and _is_mirrored(element, parts, wanted[0][1]):
            notes.append("the trade-in repeats the vehicle of interest (mirrored trade) and was dropped")
        else:
            values["trade_text"] = _vehicle_text(parts)
            if "vin" in parts:
                values["trade_vin"] = parts["vin"]
    return wanted[0][1] if wanted else offered[0][1] if offered else {}


def _vehicle(element: etree._Element, notes: list[str]) -> dict[str, str]:
    parts: dict[str, str] = {}
    for name in ("year", "make", "model", "trim", "vin", "stock"):
        if found := element.findall(name):
            text = _first_text(found)
            if text.lower() in _NO_VALUE:
                notes.append(f"the vehicle's {name} {text!r} says nothing and was dropped")
                text = ""
            parts[name] = text
    return parts


def _vehicle_text(parts: dict[str, str]) -> str:
    return " ".join(filter(None, (parts.get(name) for name in ("year", "make", "model", "trim"))))


def _is_mirrored(element: etree._Element, trade: dict[str, str], wanted: dict[str, str]) -> bool:
    """A form that copies the wanted car into the trade-in gives it no year, VIN or mileage of its own."""
    if not wanted.get("model"):
        return False
    same = all(trade.get(name, "").lower() == wanted.get(name, "").lower() for name in ("make", "model"))
    own = any(trade.get(name) and trade[name].lower() != wanted.get(name, "").lower() for name in ("year", "vin"))
    return same and not own and not _first_text(element.findall("odometer"))


def _comments(element: etree._Element) -> str:
    found = [*element.findall("comments"), *element.findall("comment")]
    found += [*element.findall("contact/comments"), *element.findall("contact/comment")]
    return "\n".join("".join(comment.itertext()) for comment in found)


def _from_comments(comments: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for match in _KEY_VALUE.finditer(re.sub(r"<br\s*/?>", "\n", comments)):
        text = " ".join(match[2].split())
        if text and text.lower() not in _NO_VALUE:
            parts.setdefault(match[1].lower(), text)
    return parts


def _put_budget(vehicle: etree._Element, values: dict[str, str | None], notes: list[str]) -> None:
    for price in vehicle.findall("price"):
        if price.get("type", "").strip().lower() not in {"offer", "asking"}:
            continue
        if price.get("delta", "").strip().lower() not in {"", "absolute"}:
            continue
        written = _text(price)
        if not written:
            continue
        amount = _amount(written)
        if amount is None:
            notes.append(f"the price {written[:40]!r} cannot be read as an amount and was dropped")
        elif float(amount) > 0:
            values["budget"] = amount
            if currency := price.get("currency", "").strip().upper():
                values["currency"] = currency
            return


def _amount(text: str) -> str | None:
    """Read an amount whose decimal mark is certain; `12.500` and `12,5` are not."""
    bare = re.sub(r"^[^\d-]{0,4}|\s", "", text)
    if re.fullmatch(r"\d{1,15}(?:\.\d{1,2})?", bare):
        return bare
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?", bare):
        return bare.replace(",", "")
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d{1,2}", bare):
        return bare.replace(".", "").replace(",", ".")
    return None


def _name(names: list[etree._Element]) -> str:
    """Join first, middle, last and suffix; without them the full name."""
    parts: dict[str, str] = {}
    for name in names:
        pieces = [(child.tag, _text(child)) for child in name]
        own = name.get("part", "full").strip().lower() or "full"
        for part, text in pieces or [(own, _text(name))]:
            parts.setdefault("last" if part == "surname" else part, text) or parts.update({part: text})
    joined = " ".join(filter(None, (parts.get(part) for part in ("first", "middle", "last", "suffix"))))
    return joined or next(filter(None, [parts.get("full"), *parts.values()]), "")


def _put_customer(customer: etree._Element | None, values: dict[str, str | None], notes: list[str]) -> None:
    if customer is None:
        return
    contacts = customer.findall("contact")
    contacts.sort(key=lambda contact: (contact.get("primarycontact", "").strip() != "1", not _text(contact)))
    contact = contacts[0] if contacts else customer
    if names := contact.findall("name") or customer.findall("name"):
        values["customer_name"] = _name(names)
    emails = contact.findall("email") or customer.findall("email")
    if emails:
        texts = [re.sub(r"^mailto:\s*", "", _text(email), flags=re.IGNORECASE) for email in _preferred(emails)]
        usable = [text for text in texts if re.fullmatch(r"[^@\s]+@[^@\s]+", text)]
        if usable or not any(texts):
            values["email"] = usable[0] if usable else ""
        else:
            notes.append("the e-mail address is none and was dropped")
    phones = contact.findall("phone") or customer.findall("phone")
    if phones:
        callable_ones = [p for p in phones if p.get("type", "").strip().lower() not in {"fax", "pager"}]
        texts = [_text(phone) for phone in _preferred(callable_ones)]
        usable = [text for text in texts if len(re.sub(r"\D", "", text)) >= 5 and len(set(re.sub(r"\D", "", text))) > 1]
        if usable or not any(map(_text, phones)):
            values["phone"] = usable[0] if usable else ""
        else:
            notes.append("no phone number that can be called: what is given was dropped")


def _preferred(ways: list[etree._Element]) -> list[etree._Element]:
    return sorted(ways, key=lambda way: way.get("preferredcontact", "").strip() != "1")


def _intent(prospect: etree._Element, interest: str | None, values: dict[str, str | None]) -> str | None:
    """Read the intent from the interest, unless the content says that it is no enquiry for a car at all."""
    for element in [*prospect.findall("leadtype"), *prospect.findall("provider/leadtype")]:
        for meaning, words in _LEAD_TYPES.items():
            if words.search(_text(element).lower()):
                return meaning
    service = (values.get("service") or "").lower()
    if _JOB.search(service) or _LEAD_TYPES["other"].search(service):
        return "other"
    # A service is a product's name, often with "service" or "parts" in it: only the bare word or a phrase counts.
    for meaning, words in _DEPARTMENTS.items():
        if service == meaning or words.search(service):
            return meaning
    customer = prospect.find("customer")
    speakers = [prospect, *prospect.findall("vehicle"), *([] if customer is None else [customer])]
    said = " ".join("\n".join(map(_comments, speakers)).lower().split())
    if _JOB.search(said):
        return "other"
    # A vehicle that names its interest outweighs a department mentioned in passing.
    if interest is None or interest.endswith("?"):
        for meaning, words in _DEPARTMENTS.items():
            if words.search(said):
                return meaning
    return interest.rstrip("?") if interest else None
