"""A person's data erased: no byte of it is left in the record, and what is counted stays what it was."""

from __future__ import annotations

import json
from email.message import EmailMessage

import pyarrow as pa
import pytest
from click.testing import CliRunner

from forecourt.cli import cli
from forecourt.contacts import plain_email
from forecourt.errors import Problem
from ingest import archive
from ingest.erasure import erase, written_over
from ingest.landing import rebuild
from tests.ingest.landing_scene import Scene
from tests.ingest.workbooks import xlsx, zipped

TEXTS = ("Erika Groß", "erika@example.com", "+44 7700 900123")
HEADER = "rooftop,lead_id,received_at,stage,customer_name,email,phone\n"
ERIKA = 'R1,L1,2026-03-01T10:00:00,{},"Erika Groß",Erika@Example.com,+44 7700 900123\n'
OTHER = "R1,L2,2026-03-01T11:00:00,new,Erika Großmann,erikas@example.com,+44 7700 9001234\n"
BROKEN = "R1,L3,soon,new,Erika Groß,,\n"


def leads(scene: Scene) -> None:
    scene.land_text("crm_leads_2026-03-01.csv", HEADER + ERIKA.format("new") + OTHER + BROKEN)


def deliver(scene: Scene) -> None:
    rows = [HEADER.strip().split(","), ERIKA.strip().replace('"', "").format("quoted").split(",")]
    leads(scene)
    scene.land(
        scene.write("crm_leads_2026-03-02.xlsx", xlsx({"S": rows})),
        scene.write("march.zip", zipped({"crm_leads_2026-03-03.csv": (HEADER + ERIKA.format("won")).encode("utf-16")})),
        scene.write("crm_tasks_2026-03-01.csv", "rooftop,task_id,due_at\nR1,T1,2026-03-01\n"),
    )


def kept_bytes(scene: Scene) -> bytes:
    """All that the archive holds, unpacked."""
    packed = [path for path in scene.home.archive.rglob("*") if path.suffix in (".zst", ".gz")]
    return b"".join(pa.input_stream(str(path), compression="zstd").read() for path in packed)


def counts(scene: Scene) -> list[tuple[object, ...]]:
    return scene.rows(
        """select name, status, rows_read, rows_new, rows_changed, rows_unchanged, rows_quarantined, content_hash
            from ledger.files order by name"""
    )


def test_nothing_of_a_person_is_left_and_what_is_counted_stays(scene: Scene) -> None:
    deliver(scene)
    before = counts(scene)
    erased = erase(scene.home, scene.settings, TEXTS, who="Dana", why="request of 3 May")
    assert erased.files == [
        "crm_leads_2026-03-01.csv",
        "crm_leads_2026-03-02.xlsx",
        "march.zip/crm_leads_2026-03-03.csv",
    ]
    assert (erased.containers, erased.named) == (["march.zip"], [])
    assert counts(scene) == before
    assert scene.rows("select distinct customer_name, email, phone from crm.crm_leads order by all") == [
        ("Erika Großmann", "erikas@example.com", "+44 7700 9001234"),
        ("xxxxx xxxx", "xxxxx@xxxxxxx.xxx", "+00 0000 000000"),
    ]
    assert scene.rows("select raw from ledger.quarantine") == [("R1,L3,soon,new,xxxxx xxxx,,",)]
    everything = kept_bytes(scene) + scene.home.log.read_bytes() + scene.home.landing.read_bytes()
    for text in ("Erika Groß,", '"Erika Groß"', "Erika@Example", "900123\n", "900123,"):
        assert text.encode() not in everything
        assert text.encode("utf-16-le") not in everything
    assert plain_email("xxxxx@xxxxxxx.xxx") == (None, "erased")
    entry = json.loads(scene.home.log.read_text().splitlines()[-1])
    assert (entry["decision"], entry["who"], entry["why"], len(entry["files"])) == (
        "erase",
        "Dana",
        "request of 3 May",
        4,
    )
    made = scene.everything()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == made


def test_what_was_erased_does_not_come_back_with_the_same_bytes(scene: Scene) -> None:
    leads(scene)
    erase(scene.home, scene.settings, TEXTS, who="Dana", why="request")
    assert scene.land(scene.given / "crm_leads_2026-03-01.csv")[0].status == "same again"
    later = scene.write("crm_leads_2026-03-09.csv", (scene.given / "crm_leads_2026-03-01.csv").read_bytes())
    assert scene.land(later)[0].status == "landed"
    assert "Erika Groß," not in kept_bytes(scene).decode("utf-8", "replace")
    assert scene.rows("select count(*) from crm.crm_leads where customer_name = 'Erika Groß'") == [(0,)]


def test_an_erasure_that_a_crash_cut_short_is_finished_at_the_next_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads(scene)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "finish_erasures", lambda home: (_ for _ in ()).throw(OSError("no power")))
        with pytest.raises(OSError, match="no power"):
            erase(scene.home, scene.settings, TEXTS, who="Dana", why="request")
    assert "Erika Groß" in kept_bytes(scene).decode("utf-8", "replace")
    scene.land(scene.write("crm_tasks_2026-03-02.csv", "rooftop,task_id,due_at\nR1,T2,2026-03-01\n"))
    assert '"Erika Groß"' not in kept_bytes(scene).decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (("Rika",), "'Rika' cannot be erased: a text needs 5 characters"),
        (("Nobody Example",), "No file of the archive has this text"),
        (("rooftop",), "crm_leads_2026-03-01.csv would no longer be read as it was, so nothing was erased"),
    ],
)
def test_an_erasure_that_would_do_harm_is_refused(scene: Scene, texts: tuple[str, ...], reason: str) -> None:
    leads(scene)
    before = kept_bytes(scene)
    with pytest.raises(Problem, match=reason):
        erase(scene.home, scene.settings, texts, who="Dana", why="request")
    assert kept_bytes(scene) == before


def test_a_text_that_is_hidden_in_an_encoding_of_mails_is_refused(scene: Scene) -> None:
    lead = (
        "<adf><prospect><requestdate>2026-03-01T10:00:00Z</requestdate><customer><contact>"
        "<email>erika@example.com</email></contact></customer><vendor><id>R1</id></vendor></prospect></adf>"
    )
    message = EmailMessage()
    message["From"], message["Date"] = "crm@example.com", "Sun, 01 Mar 2026 10:00:00 +0000"
    message.set_content(lead, cte="base64")
    scene.land_text("mail.eml", message.as_bytes())
    scene.land_text("lead.xml", lead.replace("10:00", "11:00"))
    assert written_over(message.as_bytes(), TEXTS) == message.as_bytes()
    with pytest.raises(Problem, match=r"mail\.eml would still have it"):
        erase(scene.home, scene.settings, TEXTS, who="Dana", why="request")


def test_the_command_says_what_it_did(scene: Scene) -> None:
    leads(scene)
    words = ["erase", "erika@example.com", "--reason", "request", "--home", str(scene.home.root)]
    done = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert done.output.startswith("Written over in 1 file: crm_leads_2026-03-01.csv.\n")
    assert "Runs that are published, closed months and exports still have it" in done.output
