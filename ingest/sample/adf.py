"""Portal messages: ADF 1.0 files for the newest portal enquiries, most of them known to the CRM, some not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from ingest.sample.files import Written
from ingest.sample.leads import Enquiry, Leads
from ingest.sample.world import Rooftop, World, at, one_of, spread, with_offset

MESSAGES = 40  # a rooftop at scale 1
INTEREST = {"buy": "buy", "trade_in": "trade-in", "finance": "buy", "test_drive": "test-drive"}


def write_portal_leads(world: World, directory: Path, crm: list[Leads]) -> list[Written]:
    """One batch file for each rooftop and a single message in a file of its own."""
    written = []
    for leads in crm:
        messages = _messages(world, leads)
        code = leads.rooftop.code
        for name, part in (
            (f"portal_leads_{code}_{world.end}.xml", messages[1:]),
            (f"portal_leads_{code}_{world.end - timedelta(days=1)}.xml", messages[:1]),
        ):
            text = f'<?xml version="1.0" encoding="UTF-8"?>\n<?adf version="1.0"?>\n<adf>\n{"".join(part)}</adf>\n'
            (directory / name).write_bytes(text.encode())
            written.append(Written(name, len(part), 0))
    return written


def _messages(world: World, leads: Leads) -> list[str]:
    chance, rooftop = world.chance("portal", leads.rooftop.code), leads.rooftop
    count = max(4, round(MESSAGES * world.scale))
    recent = [lead for lead in leads.portal if lead.intent in INTEREST][-count:]
    messages = [_prospect(rooftop, lead, f"{lead.lead_id}") for lead in recent if chance.random() < 0.9]
    for number in range(max(2, count // 8)):  # messages that nobody entered into the CRM
        day = world.end - timedelta(days=1 + int(chance.random() * 25))
        lead = Enquiry(
            lead_id=f"M{number + 1:05d}",
            received=at(day, spread(chance, (420, 700, 1000, 1300))),
            channel="portal",
            source=one_of(chance, ("AutoMarkt", "CarSquare")),
            intent="buy",
            customer=None,
            contact=leads.people.stranger(),
            car=None,
            vehicle_text="",
            owner="",
            wants="open",
        )
        messages.append(_prospect(rooftop, lead, lead.lead_id))
    return messages


def _prospect(rooftop: Rooftop, lead: Enquiry, number: str) -> str:
    make, model, year = (lead.vehicle_text or "Kia Ceed 2022").rsplit(" ", 2)
    name, mail, phone = map(escape, lead.contact)
    identity = f"\n   <vin>{lead.car.vin}</vin>\n   <stock>{lead.car.stock_number}</stock>" if lead.car else ""
    return f""" <prospect>
  <id sequence="1" source="{escape(lead.source)}">{number}</id>
  <requestdate>{with_offset(lead.received, rooftop.time_zone)}</requestdate>
  <vehicle interest="{INTEREST[lead.intent]}" status="used">
   <year>{year}</year>
   <make>{escape(make)}</make>
   <model>{escape(model)}</model>{identity}
  </vehicle>
  <customer>
   <contact>
    <name part="full">{name}</name>
    <email>{mail}</email>
    <phone type="voice">{phone}</phone>
   </contact>
  </customer>
  <vendor>
   <id source="{rooftop.code}">{rooftop.code}</id>
   <vendorname>{escape(rooftop.name)}</vendorname>
   <contact><name part="full">{escape(rooftop.name)}</name><phone>+999 00 0000000</phone></contact>
  </vendor>
  <provider>
   <name>{escape(lead.source)}</name>
   <service>listings</service>
  </provider>
 </prospect>
"""
