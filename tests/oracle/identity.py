"""Who is one customer: by METRICS.md section 6 and docs/decisions/0010-identity.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import phonenumbers

from tests.oracle.exports import Row
from tests.oracle.records import World

Number = tuple[str | None, str]
#: More customers than this share a phone or e-mail that names nobody.
SHARED_BY = 5


def contacts_of(row: Row, region: str = "GB") -> set[str]:
    """The phone and e-mail of a record as they are compared; without what names nobody."""
    phone, email = normal_phone(row.get("phone"), region), (row.get("email") or "").strip().lower()
    usable = [phone] if phone else []
    if "@" in email and not email.startswith("noemail@"):
        usable.append(email)
    return set(usable)


def normal_phone(text: str | None, region: str = "GB") -> str:
    """E.164 where the number can be one, else its digits; empty where it names nobody."""
    signs = "".join(sign for sign in text or "" if sign.isdigit())
    if len(signs) < 6 or len(set(signs)) == 1 or signs in "01234567890123456789":
        return ""
    try:
        parsed = phonenumbers.parse(text or "", region)
    except phonenumbers.NumberParseException:
        return signs
    if not phonenumbers.is_valid_number(parsed):
        return signs
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


class Identity:
    """The customers of the CRM, and leads that name none, as parties."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._above: dict[Any, Any] = {}
        records = {(row.get("rooftop"), row["customer_id"]): row for row in world.rows("crm_customers")}
        self._records = records
        contacts: dict[Any, set[str]] = defaultdict(set)
        for number, row in records.items():
            if row.get("merged_into"):
                self._join(number, self._number(number[0], row["merged_into"]))
            contacts[number] |= contacts_of(row)
        unnamed = []
        for row in world.rows("crm_leads"):
            if row.get("customer_id"):
                contacts[self._number(row["rooftop"], row["customer_id"])] |= contacts_of(row)
            else:
                unnamed.append((("lead", row["rooftop"], row["lead_id"]), row["rooftop"], contacts_of(row)))
        self._of_contact: dict[tuple[str | None, str], Any] = {}
        self._match(contacts)
        for party, rooftop, said in unnamed:
            self._take(party, rooftop, said)

    def _match(self, contacts: dict[Any, set[str]]) -> None:
        wanted = self._world.settings.policies.get("identity.match", ["email", "phone"])
        shared: dict[tuple[str | None, str], set[Any]] = defaultdict(set)
        for number, said in contacts.items():
            for contact in said:
                if ("email" if "@" in contact else "phone") in wanted:
                    shared[number[0], contact].add(number)
        for place, numbers in shared.items():
            if len(numbers) <= SHARED_BY:
                first = min(numbers, key=str)
                self._of_contact[place] = first
                for number in numbers:
                    self._join(number, first)

    def _take(self, party: Any, rooftop: str, said: Iterable[str]) -> None:
        """A record without a number is the customer whose contact it gives, else a party of that contact."""
        for contact in sorted(said):
            known = self._of_contact.get((rooftop, contact)) or self._of_contact.get((None, contact))
            if known is None:
                self._of_contact[rooftop, contact] = party
            else:
                self._join(party, known)

    def _number(self, rooftop: str | None, customer: str) -> Number:
        own = (rooftop, customer)
        return (None, customer) if own not in self._records and (None, customer) in self._records else own

    def _root(self, node: Any) -> Any:
        while self._above.get(node, node) != node:
            node = self._above[node]
        return node

    def _join(self, one: Any, other: Any) -> None:
        one, other = self._root(one), self._root(other)
        if one != other:
            self._above[one] = other

    def party(self, rooftop: str, customer: str | None) -> str | None:
        """The party of a customer number of the CRM."""
        return str(self._root(self._number(rooftop, customer))) if customer else None

    def party_of_lead(self, rooftop: str, number: str, contacts: set[str]) -> str | None:
        """The party of a lead that names no customer; None where it gives no contact."""
        self._take(("lead", rooftop, number), rooftop, contacts)
        return str(self._root(("lead", rooftop, number))) if contacts else None

    def record(self, rooftop: str, customer: str | None) -> Row:
        """What the CRM has on a customer number."""
        return self._records.get(self._number(rooftop, customer), {}) if customer else {}
