"""Files that come in a zip, a gzip or a mail: each a delivery of its own, and the same again when made anew."""

from __future__ import annotations

import gzip
import json
from email.message import EmailMessage

import pytest

from forecourt.errors import Problem
from ingest.containers import is_container, members
from ingest.landing import rebuild
from tests.ingest.landing_scene import Scene
from tests.ingest.workbooks import xlsx, zipped

TASKS = b"rooftop,task_id,due_at\nR1,T%d,2026-01-09T10:00Z\n"
LEAD = (
    b"<adf><prospect><requestdate>2026-03-01T10:00:00Z</requestdate><customer><contact><email>ada@example.com</email>"
    b"</contact></customer><vendor><id>R1</id></vendor></prospect></adf>"
)


def mail(attached: dict[str, bytes]) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "crm@example.com", "desk@example.com", "Your report"
    message.set_content("The report is attached.")
    for name, data in attached.items():
        message.add_attachment(
            data, maintype="application", subtype="octet-stream", filename=name.replace("_dot_", ".")
        )
    return message.as_bytes()


def test_each_file_of_an_archive_is_a_delivery_of_its_own(scene: Scene) -> None:
    inbox = scene.home.inbox
    book = xlsx({"Tasks": [["rooftop", "task_id", "due_at"], ["R1", "T3", "2026-01-09T10:00Z"]]})
    packed = zipped(
        {
            "north/crm_tasks_2026-01-01.csv": TASKS % 1,
            "crm_tasks.csv": TASKS % 2,
            "crm_tasks.xlsx": book,
            "lead.xml": LEAD,
            "__MACOSX/._crm_tasks.csv": b"x",
            "north/.DS_Store": b"x",
        }
    )
    (inbox / "export_2026-01-05.zip").write_bytes(packed)
    results = scene.land(inbox)
    assert [(result.name, result.status, result.rows_new) for result in results] == [
        ("export_2026-01-05.zip/north/crm_tasks_2026-01-01.csv", "landed", 1),
        ("export_2026-01-05.zip/crm_tasks.csv", "landed", 1),
        ("export_2026-01-05.zip/crm_tasks.xlsx", "landed", 1),
        ("export_2026-01-05.zip/lead.xml", "landed", 1),
    ]
    assert list(inbox.iterdir()) == []
    assert scene.rows("select name, exported_at::date::varchar, exported_from from ledger.files order by name")[0] == (
        "export_2026-01-05.zip/crm_tasks.csv",
        "2026-01-05",
        "name",
    )
    log = [json.loads(line) for line in scene.home.log.read_text().splitlines()]
    container = next(entry for entry in log if entry["kind"] == "container")
    assert (container["name"], container["bytes"]) == ("export_2026-01-05.zip", len(packed))
    assert {entry["container_hash"] for entry in log if entry["kind"] == "delivery"} == {container["content_hash"]}
    before = scene.everything()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before


def test_a_refused_file_keeps_its_container_in_the_inbox_and_the_others_do_not_come_again(
    scene: Scene,
) -> None:
    packed = scene.home.inbox / "export_2026-01-05.zip"
    packed.write_bytes(zipped({"crm_tasks.csv": TASKS % 1, "photo.png": b"\x89PNG\r\n"}))
    first, second = scene.land(packed), scene.land(packed)
    assert [result.status for result in first] == ["landed", "refused"]
    assert [(result.name, result.status) for result in second] == [
        ("export_2026-01-05.zip/crm_tasks.csv", "same again"),
        ("export_2026-01-05.zip/photo.png", "refused"),
    ]
    assert packed.exists()
    assert scene.rows("select count(*) from ledger.files") == [(2,)]


def test_a_container_lands_whole_or_is_refused_with_its_reason_also_when_made_anew(scene: Scene) -> None:
    good = {"crm_tasks_2026-01-01.csv": TASKS % 1}
    bad = zipped(good | {"crm_tasks_2026-01-02.csv": TASKS % 2})
    place = bad.rfind(b"PK\x03\x04") + 60
    given = {
        "damaged.zip": bad[:place] + b"????" + bad[place + 4 :],
        "empty.zip": zipped({}),
        "nested.zip": zipped(good | {"inner.zip": zipped(good)}),
        "twice.gz": gzip.compress(gzip.compress(TASKS)),
        "cut.gz": gzip.compress(TASKS * 9)[:-9],
        "mail.eml": mail({"report.zip": zipped({"../x.csv": TASKS})}),
    }
    results = scene.land(*(scene.write(name, data) for name, data in given.items()))
    reasons = {result.name: result.reason.split(" (")[0] for result in results if result.status == "refused"}
    assert reasons == {
        "damaged.zip": "'crm_tasks_2026-01-02.csv' in it cannot be unpacked",
        "empty.zip": "it is a zip archive without a file in it. Pack it again.",
        "nested.zip/inner.zip": "it is a zip archive inside another container. Unpack it and deliver its files.",
        "twice.gz/twice": "it is a gzip archive inside another container. Unpack it and deliver its files.",
        "cut.gz": "it is a gzip archive whose end is missing. Pack it again and deliver it.",
        "mail.eml": "its attachment report.zip cannot be taken: it is a zip archive with a name that leads out of its "
        "folder",
    }
    assert scene.rows("select name from ledger.files where status = 'landed'") == [
        ("nested.zip/crm_tasks_2026-01-01.csv",)
    ]
    before = scene.everything()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before


def test_a_mail_gives_its_attachments_and_a_mail_with_a_lead_is_a_lead() -> None:
    packed = {"week.csv.gz": gzip.compress(b"x"), "all.zip": zipped({"a": b"1"})}
    sent = mail({"crm_tasks.csv": TASKS, "logo.png": b"\x89PNG"} | packed)
    assert [(member.name, member.content) for member in members("m.eml", sent)] == [
        ("m.eml/crm_tasks.csv", TASKS),
        ("m.eml/week.csv.gz/week.csv", b"x"),
        ("m.eml/all.zip/a", b"1"),
    ]
    assert not is_container(mail({"lead.xml": LEAD}))
    assert not is_container(mail({"logo.png": b"\x89PNG"}))
    assert not is_container(TASKS)


def test_a_mail_whose_files_are_not_as_they_were_sent_is_refused() -> None:
    sent = mail({"crm_tasks.csv": TASKS * 9})
    start = sent.index(b"base64", sent.index(b"crm_tasks.csv") - 200) + 200
    with pytest.raises(Problem, match=r"its attachment crm_tasks.csv is damaged \(its base64 cannot be read\)"):
        members("m.eml", sent[:start] + b"!" + sent[start:])
    with pytest.raises(Problem, match="it is a mail that breaks off: the end of its parts is missing"):
        members("m.eml", sent[: sent.rindex(b"--") - 120])


def test_what_a_mail_with_a_lead_carries_besides_is_told(scene: Scene) -> None:
    sent = mail({"lead.xml": LEAD, "crm_tasks.csv": TASKS % 1, "offer.pdf": b"%PDF-1.7", "logo.png": b"\x89PNG"})
    result = scene.land_text("mail.eml", sent)
    assert (result.source, result.rows_read) == ("adf", 1)
    assert scene.rows("select detail from ledger.notes where kind = 'remark' order by all") == [
        (f"the mail is a lead; its attachment '{name}' was not read: deliver it by itself",)
        for name in ("crm_tasks.csv", "offer.pdf")
    ]


def test_a_gzip_is_known_by_its_bytes(scene: Scene) -> None:
    result = scene.land_text("crm_tasks_2026-01-01.csv", gzip.compress(TASKS % 1))
    assert (result.name, result.status) == ("crm_tasks_2026-01-01.csv/crm_tasks_2026-01-01.csv", "landed")
