"""The truth about deals: movements of gross, days from the first lead to the handover, claims and their units."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from ingest.sample.world import World, half_away

SALES_INTENTS = ("buy", "finance", "test_drive", "trade_in")
EPISODE_GAP = timedelta(days=60)
UNIT_TYPES = ("retail", "lease")
CLAIM_KINDS = ("warranty", "goodwill")
Row = dict[str, Any]
Key = tuple[str, str]  # rooftop and number


class Movement(NamedTuple):
    """One effect of a deal on a day, in cents; the parts are 0 where the deal's gross is not ``known``."""

    rooftop: str
    deal: str
    known: bool
    moved_on: date
    dated_on: date
    unit: int
    revenue: int
    front: int
    back: int


class Handover(NamedTuple):
    """One recognised unit; ``days`` since the first lead of its episode, None without a lead."""

    rooftop: str
    deal: str
    day: date
    days: int | None


class Claim(NamedTuple):
    """A claim of a kind that counts, with the deal delivered before it that it leads to, else None."""

    rooftop: str
    deal: str | None
    opened_on: date


@dataclass(slots=True)
class Episode:
    """A customer's interest: its first lead, the last sign of life, and the day on which it ended by a handover."""

    began: datetime
    last: datetime
    ended: date | None = None


class SalesFacts:
    """Movements, handovers and claims of the whole simulated period."""

    def __init__(self, world: World) -> None:
        self.home = {rooftop.code: rooftop.currency for rooftop in world.rooftops}
        self.vat = {rooftop.code: rooftop.vat_percent for rooftop in world.rooftops}
        tables = world.tables
        self.vehicles = {(row["rooftop"], row["stock_number"]): row for row in tables["dms_vehicles"].records()}
        self.costs: dict[Key, list[Row]] = defaultdict(list)
        for row in tables["dms_vehicle_costs"].records():
            if row["category"] != "pack":
                self.costs[row["rooftop"], row["stock_number"]].append(row)
        self.products: dict[Key, list[Row]] = defaultdict(list)
        for row in tables["dms_deal_products"].records():
            self.products[row["rooftop"], row["deal_number"]].append(row)
        deals = tables["dms_deals"].records()
        self.sold = [deal for deal in deals if deal["delivered_on"] and recognised(deal)]
        units = [deal for deal in self.sold if deal["deal_type"] in UNIT_TYPES]
        self.movements = [movement for deal in units for movement in self._movements(deal)]
        first_leads = self._first_leads(world, units)
        self.handovers = []
        for deal in units:
            began = first_leads.get((deal["rooftop"], deal["lead_id"] or ""))
            days = (deal["delivered_on"] - began.date()).days if began else None
            self.handovers.append(Handover(deal["rooftop"], deal["deal_number"], deal["delivered_on"], days))
        self.claims = self._claims(world)

    def base(self, row: Row, column: str) -> int:
        """An amount of a row in cents of its rooftop's currency, at the row's own rate."""
        foreign = row["currency"] and row["currency"] != self.home[row["rooftop"]]
        return half_away(row[column] * row["rate"], 1_000_000) if foreign else int(row[column])

    # gross ---------------------------------------------------------------------------------------------------

    def _movements(self, deal: Row) -> list[Movement]:
        rooftop, number, day = deal["rooftop"], deal["deal_number"], deal["delivered_on"]
        vehicle, until = self.vehicles[rooftop, deal["stock_number"]], deal["reversed_on"]
        lines = [
            (row["posted_on"], row["category"], self.base(row, "amount"))
            for row in self.costs[rooftop, deal["stock_number"]]
            if until is None or row["posted_on"] <= until
        ]
        sale = self._consignment(deal) if vehicle["use"] == "consignment" else self._sale(deal, vehicle, lines)
        known = sale is not None
        moved = [Movement(rooftop, number, known, day, day, 1, *(sale or (0, 0, 0)))]
        if vehicle["use"] != "consignment":
            for posted, _, amount in lines:
                if posted > day:
                    moved.append(Movement(rooftop, number, known, day, posted, 0, 0, -amount * known, 0))
        for product in self.products[rooftop, number]:
            back = product["chargeback_on"]
            if back and product["chargeback"] and (until is None or back <= until):
                moved.append(Movement(rooftop, number, known, back, back, 0, 0, 0, -product["chargeback"] * known))
        if until:
            moved.append(
                Movement(
                    rooftop, number, known, until, until, -1,
                    -sum(m.revenue for m in moved), -sum(m.front for m in moved), -sum(m.back for m in moved),
                )
            )  # fmt: skip
        return moved

    def _consignment(self, deal: Row) -> tuple[int, int, int] | None:
        """Revenue, front and back gross of a car sold for its owner."""
        return None if deal["commission"] is None else (deal["commission"], deal["commission"], 0)

    def _sale(self, deal: Row, vehicle: Row, lines: list[tuple[date, str, int]]) -> tuple[int, int, int] | None:
        """Revenue, front and back gross on the day of the sale, or None where a part of it is unknown."""
        bought = self.base(vehicle, "purchase_price") if vehicle["purchase_price"] is not None else None
        so_far = sum(amount for posted, _, amount in lines if posted <= deal["delivered_on"])
        if any(category == "purchase" for _, category, _ in lines):
            cost = so_far
        elif deal["vehicle_cost"] is not None:
            cost = deal["vehicle_cost"]
        elif bought is not None:
            cost = bought + so_far
        else:
            return None
        allowance, acv = deal["trade_allowance"], deal["trade_acv"]
        if (allowance is None) != (acv is None):
            return None
        over = allowance - acv if allowance is not None else 0
        price, vat = deal["sale_price"], 0
        if (deal["vat_scheme"] or vehicle["vat_scheme"] or "standard") == "margin":
            if bought is None:
                return None
            percent = self.vat[deal["rooftop"]]
            vat = half_away(max(0, price - bought) * percent, 100 + percent)
        revenue, profit = price - vat, {"front": 0, "back": 0}
        for product in self.products[deal["rooftop"], deal["deal_number"]]:
            if product["gross_side"] in profit:
                if product["cost"] is None:
                    return None
                profit[product["gross_side"]] += product["sale"] - product["cost"]
                revenue += product["sale"]
        return revenue, price - vat - cost - over + profit["front"], profit["back"]

    # episodes ------------------------------------------------------------------------------------------------

    def _first_leads(self, world: World, units: list[Row]) -> dict[Key, datetime]:
        """(rooftop, lead) -> the instant of the first lead of its episode, for the customers who bought."""
        buyers: set[Key] = set()
        lead_of_deal: dict[Key, list[date]] = defaultdict(list)
        for deal in units:
            if deal["lead_id"]:
                lead_of_deal[deal["rooftop"], deal["lead_id"]].append(deal["delivered_on"])
        leads: dict[Key, list[Row]] = defaultdict(list)
        for row in world.tables["crm_leads"].records():
            if row["intent"] in SALES_INTENTS and row["customer_id"]:
                leads[row["rooftop"], row["customer_id"]].append(row)
                if (row["rooftop"], row["lead_id"]) in lead_of_deal:
                    buyers.add((row["rooftop"], row["customer_id"]))
        contacts: dict[Key, list[datetime]] = defaultdict(list)
        for row in world.tables["crm_activities"].records():
            owner = (row["rooftop"], row["customer_id"])
            if owner in buyers and (
                row["direction"] == "in" or (row["channel"] == "call" and row["outcome"] == "connected")
            ):
                contacts[owner].append(row["occurred_at"])
        began: dict[Key, datetime] = {}
        for buyer in sorted(buyers):
            began |= episodes(leads[buyer], contacts[buyer], lead_of_deal)
        return began

    # claims --------------------------------------------------------------------------------------------------

    def _claims(self, world: World) -> list[Claim]:
        delivered = {(deal["rooftop"], deal["deal_number"]): deal["delivered_on"] for deal in self.sold}
        by_stock: dict[Key, list[Row]] = defaultdict(list)
        by_vin: dict[Key, list[Row]] = defaultdict(list)
        for deal in self.sold:
            by_stock[deal["rooftop"], deal["stock_number"]].append(deal)
            by_vin[deal["rooftop"], deal["vin"]].append(deal)
        claims = []
        for row in world.tables["dms_claims"].records():
            if row["kind"] not in CLAIM_KINDS:
                continue
            rooftop, opened = row["rooftop"], row["opened_at"].date()
            found: str | None = None
            if row["deal_number"]:
                day = delivered.get((rooftop, row["deal_number"]))
                found = row["deal_number"] if day and day <= opened else None
            elif row["stock_number"] or row["vin"]:
                sold = by_stock[rooftop, row["stock_number"]] if row["stock_number"] else by_vin[rooftop, row["vin"]]
                before = [deal for deal in sold if deal["delivered_on"] <= opened]
                found = max(before, key=lambda deal: deal["delivered_on"])["deal_number"] if before else None
            claims.append(Claim(rooftop, found, opened))
        return claims


def recognised(deal: Row) -> bool:
    """Whether the deal counts from its delivered_on, by the policy ``delivered``."""
    return deal["status"] in ("finalised", "delivered", "unwound") or (
        deal["status"] == "cancelled" and deal["reversed_on"] is not None
    )


def episodes(leads: list[Row], contacts: list[datetime], handovers: dict[Key, list[date]]) -> dict[Key, datetime]:
    """(rooftop, lead) -> first lead of its episode, for the sales leads of one customer in one rooftop."""
    signs: list[tuple[datetime, int, Row | None]] = [(row["received_at"], 0, row) for row in leads]
    signs += [(moment, 1, None) for moment in contacts]
    signs.sort(key=lambda sign: sign[:2])
    episode: Episode | None = None
    began: dict[Key, datetime] = {}
    for moment, _, lead in signs:
        if episode and ((episode.ended and moment.date() > episode.ended) or moment > episode.last + EPISODE_GAP):
            episode = None
        if lead is None:
            if episode:
                episode.last = moment
            continue
        if episode is None:
            episode = Episode(moment, moment)
        episode.last = moment
        key = (lead["rooftop"], lead["lead_id"])
        began[key] = episode.began
        for day in handovers.get(key, ()):
            episode.ended = max(episode.ended or day, day)
    return began
