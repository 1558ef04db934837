"""Invented ADF files: every deviation the reader promises to absorb, with people who do not exist."""

from __future__ import annotations

from collections.abc import Mapping

SPEC_MINIMAL = """<?ADF VERSION "1.0"?>
<?XML VERSION “1.0”?>
<adf><prospect><requestdate>2000-03-30T15:30:20-08:00</requestdate>
<vehicle><year>1999</year><make>Talbot</make><model>Horizon</model></vehicle>
<customer><contact><name part="full">Ann Example</name><phone>01632 960001</phone></contact></customer>
<vendor><contact><name part="full">North Motors</name></contact></vendor></prospect></adf>
"""


def prospect(
    number: object = 1,
    *,
    status: str = "new",
    date: str = "<requestdate>2026-01-19T16:40:00+00:00</requestdate>",
    vehicle: str = '<vehicle interest="buy"><year>2021</year><make>Ford</make><model>Focus</model></vehicle>',
    name: str = '<name part="first">Ann</name><name part="last">Example</name>',
    ways: str = "<email>ann@example.com</email><phone>01632 960001</phone>",
    comments: str = "",
    rest: str = "<vendor><id>R1</id><vendorname>North</vendorname></vendor>"
    "<provider><name>Portal One</name><service>Search</service></provider>",
) -> str:
    """Give one good prospect on one line, with the named parts replaced."""
    identity = f'<id sequence="1" source="One">{number}</id>' if number else ""
    return (
        f'<prospect status="{status}">{identity}{date}{vehicle}'
        f"<customer><contact>{name}{ways}</contact>{comments}</customer>{rest}</prospect>"
    )


def adf(*prospects: str) -> str:
    """Give a well-formed file; prospect number n stands on line n + 2."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n<?adf version="1.0"?><adf>\n' + "\n".join(prospects) + "\n</adf>"


def mail(body: str, headers: Mapping[str, str] | None = None) -> str:
    """Give a mail with seven lines of header, so that its body starts on line 7."""
    given = {
        "From": "leads@portal.example",
        "To": "north@dealer.example",
        "Subject": "New lead",
        "Date": "Mon, 19 Jan 2026 16:41:00 +0100",
        "Content-Type": "text/plain; charset=utf-8",
    } | dict(headers or {})
    return "".join(f"{key}: {value}\n" for key, value in given.items()) + "\n" + body
