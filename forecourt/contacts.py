"""Telephone numbers, e-mail addresses and VINs in one form, by the libraries that know them.

The models compare only what comes out of here, so one number written in three ways is one number, and what names
nobody (a forwarding address of a portal, a row of zeros) is left out with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from vininfo import Vin
from vininfo.exceptions import ValidationError

#: Domains, with all below them, whose addresses forward mail: a new one for every enquiry, or one for many people.
#: A buyer has no mailbox of his own at a portal, so every address under a portal's domain is one of those.
RELAY_DOMAINS = {
    "privaterelay.appleid.com": "Apple, Hide My Email",
    "mozmail.com": "Firefox Relay",
    "relay.firefox.com": "Firefox Relay",
    "duck.com": "DuckDuckGo Email Protection",
    "craigslist.org": "Craigslist",
    "members.ebay.com": "eBay",
    "facebookmail.com": "Facebook",
    "autoscout24.at": "AutoScout24",
    "autoscout24.be": "AutoScout24",
    "autoscout24.ch": "AutoScout24",
    "autoscout24.com": "AutoScout24",
    "autoscout24.de": "AutoScout24",
    "autoscout24.es": "AutoScout24",
    "autoscout24.fr": "AutoScout24",
    "autoscout24.it": "AutoScout24",
    "autoscout24.nl": "AutoScout24",
    "autotrader.ca": "AutoTrader.ca",
    "autotrader.co.uk": "Auto Trader",
    "autotrader.com": "Autotrader.com",
    "carfax.com": "Carfax",
    "cargurus.co.uk": "CarGurus",
    "cargurus.com": "CarGurus",
    "cars.com": "Cars.com",
    "carwow.co.uk": "carwow",
    "coches.net": "coches.net",
    "gumtree.com": "Gumtree",
    "kijiji.ca": "Kijiji",
    "kleinanzeigen.de": "Kleinanzeigen",
    "lacentrale.fr": "La Centrale",
    "leboncoin.fr": "leboncoin",
    "marktplaats.nl": "Marktplaats",
    "milanuncios.com": "Milanuncios",
    "mobile.de": "mobile.de",
    "motors.co.uk": "Motors.co.uk",
    "truecar.com": "TrueCar",
    "wallapop.com": "Wallapop",
    "willhaben.at": "willhaben",
}
#: What people type into a field that must not be empty.
PLACEHOLDER_NAMES = frozenset(
    (
        *("na", "nil", "none", "null", "nobody", "unknown", "test", "dummy", "fake", "xx", "xxx"),
        *("nomail", "noemail", "noemailaddress", "donotemail", "notgiven", "notprovided", "refused"),
        *("noreply", "donotreply"),
    )
)
SIMPLE_NAME = re.compile(r"[a-z0-9_]+(?:[.+\-][a-z0-9_]+)*")
FEWEST_DIGITS, MOST_DIGITS = 6, 17
#: Digits that run up or down, as typed by whoever has no number at hand.
RUNS = ("01234567890123456789", "98765432109876543210")

#: First letters of makers whose country prescribes the check digit: United States, Canada, Mexico and China.
CHECKED_COUNTRIES = frozenset("12345L") | {"7"}
VIN_STATUSES = ("valid_checked", "valid_unchecked", "check_failed", "malformed", "short_chassis", "missing")


def plain_phone(raw: str, country: str) -> tuple[str | None, str | None]:
    """(one form of the number, None), or (None, why it names nobody).

    The form is E.164 where the number is one of some country (``country`` where it names none); else its digits, to be
    compared as they stand.
    """
    digits = re.sub(r"\D", "", raw)
    if not FEWEST_DIGITS <= len(digits) <= MOST_DIGITS:
        return None, "too short for a number" if len(digits) < FEWEST_DIGITS else "too long for a number"
    try:
        number = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        number = None
    possible = phonenumbers.ValidationResult.IS_POSSIBLE
    if number is None or phonenumbers.is_possible_number_with_reason(number) != possible:
        return (None, "placeholder") if _is_placeholder(digits) else (digits, None)
    if _is_placeholder(str(number.national_number)):
        return None, "placeholder"
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}", None


def _is_placeholder(digits: str) -> bool:
    """One digit all through, or digits that run up or down; a leading digit of the dialling code aside."""
    bare = digits.lstrip("0")
    return any(len(set(part)) <= 1 or any(part in run for run in RUNS) for part in (digits, bare, bare[1:]))


def plain_email(raw: str, relays: Iterable[str] = ()) -> tuple[str | None, str | None]:
    """(the address in lower case, None), or (None, why it names nobody). ``relays``: further forwarding domains."""
    address = raw.strip().removeprefix("mailto:").casefold()
    name, _, domain = address.rpartition("@")
    if not (SIMPLE_NAME.fullmatch(name) and len(name) <= 64 and _is_domain(domain)):
        try:
            checked = validate_email(address, check_deliverability=False)
        except EmailNotValidError:
            return None, "not an e-mail address"
        name, domain = checked.local_part.casefold(), checked.domain
        address = f"{name}@{domain}"
    if set(domain) <= set("x0.-"):
        return None, "erased"
    parts = domain.split(".")
    above = {".".join(parts[start:]) for start in range(len(parts))}
    if above & (RELAY_DOMAINS.keys() | set(relays)):
        return None, "forwarding address"
    if re.sub(r"[._+\-]", "", name) in PLACEHOLDER_NAMES:
        return None, "placeholder"
    return address, None


@cache
def _is_domain(domain: str) -> bool:
    """Whether mail can be addressed to it as it is written; thousands of addresses share a domain."""
    try:
        return validate_email(f"somebody@{domain}", check_deliverability=False).domain == domain
    except EmailNotValidError:
        return False


def vin_status(vin: str | None) -> tuple[str, str | None]:
    """(status, suggestion) of a VIN as it is written.

    ``valid_checked``: the check digit is right where the maker's country prescribes one (North America, China);
    ``valid_unchecked``: well formed, of another country; ``check_failed``: the digit is wrong there;
    ``short_chassis``: a frame number of 5 to 16 characters, as of before 1981 or of Japanese imports; ``malformed``:
    anything else that is written, a placeholder among it; ``missing``. The suggestion has O and Q read as 0 and I as
    1, where that makes a valid VIN of a malformed one.
    """
    plain = re.sub(r"[\s\-]", "", vin or "").upper()
    if not plain:
        return "missing", None
    status = _status(plain)
    if status != "malformed":
        return status, None
    suggested = plain.translate(str.maketrans("OQI", "001"))
    return status, suggested if suggested != plain and _status(suggested).startswith("valid") else None


def _status(plain: str) -> str:
    if len(set(plain)) == 1 or plain.strip("0") == "" or any(plain in run for run in RUNS):
        return "malformed"
    if not re.fullmatch(r"[A-Z0-9]+", plain) or len(plain) > 17:
        return "malformed"
    if len(plain) < 17:
        return "short_chassis" if len(plain) >= 5 and re.search(r"\d", plain) else "malformed"
    try:
        known = Vin(plain)
    except ValidationError:
        return "malformed"
    if plain[0] not in CHECKED_COUNTRIES:
        return "valid_unchecked"
    return "valid_checked" if known.verify_checksum() else "check_failed"
