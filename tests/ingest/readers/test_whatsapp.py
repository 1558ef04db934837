"""WhatsApp chats: the same talk from two kinds of phone, lines that go on, notices, and which side wrote."""

from __future__ import annotations

import pytest

from forecourt.errors import Problem
from ingest.readers.kinds import kind_of
from ingest.readers.whatsapp import looks_like_chat, read_chat
from tests.ingest.landing_scene import Scene

ANDROID = """\
13/03/2026, 09:15 - Messages and calls are end-to-end encrypted.
13/03/2026, 09:16 - Ann Example: Is the blue one still there?
And does it have
a tow bar?
13/03/2026, 09:20 - North Motors: It is.
13/03/2026, 09:20 - North Motors: It is.
14/03/2026, 18:01 - North Motors: <Media omitted>
14/03/2026, 18:02 - Ann Example: This message was deleted
"""
IPHONE = """\
\u200e[3/13/26, 9:15:01\u202fAM] Messages and calls are end-to-end encrypted.
[3/13/26, 9:16:40\u202fAM] Ann Example: Is the blue one still there?
And does it have
a tow bar?
[3/13/26, 9:20:02\u202fAM] North Motors: It is.
[3/13/26, 9:20:30\u202fAM] North Motors: It is.
[3/14/26, 6:01:11\u202fPM] North Motors: \u200eimage omitted
[3/14/26, 6:02:00\u202fPM] Ann Example: \u200eThis message was deleted
"""


@pytest.mark.parametrize(
    ("text", "name"),
    [(ANDROID, "WhatsApp Chat with Ann Example.txt"), (IPHONE, "WhatsApp Chat - Ann Example.zip/_chat.txt")],
)
def test_a_chat_reads_alike_from_either_phone(text: str, name: str) -> None:
    chat = read_chat(text, name, "dmy", "utf-8")
    assert [(v["minute"], v["direction"], v["media"], v["repeat"]) for v in chat.values] == [
        ("2026-03-13 09:16", "in", "", "0"),
        ("2026-03-13 09:20", "out", "", "0"),
        ("2026-03-13 09:20", "out", "", "1"),
        ("2026-03-14 18:01", "out", "yes", "0"),
        ("2026-03-14 18:02", "in", "", "0"),
    ]
    assert chat.values[0]["text"] == "Is the blue one still there?\nAnd does it have\na tow bar?"
    assert (chat.row_numbers, chat.skipped, chat.bad, chat.remarks) == (
        [2, 5, 6, 7, 8],
        {"notice of the system": 1},
        [],
        [],
    )
    assert chat.raw(0).count("\n") == 2


def test_the_order_of_day_and_month_is_declared_where_the_chat_does_not_tell() -> None:
    text = "03/04/2026, 09:15 - Ann: Hello\n"
    day_first, month_first = (read_chat(text, "x.txt", order, "utf-8") for order in ("dmy", "mdy"))
    assert (day_first.values[0]["minute"], month_first.values[0]["minute"]) == ("2026-04-03 09:15", "2026-03-04 09:15")
    assert day_first.remarks[0] == (
        "whether day or month stands first cannot be told from it; the day was taken, as declared"
    )
    with pytest.raises(Problem, match="Declare dates as dmy or mdy"):
        read_chat(text, "x.txt", "ymd", "utf-8")
    # 1 May, then 2 April would run backwards; 5 January, then 4 February does not.
    running = read_chat("01/05/2026, 09:15 - Ann: a\n02/04/2026, 09:15 - Ann: b\n", "x.txt", "dmy", "utf-8")
    assert [values["minute"][:10] for values in running.values] == ["2026-01-05", "2026-02-04"]
    with pytest.raises(Problem, match="a day does not exist"):
        read_chat("13/13/2026, 09:15 - Ann: a\n", "x.txt", "dmy", "utf-8")


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("WhatsApp Chat mit Ann.txt", "13.03.26, 09:15 - ", "13.03.26, 21:20 - "),
        ("WhatsApp-chat met Ann (1).txt", "13-03-2026 09:15 - ", "13-03-2026 21:20 - "),
        ("Discussion WhatsApp avec Ann.txt", "13/03/2026 à 09:15 - ", "13/03/2026 à 21:20 - "),
        ("Chat de WhatsApp con Ann.txt", "13/3/26, 9:15\u202fa.\u00a0m. - ", "13/3/26, 9:20 p. m. - "),
        ("Chat WhatsApp con Ann.txt", "13/03/26, 09:15 - ", "13/03/26, 21:20 - "),
        ("Conversa do WhatsApp com Ann.txt", "13/03/2026 09:15 - ", "13/03/2026 21:20 - "),
        ("WhatsApp-chatt med Ann.txt", "2026-03-13 09:15 - ", "2026-03-13 21:20 - "),
        ("WhatsApp-keskustelu Ann.txt", "13.3.2026 klo 9.15 - ", "13.3.2026 klo 21.20 - "),
        ("Ann ile WhatsApp Sohbeti.txt", "13.03.2026 ÖÖ 9:15 - ", "13.03.2026 ÖS 9:20 - "),
        ("AnnとのWhatsAppチャット.txt", "[2026/03/13 9:15:00] ", "[2026/03/13 午後9:20:00] "),
        ("WhatsApp Chat - Ann.zip/_chat.txt", "2026. 3. 13. 오전 9:15 - ", "2026. 3. 13. 오후 9:20 - "),
        ("محادثة واتساب مع Ann.txt", "١٣\u200f/٣\u200f/٢٠٢٦، ٩:١٥ ص - ", "١٣\u200f/٣\u200f/٢٠٢٦، ٩:٢٠ م - "),
    ],
)
def test_a_chat_is_read_in_the_language_of_the_phone(name: str, first: str, second: str) -> None:
    text = f"{first}Ann: 1 ?\n{second}North: 2\n"
    assert looks_like_chat(text)
    assert kind_of(text.encode()) == "text"
    found = read_chat(text, name, "dmy", "utf-8").values
    assert [(v["minute"], v["direction"], v["text"]) for v in found] == [
        ("2026-03-13 09:15", "in", "1 ?"),
        ("2026-03-13 21:20", "out", "2"),
    ]


def test_who_wrote_is_told_by_the_whole_name_or_not_at_all() -> None:
    stamp = "13/03/2026, 09:15 - "
    colon = read_chat(
        f"{stamp}Ann: Trade: Hello\n{stamp}North:\n{stamp}North: Hi\n", "WhatsApp Chat - Ann: Trade", "dmy", ""
    )
    assert [(v["direction"], v["text"]) for v in colon.values] == [("in", "Hello"), ("out", ""), ("out", "Hi")]
    unsaved = read_chat(f"{stamp}~ Ann: Hello\n{stamp}North: Hi\n", "WhatsApp Chat - +44 7700 900123.zip", "dmy", "")
    assert [v["direction"] for v in unsaved.values] == ["in", "out"]
    with pytest.raises(Problem, match="3 people wrote in it, and none of them is the one for whom the file is named"):
        read_chat(f"{stamp}Ann: a\n{stamp}Bob: b\n{stamp}North: c\n", "WhatsApp Chat with Blue Car.txt", "dmy", "")


def test_an_iphone_says_in_the_name_of_the_contact_that_the_chat_is_encrypted() -> None:
    text = "[13/03/2026, 09:15:00] Ann: \u200eMessages are end-to-end encrypted.\n[13/03/2026, 09:16:00] Ann: Hello\n"
    found = read_chat(text, "WhatsApp Chat - Ann.zip", "dmy", "")
    assert ([v["text"] for v in found.values], found.skipped) == (["Hello"], {"notice of the system": 1})


def test_only_a_file_that_begins_with_a_stamp_is_a_chat() -> None:
    assert looks_like_chat(ANDROID)
    assert looks_like_chat(IPHONE)
    assert not looks_like_chat("rooftop,lead_id\nR1,1\n")


def test_a_side_that_cannot_be_told_is_quarantined_and_the_chat_lands_again_unchanged(scene: Scene) -> None:
    text = "13/03/2026, 09:15 - +44 7700 900123: Hello\n13/03/2026, 09:16 - North Motors: Hello\n"
    unnamed = scene.land_text("_chat.txt", text)
    assert (unnamed.source, unnamed.rows_new, unnamed.rows_quarantined) == ("whatsapp", 1, 1)
    named = scene.land_text("WhatsApp Chat with +44 7700 900123.txt", text)
    assert (named.rows_read, named.rows_new, named.rows_unchanged) == (2, 1, 1)
    assert scene.rows(
        "select direction, channel, employee, occurred_at::varchar, rest from crm.crm_activities order by occurred_at"
    ) == [
        ("in", "whatsapp", None, "2026-03-13 09:15:00", None),
        ("out", "whatsapp", "North Motors", "2026-03-13 09:16:00", None),
    ]
