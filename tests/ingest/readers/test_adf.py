from __future__ import annotations

import base64
import html
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.readers.adf import AdfFile, looks_like_adf, read_adf
from ingest.readers.adf_dates import read_instant
from tests.ingest.readers.adf_samples import SPEC_MINIMAL, adf, mail, prospect

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def read(text: str | bytes) -> AdfFile:
    return read_adf(text.encode() if isinstance(text, str) else text)


def only(text: str | bytes) -> dict[str, str | None]:
    found = read(text)
    assert [bad.reason for bad in found.bad] == []
    assert len(found.rows) == 1
    return found.rows[0].values


def repaired(text: str | bytes, words: str) -> bool:
    return any(words in repair for repair in read(text).repairs)


def test_a_good_lead_gives_every_column() -> None:
    vehicle = (
        '<vehicle interest="buy" status="used"><year>2021</year><make>Ford</make><model>Focus</model><trim>ST</trim>'
        '<vin>WF0XXXGCDX1234567</vin><stock>S-77</stock><price type="asking" currency="gbp">12,500.00</price>'
        '<option><optionname>Towbar</optionname><price type="asking">300</price></option></vehicle>'
        '<vehicle interest="trade-in"><year>2015</year><make>Opel</make><model>Corsa</model><vin>W0L1</vin></vehicle>'
    )
    text = adf(prospect(7, vehicle=vehicle, comments="<comments>Born 1980-01-01, earns 5500</comments>"))
    found = read(text)
    assert found.rows[0].values == {
        "lead_id": "One:7",
        "received_at": "2026-01-19T16:40:00+00:00",
        "rooftop": "R1",
        "vendor_id": "R1",
        "vendor_name": "North",
        "provider": "Portal One",
        "service": "Search",
        "source": "Portal One / Search",
        "channel": "portal",
        "intent": "buy",
        "quality": "",
        "customer_name": "Ann Example",
        "email": "ann@example.com",
        "phone": "01632 960001",
        "vin": "WF0XXXGCDX1234567",
        "stock_number": "S-77",
        "vehicle_text": "2021 Ford Focus ST",
        "budget": "12500.00",
        "currency": "GBP",
        "trade_vin": "W0L1",
        "trade_text": "2015 Opel Corsa",
        "adf_score": "1.0000",
    }
    assert found.rows[0].row_number == 3
    assert found.rows[0].raw == text.splitlines()[2]
    assert found.repairs == []
    assert found.encoding == "utf-8"


# The fixtures of the catalogue, by their numbers.


def test_01_the_minimal_lead_of_the_specification_is_read_though_it_is_no_xml() -> None:
    values = only(SPEC_MINIMAL)
    assert values["received_at"] == "2000-03-30T15:30:20-08:00"
    assert values["vehicle_text"] == "1999 Talbot Horizon"
    assert values["customer_name"] == "Ann Example"
    assert values["rooftop"] == "North Motors"
    assert values["adf_score"] == "1.0000"
    assert re.fullmatch(r"adf-[0-9a-f]{16}", values["lead_id"] or "")
    assert repaired(SPEC_MINIMAL, "prologue")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (("<make>Ford</make>", "<make>Ford</model>"), "line 4"),
        (("</prospect>", ""), "no end tag"),
        (("<prospect ", "<prospekt "), "start tag is missing"),
        (("16:40", "26:40"), "request date"),
        (("Ann", "An\x01n"), "control character"),
        (("<requestdate>2026-01-19T16:40:00+00:00</requestdate>", ""), "no request date"),
    ],
)
def test_02_a_broken_prospect_takes_no_other_with_it(damage: tuple[str, str], says: str) -> None:
    broken = prospect(2).replace(*damage)
    found = read(adf(prospect(1), broken, prospect(3)))
    assert [row.values["lead_id"] for row in found.rows] == ["One:1", "One:3"]
    assert [row.row_number for row in found.rows] == [3, 5]
    assert len(found.bad) == 1
    assert says in found.bad[0].reason
    assert found.bad[0].raw.strip() == broken


def test_03_the_wanted_vehicle_is_chosen_by_interest_and_the_trade_in_linked() -> None:
    trade = (
        "<vehicle interest='trade-in'><year>2015</year><make>Opel</make><model>Corsa</model><vin>W0L1</vin></vehicle>"
    )
    buy = "<vehicle interest='test-drive'><year>2024</year><make>Kia</make><model>Ceed</model></vehicle>"
    values = only(adf(prospect(vehicle=trade + buy)))
    assert (values["vehicle_text"], values["trade_text"], values["trade_vin"]) == (
        "2024 Kia Ceed",
        "2015 Opel Corsa",
        "W0L1",
    )
    assert values["intent"] == "test_drive"
    assert "vin" not in values


@pytest.mark.parametrize("interest", ["sell", "trade-in"])
def test_04_a_vehicle_only_offered_is_no_vehicle_of_interest(interest: str) -> None:
    offered = "<year>2015</year><make>Opel</make><model>Corsa</model><vin>W0L1</vin>"
    values = only(adf(prospect(vehicle=f"<vehicle interest='{interest}'>{offered}</vehicle>")))
    assert values["intent"] == "trade_in"
    assert values["trade_text"] == "2015 Opel Corsa"
    assert not {"vehicle_text", "vin", "stock_number"} & values.keys()


def test_05_a_mirrored_trade_is_dropped_and_noted() -> None:
    wanted = "<vehicle interest='buy'><year>2021</year><make>Ford</make><model>Focus</model></vehicle>"
    mirrored = "<vehicle interest='trade-in'><make>FORD</make><model>Focus</model><odometer/></vehicle>"
    assert not {"trade_text", "trade_vin"} & only(adf(prospect(vehicle=wanted + mirrored))).keys()
    assert repaired(adf(prospect(vehicle=wanted + mirrored)), "mirrored")
    own = mirrored.replace("<odometer/>", "<odometer units='km'>90000</odometer>")
    assert only(adf(prospect(vehicle=wanted + own)))["trade_text"] == "FORD Focus"


@pytest.mark.parametrize("number", [5, None])
def test_06_a_resend_is_a_second_message_of_the_same_lead(number: int | None) -> None:
    found = read(adf(prospect(number), prospect(number, status="resend")))
    assert len(found.rows) == 2
    assert found.rows[0].values["lead_id"] == found.rows[1].values["lead_id"]
    other = read(adf(prospect(number and 6, name="<name>Bob Other</name>")))
    assert other.rows[0].values["lead_id"] != found.rows[0].values["lead_id"]


@pytest.mark.parametrize("times", [1, 2])
def test_07_a_lead_escaped_inside_a_comment_of_a_mail_is_found(times: int) -> None:
    escaped = adf(prospect(name="<name>Ann &amp; Bob</name>"), prospect(2))
    for _ in range(times):
        escaped = html.escape(escaped).replace("\n", "<br>\n")
    text = mail(f"<html><body><p>Hello</p><!--Body :{escaped}--></body></html>", {"Content-Type": "text/html"})
    found = read(text)
    assert found.bad == []
    assert [row.values["customer_name"] for row in found.rows] == ["Ann & Bob", "Ann Example"]
    assert [row.row_number for row in found.rows] == [9, 10]
    assert found.rows[1].raw in text.splitlines()[9]


def test_08_a_vehicle_only_in_the_comments_is_read_from_its_keys() -> None:
    vehicle = (
        '<vehicle interest="sell" status=""><year/><make/><model/><comments><![CDATA['
        "Year: 2008 <br /> Make: Talbot <br />Model: Horizon <br /> Mileage: 13200 <br /> Price: $600 - $1600"
        "]]></comments></vehicle>"
    )
    values = only(adf(prospect(vehicle=vehicle)))
    assert values["trade_text"] == "2008 Talbot Horizon"
    assert values["intent"] == "trade_in"
    assert "budget" not in values


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("20260119T164000-0600", "2026-01-19T16:40:00-06:00"),
        ("20260119T164000-06:00", "2026-01-19T16:40:00-06:00"),
        ("2026-01-19T16:40:00-0600", "2026-01-19T16:40:00-06:00"),
        ("2026-01-19T16:40:00-06:00", "2026-01-19T16:40:00-06:00"),
        ("2026-01-19T16:40:00Z", "2026-01-19T16:40:00+00:00"),
        ("2000-03-30T15:30:20-08:0", "2000-03-30T15:30:20"),
        ("2026-01-19T16:40:00 EST", "2026-01-19T16:40:00"),
        ("2025-09-22T18:07", "2025-09-22T18:07:00"),
        ("2025-09-22T18:07:42.3770000Z", "2025-09-22T18:07:42.377000+00:00"),
        ("2008-06-25T8:47:50", "2008-06-25T08:47:50"),
        ("2026-01-19 16:40:00 -0600", "2026-01-19T16:40:00-06:00"),
        ("1/9/2026 4:05:06 PM", "2026-01-09T16:05:06"),
        ("12/31/2026 12:05:06 AM", "2026-12-31T00:05:06"),
        ("29/6/2026 14:05", "2026-06-29T14:05:00"),
        ("Mon, 19 Jan 2026 16:40:00 -0600", "2026-01-19T16:40:00-06:00"),
        ("2026-01-19", "2026-01-19"),
    ],
)
def test_09_every_spelling_of_the_request_date(written: str, expected: str) -> None:
    assert only(adf(prospect(date=f"<requestdate>\n {written} </requestdate>")))["received_at"] == expected


@pytest.mark.parametrize(
    "written",
    [
        "not-a-date",
        "3/4/2026 10:00",
        "2026-02-30T10:00:00",
        "2026-01-19T25:00:00",
        "1/9/2026 14:05 PM",
        "2026-01-19T10:00:00 or so",
    ],
)
def test_09_a_date_that_is_not_certain_is_refused_with_its_text(written: str) -> None:
    assert read_instant(written) is None
    bad = read(adf(prospect(date=f"<requestdate>{written}</requestdate>"))).bad
    assert len(bad) == 1
    assert written in bad[0].reason


def test_09_a_dropped_zone_is_recorded() -> None:
    assert repaired(adf(prospect(date="<requestdate>2000-03-30T15:30:20-08:0</requestdate>")), "'-08:0'")


def test_10_a_windows_byte_under_a_utf8_declaration() -> None:
    text = adf(prospect(name="<name>Zoë O\N{RIGHT SINGLE QUOTATION MARK}Example</name>"))
    found = read_adf(text.encode("cp1252"))
    assert found.rows[0].values["customer_name"] == "Zoë O\N{RIGHT SINGLE QUOTATION MARK}Example"
    assert found.encoding == "windows-1252"
    assert any("UTF-8" in repair for repair in found.repairs)
    mixed = adf(prospect(name="<name>Zoë</name>")).encode() + prospect(2, name="<name>Zoë</name>").encode("cp1252")
    both = read_adf(mixed)
    assert [row.values["customer_name"] for row in both.rows] == ["Zoë", "Zoë"]
    assert both.encoding == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-15", "windows-1252"])
def test_10_declared_encodings_are_kept(encoding: str) -> None:
    text = adf(prospect(name="<name>Zoë €</name>")).replace("UTF-8", encoding)
    found = read_adf(text.encode(encoding))
    assert found.rows[0].values["customer_name"] == "Zoë €"
    assert found.repairs == []
    assert looks_like_adf(text.encode(encoding))


@pytest.mark.parametrize(
    ("price", "budget"),
    [
        ('<price type="offer" delta="percentage" relativeto="invoice" currency="USD">2</price>', None),
        ('<price type="offer" delta="relative" relativeto="msrp">-500</price>', None),
        ('<price type="offer" delta="absolute" currency="USD">9000</price>', "9000"),
        ('<price type="asking">0.00</price>', None),
        ('<price type="quote">9000</price>', None),
        ("<price>9000</price>", None),
        ('<price type="msrp">9000</price><price type="asking">$8,000</price>', "8000"),
        ('<price type="asking">12.500,00</price>', "12500.00"),
        ('<price type="asking">12.500</price>', None),
        ('<finance><method>finance</method><balance type="finance">7000</balance></finance>', None),
    ],
)
def test_11_only_an_absolute_offer_is_a_budget(price: str, budget: str | None) -> None:
    vehicle = f"<vehicle interest='buy'><year>2021</year><make>Ford</make><model>Focus</model>{price}</vehicle>"
    assert only(adf(prospect(vehicle=vehicle))).get("budget") == budget


@pytest.mark.parametrize("declared", [' xmlns:ns="urn:adf"', ""])
def test_12_prefixes_and_capital_tags(declared: str) -> None:
    text = re.sub(r"<(/?)(\w+)", lambda tag: f"<{tag[1]}ns:{tag[2].title()}", prospect(8)).replace("part=", "Part=")
    found = read(f"<ns:ADF{declared}>{text}</ns:ADF>")
    assert found.rows[0].values == only(adf(prospect(8)))
    assert any("capital letters" in repair for repair in found.repairs)


def test_12_elements_of_another_namespace_are_not_adf() -> None:
    foreign = '<p:name xmlns:p="urn:x" part="full">Not Me</p:name><p:email xmlns:p="urn:x">no@example.com</p:email>'
    values = only(adf(prospect(name=foreign + "<name>Ann Example</name>", ways="")))
    assert values["customer_name"] == "Ann Example"
    assert "email" not in values


@pytest.fixture
def touched() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/x.dtd", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_13_entities_and_external_dtds_are_refused_as_a_whole(tmp_path: Path, touched: tuple[str, list[str]]) -> None:
    url, asked = touched
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret of the house")
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 30))
    for doctype in (
        f'<!DOCTYPE adf [<!ENTITY l0 "ha">{lol}]>',
        f'<!DOCTYPE adf [<!ENTITY x SYSTEM "{secret.as_uri()}">]>',
        f'<!DOCTYPE adf [<!ENTITY % x SYSTEM "{url}">%x;]>',
        f'<!DOCTYPE adf SYSTEM "{url}">',
        f'<!doctype adf PUBLIC "-//X//Y" "{url}">',
        f'<!DOCTYPE\nhtml [<!ENTITY x SYSTEM "{url}">]>',
    ):
        body = prospect(name="<name>&l29;&x;</name>")
        for data in (
            f"<?xml version='1.0'?>{doctype}<adf>{body}</adf>".encode(),
            f"<?xml version='1.0'?>{doctype}<adf>{body}</adf>".encode("utf-16"),
            mail(html.escape(f"{doctype}<adf>{body}</adf>")).encode(),
        ):
            found = read_adf(data)
            assert found.rows == []
            assert len(found.bad) == 1
            assert "refused" in found.bad[0].reason
    assert asked == []


def test_13_the_doctype_of_an_html_mail_is_no_attack() -> None:
    doctype = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://www.w3.org/TR/xhtml1.dtd">'
    assert only(mail(f"{doctype}<html><body>{html.escape(adf(prospect()))}</body></html>"))["lead_id"] == "One:1"


@pytest.mark.parametrize(
    ("parts", "intent"),
    [
        ({"comments": "<comments>Job application: technician, CV attached</comments>"}, "other"),
        ({"comments": "<comments>I apply for the sales position</comments>"}, "other"),
        ({"rest": "<provider><name>P</name><service>Careers</service></provider>"}, "other"),
        ({"rest": "<provider><name>P</name><service>Lead Generation Service</service></provider>"}, "buy"),
        ({"rest": "<leadtype>Parts</leadtype>"}, "parts"),
        ({"rest": "<leadtype>Service</leadtype>"}, "service"),
        ({"vehicle": "<vehicle/>", "comments": "<comments>parts request: door mirror</comments>"}, "parts"),
        ({"comments": "<comments>I come for a service appointment on Monday anyway</comments>"}, "buy"),
        ({"vehicle": "<vehicle interest='lease'/>"}, "buy"),
        ({"vehicle": "<vehicle/>"}, "buy"),
        ({"vehicle": "<vehicle interest='loan'/>"}, "other"),
        ({"vehicle": ""}, None),
    ],
)
def test_14_what_is_no_enquiry_for_a_car_is_told_apart(parts: dict[str, str], intent: str | None) -> None:
    assert only(adf(prospect(**parts))).get("intent") == intent  # type: ignore[arg-type]


def test_15_a_stray_ampersand_and_other_slips_of_the_pen() -> None:
    vehicle = (
        "<vehicle interest=“buy” status=used><year>2021</year><make>Ford & Sons</make><model>Focus&nbsp;ST</model>"
        '<odometer units="miles">9000</odometer><price type="asking" relative to="msrp">9000</price></vehicle>'
    )
    text = adf(
        prospect(
            vehicle=vehicle, comments="<!-- a -- b --><comments>R&D; 3 < 5 <https://a.example/?a=1&b=2></comments>"
        )
    )
    values = only(text)
    assert values["vehicle_text"] == "2021 Ford & Sons Focus ST"
    assert values["budget"] == "9000"
    for words in ("stray ampersand", "&nbsp;", "curly", "comment", "opens no tag"):
        assert repaired(text, words), words


# Beyond the catalogue.


def test_empty_is_cleared_and_absent_is_not_carried() -> None:
    values = only(
        adf(prospect(ways="<email/><phone> </phone>", vehicle="<vehicle interest='buy'><vin/></vehicle>", rest=""))
    )
    assert (values["email"], values["phone"], values["vin"], values["vehicle_text"]) == ("", "", "", "")
    assert not {"stock_number", "rooftop", "source", "trade_text", "budget"} & values.keys()
    assert values["adf_score"] == "0.2857"


def test_the_preferred_usable_way_to_the_customer() -> None:
    ways = (
        '<email>one@example.com</email><email preferredcontact="1">two@example.com</email>'
        '<phone type="fax" preferredcontact="1">01632 960009</phone><phone>(000) 000-0000</phone>'
        '<phone type="mobile">01632 960002 ext. 3</phone>'
    )
    values = only(adf(prospect(ways=ways)))
    assert (values["email"], values["phone"]) == ("two@example.com", "01632 960002 ext. 3")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            '<name part="last">Example</name><name part="middle">B.</name><name part="first">Ann</name>',
            "Ann B. Example",
        ),
        ('<name part="full">Ann Example</name><name part="first"/>', "Ann Example"),
        ("<name><first>Ann</first><last>Example</last></name>", "Ann Example"),
        ("<name part='surname'>Example</name>", "Example"),
        ("<name/>", ""),
    ],
)
def test_customer_names(name: str, expected: str) -> None:
    assert only(adf(prospect(name=name)))["customer_name"] == expected


def test_ids_of_a_campaign_are_not_the_lead_and_the_first_in_the_chain_counts() -> None:
    ids = '<id source="MediaType">WEB</id><id sequence="2" source="CRM">22</id><id sequence="1" source="Portal">11</id>'
    assert only(adf(prospect(None).replace("<requestdate>", ids + "<requestdate>")))["lead_id"] == "Portal:11"


def test_a_vendor_id_that_repeats_the_lead_is_no_rooftop() -> None:
    values = only(adf(prospect(41, rest="<vendor><id>41</id><vendorname>North</vendorname></vendor>")))
    assert values["rooftop"] == "North"
    assert "vendor_id" not in values


def test_placeholders_are_no_vehicle() -> None:
    vehicle = "<vehicle><year>null</year><make>Ford</make><model>Not specified</model></vehicle>"
    values = only(adf(prospect(vehicle=vehicle)))
    assert (values["vehicle_text"], values["adf_score"]) == ("Ford", "0.7143")


def test_the_date_of_the_mail_stands_in_for_a_missing_request_date() -> None:
    text = mail(adf(prospect(date="")))
    assert only(text)["received_at"] == "2026-01-19T16:41:00+01:00"
    assert repaired(text, "date of the mail")


def test_a_mail_with_the_lead_in_two_parts_gives_one_row() -> None:
    lead = adf(prospect(name="<name>Zoë Example</name>"))
    boundary = "\n--b\n"
    body = (
        boundary
        + "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(f"<pre>{html.escape(lead)}</pre>".encode()).decode()
        + boundary
        + "Content-Type: application/xml; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        + lead.replace("=", "=3D").replace("ë", "=C3=AB")
        + "\n--b--\n"
    )
    text = mail(body, {"MIME-Version": "1.0", "Content-Type": "multipart/mixed; boundary=b"})
    assert looks_like_adf(text.encode())
    assert only(text)["customer_name"] == "Zoë Example"
    assert repaired(text, "repeats one of another part")


def test_a_comment_or_section_that_lost_its_end_hides_no_lead() -> None:
    section = "<comments><![CDATA[ call <b>me</b> ]]></comments>"
    found = read(adf(prospect(1, comments=section.replace("]]>", "]]")), prospect(2, comments=section), prospect(3)))
    assert [row.values["lead_id"] for row in found.rows] == ["One:2", "One:3"]
    assert len(found.bad) == 1


def test_a_lead_quoted_in_a_section_is_text_and_one_in_a_comment_is_reported() -> None:
    quoted = f"<comments><![CDATA[ forwarded: {adf(prospect(9))} ]]></comments>"
    assert only(adf(prospect(1, comments=quoted)))["lead_id"] == "One:1"
    found = read(adf(f"<!-- {prospect(1)} -->", prospect(2)))
    assert [row.values["lead_id"] for row in found.rows] == ["One:2"]
    assert "XML comment" in found.bad[0].reason


def test_two_leads_run_together_are_not_read_as_one() -> None:
    merged = (prospect(1) + prospect(2)).replace('</prospect><prospect status="new">', "")
    found = read(adf(merged))
    assert found.rows == []
    assert "more than one customer" in found.bad[0].reason


def test_lead_elements_outside_of_a_prospect_are_reported() -> None:
    found = read(adf(prospect(1), "<customer><contact><name>Bob Other</name></contact></customer>"))
    assert len(found.rows) == 1
    assert "outside of any prospect" in found.bad[0].reason


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"a,b\n1,2\n", "text without"),
        (b"<adf/>", "no prospect"),
        (b"</adf>", "no prospect"),
        (b"<not-adf />", "starts with <not-adf>"),
        (b"<html><p>Hello</p></html>", "web page"),
        (b"<s:ProcessSalesLead xmlns:s='urn:x'/>", "STAR"),
        (b"From: a@example.com\nSubject: x\n\nHello", "a mail without"),
        (b"PK\x03\x04\x00\x00", "text without"),
    ],
)
def test_a_file_without_a_prospect_says_what_it_is(data: bytes, says: str) -> None:
    found = read_adf(data)
    assert found.rows == []
    assert len(found.bad) == 1
    assert says in found.bad[0].reason


def test_a_file_beyond_the_bounds_is_refused() -> None:
    assert "50 MB" in read_adf(b"<" * (50 * 1024 * 1024 + 1)).bad[0].reason
    deep = prospect(1, rest="<x>" * 1000 + "</x>" * 1000)
    assert "depth" in read(adf(deep)).bad[0].reason
    assert "million" in read(adf(prospect(1, rest="x" * 1_000_001))).bad[0].reason


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (SPEC_MINIMAL.encode(), True),
        (b"<prospect/>", True),
        (b"New lead:\n<adf><prospect/></adf>", True),
        (b"DealerID,LeadID,ADFXML\n1,2,<adf></adf>", False),
        (b"lead_id,received_at\n1,2026-01-01\n", False),
        (b"<prospects/><IndividualProspect/>", False),
        (b"", False),
    ],
)
def test_a_lead_file_is_known_by_its_bytes(data: bytes, expected: bool) -> None:
    assert looks_like_adf(data) is expected


WHOLE = adf(
    prospect(1, name="<name>Zoë & Söhne</name>"),
    prospect(2, comments="<comments><![CDATA[ <b>hi</b> ]]></comments><!-- note -->"),
    prospect(3, status="resend"),
).encode()
MAIL = mail(WHOLE.decode()).encode()
ESCAPED = f"<html><pre>{html.escape(WHOLE.decode())}</pre></html>".encode()


def starts(data: bytes) -> int:
    return len(re.findall(rb"<prospect(?![\w.:-])", data))


def test_a_lead_whose_start_alone_is_not_escaped_hides_none_behind_it() -> None:
    before, start, after = ESCAPED.partition(b"&lt;prospect status=&quot;resend&quot;")
    first, second, rest = before.rpartition(b"&lt;prospect")
    found = read_adf(first + second.replace(b"&lt;", b"<") + rest + start + after)
    assert (len(found.rows), len(found.bad)) == (2, 1)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_damage_raises_or_hides_a_prospect(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([WHOLE, MAIL, ESCAPED]))
    at = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 3))
    junk = data.draw(
        st.one_of(
            st.just(b""), st.binary(max_size=4), st.sampled_from([b"<!--", b"<![CDATA[", b"]]>", b"<", b'"', b"\0"])
        )
    )
    damaged = whole[:at] + junk + whole[at + length :]
    looks_like_adf(damaged)
    found = read_adf(damaged)
    # Three bytes cannot take both tags of a prospect away: each is still a row or a bad row.
    assert len(found.rows) + len(found.bad) >= 3
    assert all(bad.reason and bad.row_number >= 1 for bad in found.bad)
    # Damage strikes at most two neighbouring leads; the others are read as if nothing had happened.
    untouched = {tuple(sorted(row.values.items())) for row in read_adf(whole).rows}
    if at > whole.find(b"prospect") and b"Content-Type" not in damaged[max(0, at - 60) : at + 60]:
        assert len(untouched & {tuple(sorted(row.values.items())) for row in found.rows}) >= 1


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_truncated_file_keeps_what_is_complete(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([WHOLE, MAIL]))
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    found = read_adf(cut)
    assert len(found.rows) == cut.count(b"</prospect>")
    assert len(found.rows) + len(found.bad) >= max(1, starts(cut))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<adf>",
                "</adf>",
                "<prospect>",
                "</prospect>",
                "<prospect/>",
                "<!--",
                "-->",
                "<![CDATA[",
                "]]>",
                "&lt;prospect&gt;",
                "&lt;/prospect&gt;",
                "<customer>",
                "x",
                "\n",
                "<?adf?>",
                "From: a\n\n",
            ]
        ),
        max_size=25,
    ).map("".join)
)
def test_any_order_of_tags_is_read_without_an_error(text: str) -> None:
    found = read(text)
    assert found.rows == []
    assert found.bad


if SHARED.is_dir():

    @pytest.mark.parametrize("path", sorted(SHARED.glob("adf-*/*")), ids=lambda path: path.name)
    def test_every_real_sample_gives_a_lead_or_a_reason(path: Path) -> None:
        found = read_adf(path.read_bytes())
        assert found.rows or found.bad
        prospects = starts(path.read_bytes())
        assert len(found.rows) + len(found.bad) >= max(1, prospects)
        assert all(row.values["lead_id"] and row.values["received_at"] for row in found.rows)


@pytest.mark.parametrize("declared", ["iso-8859-1", "iso-8859-15", "windows-1252"])
def test_letters_that_are_all_utf_8_are_read_as_that_whatever_is_declared(declared: str) -> None:
    text = adf(prospect(name='<name part="full">Jürgen Müller</name>'))
    found = read_adf(text.encode(), encoding=declared)
    assert found.rows[0].values["customer_name"] == "Jürgen Müller"
    assert found.repairs[0] == f"the declared encoding '{declared}' is belied by the bytes, whose letters are UTF-8"
