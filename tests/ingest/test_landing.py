"""Landing as a whole: what becomes of each file, row accounting, the log, rebuilding, and being killed."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from forecourt.errors import Problem
from ingest import archive
from ingest.deciding import confirm
from ingest.landing import land, rebuild
from ingest.outcome import FileResult
from tests.ingest.landing_scene import Scene

LEADS = "rooftop,lead_id,received_at,budget,stage\n"
TASKS = "rooftop,task_id,due_at\n"


def leads(*rows: str) -> str:
    return LEADS + "".join(f"{row}\n" for row in rows)


def tasks(count: int) -> str:
    return TASKS + "".join(f"R1,T{number},2026-01-09T10:00Z\n" for number in range(count))


def test_every_row_is_accounted_under_its_strongest_result(scene: Scene) -> None:
    result = scene.land_text(
        "crm_leads_2026-01-01.csv",
        leads("R1,L1,2026-01-01T10:00,100.00,new", "R1,L2,,5,new", "R1,L1,2026-01-01T10:00,100.00,new", "", ",,,,"),
    )
    assert (result.status, result.rows_read, result.rows_new, result.rows_unchanged) == ("landed", 5, 1, 1)
    assert (result.rows_quarantined, result.rows_skipped) == (1, 2)
    assert scene.rows("select rule, rows from ledger.skipped order by rule") == [("blank line", 1), ("empty row", 1)]
    assert scene.rows("select row_number, feed, reason_code, reason, raw, status from ledger.quarantine") == [
        (
            3,
            "crm_leads",
            "missing_value",
            "line 3: received_at is empty, and crm_leads needs it. Correct the line and deliver the file again.",
            "R1,L2,,5,new",
            "open",
        )
    ]


def test_a_failed_optional_value_stays_as_text_and_is_counted(scene: Scene) -> None:
    result = scene.land_text("crm_leads_2026-01-01.csv", leads("R1,L1,2026-01-01T10:00Z,1.005,odd"))
    assert scene.rows("select budget, bad, stage from crm.crm_leads") == [(None, '{"budget":"1.005"}', "odd")]
    assert scene.rows("select kind, detail, rows from ledger.notes order by kind") == [
        ("failed value", "budget", 1),
        ("unknown word", "stage = odd", 1),
    ]
    assert len(result.notes) == 2


def test_a_rooftop_is_known_by_its_name_and_an_unknown_one_is_flagged(scene: Scene) -> None:
    scene.land_text("crm_tasks_2026-07-01.csv", TASKS + "north,T1,2026-07-01T10:00\nR9,T1,2026-07-01T10:00\n")
    assert scene.rows("select key, due_at::varchar from crm.crm_tasks order by key") == [
        ("R1|T1", "2026-07-01 09:00:00"),
        ("R9|T1", "2026-07-01 10:00:00"),
    ]
    assert scene.rows("select kind, detail, rows from ledger.notes") == [("unknown rooftop", "R9", 1)]


def test_an_empty_cell_of_a_key_is_what_the_contract_says_it_stands_for(scene: Scene) -> None:
    scene.land_text(
        "dms_control_balances_2026-03-31.csv",
        "rooftop,schedule,as_of,balance\nR1,,2026-03-31,3000.00\nR1, ,2026-04-30,1.00\n,,2026-04-30,1.00\n",
    )
    assert scene.rows("select key, schedule from dms.dms_control_balances order by key") == [
        ("R1|customer|2026-03-31", "customer"),
        ("R1|customer|2026-04-30", "customer"),
    ]
    assert scene.rows("select row_number, reason_code from ledger.quarantine") == [(4, "missing_value")]
    scene.land_text(
        "dms_invoices_2026-03-31.csv",
        "rooftop,invoice_number,kind,posted_on,schedule,amount\nR1,I1,invoice,2026-03-01,,5.00\n",
    )
    assert scene.rows("select schedule from dms.dms_invoices") == [(None,)]


def test_columns_without_a_feed_are_kept_aside(scene: Scene) -> None:
    scene.land_text("crm_tasks_2026-01-01.csv", 'Rooftop,task_id,due_at,Mood\nR1,T1,2026-01-01,"so ""so"""\n')
    assert scene.rows("select rest, day_only from crm.crm_tasks") == [('{"Mood":"so \\"so\\""}', "due_at")]
    assert scene.rows("select kind, detail, rows from ledger.notes") == [("unmapped column", "Mood", 1)]


def test_a_file_that_cannot_be_removed_from_the_inbox_is_said_and_the_others_land(scene: Scene) -> None:
    paths = [scene.home.inbox / f"crm_tasks_2026-01-0{day}.csv" for day in (1, 2, 3)]
    for number, path in enumerate(paths):
        path.write_text(tasks(number + 1))

    def disturb(result: FileResult) -> None:
        if result.path == paths[0]:
            result.path.unlink()
        if result.path == paths[1]:
            result.path.unlink()
            result.path.mkdir()  # as little to be removed as a file in a folder without access

    with scene.home.lock():
        results = land(scene.home, scene.settings, [scene.home.inbox], on_file=disturb)
    assert [result.status for result in results] == ["landed", "landed", "landed"]
    assert [result.stays.partition(",")[0] for result in results] == [
        "",
        "it cannot be removed from the inbox (Is a directory)",
        "",
    ]


def test_what_no_feed_takes_is_kept_where_a_row_says_nothing_else_that_is_new(scene: Scene) -> None:
    due = "R1,T1,2026-01-09T10:00Z"
    scene.land_text("crm_tasks_2026-01-01.csv", f"rooftop,task_id,due_at,Mood\n{due},calm\n")
    for day, mood in ((2, "calm"), (4, "cross"), (5, "calm")):
        again = scene.land_text(f"crm_tasks_2026-01-0{day}.csv", f"rooftop,task_id,due_at,Mood\n{due},{mood}\n")
        assert again.rows_unchanged == 1
    kept = "select left(name, 20), rest->>'Mood' from ledger.sightings natural join ledger.files order by all"
    assert scene.rows(kept) == [
        ("crm_tasks_2026-01-02", None),
        ("crm_tasks_2026-01-04", "cross"),
        ("crm_tasks_2026-01-05", None),
    ]
    late = scene.land_text("crm_tasks_2026-01-03.csv", "rooftop,task_id,due_at\nR1,T1,2026-01-10T10:00Z\n")
    assert late.rows_changed == 1
    restored = "select rest->>'Mood' from crm.crm_tasks where exported_at::date = '2026-01-04'"
    assert scene.rows(restored) == [("cross",)]
    before = scene.everything()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before


def test_a_form_feed_before_a_row_is_no_part_of_its_key(scene: Scene) -> None:
    row = "R1,T{},2026-01-09T10:00Z\n"
    scene.land_text("crm_tasks_2026-01-01.csv", f"rooftop,task_id,due_at\n{row.format(1)}\f{row.format(2)}")
    assert scene.rows("select key from crm.crm_tasks order by key") == [("R1|T1",), ("R1|T2",)]


def test_the_same_bytes_with_the_same_instant_are_a_no_op(scene: Scene) -> None:
    path = scene.write("crm_tasks_2026-01-01.csv", tasks(2))
    first, second = scene.land(path)[0], scene.land(path)[0]
    assert (first.status, second.status) == ("landed", "same again")
    assert second.reason == "these bytes came as crm_tasks_2026-01-01.csv before, so nothing changes."
    assert scene.rows("select count(*) from crm.crm_tasks") == [(2,)]
    assert [row[0][-2:] for row in scene.rows("select file_id from ledger.files order by file_id")] == ["-1", "-2"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_full_file_ends_what_it_leaves_out_though_its_bytes_came_as_a_delta(scene: Scene, order: int) -> None:
    scene.land_text("crm_tasks_2026-01-01.csv", tasks(3))
    for name in ("crm_tasks_2026-01-02.csv", "crm_tasks.full.2026-01-02.csv")[::order]:
        scene.land_text(name, tasks(2))
    assert scene.rows("select key from crm.crm_tasks where op = 'removed'") == [("R1|T2",)]
    assert scene.rows("select status from ledger.files where is_full") == [("landed",)]


def test_a_delta_without_a_date_in_its_name_is_known_by_its_bytes(scene: Scene) -> None:
    path = scene.write("crm_tasks.csv", tasks(2))
    scene.land(path)
    path.touch()
    assert scene.land(path)[0].status == "same again"
    full = scene.write("crm_tasks.full.csv", tasks(2))
    assert scene.land(full)[0].rows_unchanged == 2
    full.write_text(full.read_text())
    assert scene.land(full)[0].status == "landed"


def test_files_of_the_inbox_are_moved_out_and_others_left_alone(scene: Scene) -> None:
    inbox = scene.home.inbox
    (inbox / "crm_tasks_2026-01-01.csv").write_text(tasks(1))
    (inbox / "unknown.csv").write_text("a,b\n1,2\n")
    (inbox / ".hidden").write_text("x")
    (inbox / "truth.json").write_text("{}")
    results = scene.land(inbox)
    assert [(result.name, result.status) for result in results] == [
        ("crm_tasks_2026-01-01.csv", "landed"),
        ("unknown.csv", "refused"),
    ]
    assert sorted(path.name for path in inbox.iterdir()) == [".hidden", "truth.json", "unknown.csv"]
    outside = scene.write("crm_tasks_2026-01-02.csv", tasks(2))
    scene.land(outside)
    assert outside.exists()


def test_a_day_in_the_name_that_does_not_exist_is_refused(scene: Scene) -> None:
    result = scene.land_text("crm_tasks_2026-99-99.csv", tasks(1))
    assert (result.status, result.reason) == (
        "refused",
        "its name says 2026-99-99, and there is no such day or time. Name it by the day through which it speaks, like "
        "2026-03-31.",
    )
    lead = "<adf><prospect><customer><contact><phone>1</phone></contact></customer></prospect></adf>"
    assert scene.land_text("lead_20459999.xml", lead).status == "landed"
    assert scene.land_text("lead_2045-99-99.xml", lead).status == "refused"
    before = scene.everything()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before


def test_what_is_no_file_in_a_folder_is_named_and_the_files_land(scene: Scene) -> None:
    inbox = scene.home.inbox
    (inbox / "crm_tasks_2026-01-01.csv").write_text(tasks(1))
    (inbox / "crm_tasks_2026-01-02.csv").symlink_to("gone.csv")
    (inbox / "january").mkdir()
    (inbox / "january" / "crm_tasks_2026-01-03.csv").write_text(tasks(1))
    (inbox / ".hidden").mkdir()
    (inbox / "ring").symlink_to("ring")
    os.mkfifo(inbox / "pipe")
    results = scene.land(inbox)
    assert [(result.name, result.status, result.reason) for result in results] == [
        ("crm_tasks_2026-01-01.csv", "landed", ""),
        (
            "crm_tasks_2026-01-02.csv",
            "refused",
            "is a link to gone.csv, which is not there. Put the file itself here, or remove the link.",
        ),
        ("january", "refused", "is a folder; its files are not read: move them up or name the folder."),
        ("pipe", "refused", "is no file but a pipe, socket or device. Put a csv file in its place."),
        ("ring", "refused", "is a link to ring, which is not there. Put the file itself here, or remove the link."),
    ]
    assert (inbox / "january" / "crm_tasks_2026-01-03.csv").exists()
    assert scene.rows("select count(*) from ledger.files") == [(1,)]
    assert [result.name for result in scene.land(scene.root)] == ["given"]


def test_a_refused_file_that_still_lies_there_is_one_delivery(scene: Scene) -> None:
    path = scene.write("dms_deals_2026-01-01.csv", "rooftop,dealnumber,deal_type,status\n")
    reasons = {scene.land(path)[0].reason for _ in range(3)}
    assert reasons == {
        "line 1: the header has no column 'deal_number', which dms_deals needs. The nearest "
        "column is 'dealnumber': rename it if that is the one. Export the file again with it."
    }
    assert scene.rows("select count(*) from ledger.files") == [(1,)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("crm_leads_a.csv", b"", "the file is empty. Export it again."),
        ("crm_leads_b.csv", b"\xef\xbb\xbf \n", "the file is empty. Export it again."),
        (
            "crm_leads_c.csv",
            b"PK\x03\x04rest",
            "it is a damaged zip archive (File is not a zip file). Pack it again and deliver it.",
        ),
        (
            "crm_leads_d.csv",
            b"%PDF-1.7",
            "it is a PDF document, not delimited text. Export it as csv and deliver that file.",
        ),
        (
            "crm_leads_e.csv",
            LEADS.encode() + b"R1,L1,2026-01-01,1,M\xfcller\n",
            "line 2 has the byte 0xFC, which is not UTF-8 (it looks like Windows-1252, the encoding of older Windows "
            "programs). Export it as UTF-8.",
        ),
        (
            "crm_leads_f.csv",
            LEADS.encode() + b"R1,L1,2026-01-01,1,n\0ew\n",
            "line 2 holds a NUL byte, so it is no text or was damaged. Export it again as UTF-8.",
        ),
        (
            "crm_leads_g.csv",
            b"rooftop,lead_id,received_at,stage,stage\n",
            "the header names stage 2 times (columns 4 and 5), so it is not known which to take. Export it with each "
            "column once.",
        ),
        (
            "crm_leads_i.csv",
            b"rooftop;lead_id;received_at\nR1;L1;2026-01-01\n",
            "line 1: the header looks separated by ';', and native files use commas. Export it as csv separated by "
            "commas.",
        ),
        (
            "crm_leads_j.csv",
            b'"rooftop";"lead_id";"received_at"\n"R1";"1";"2026-01-01"\n',
            "line 1: the header looks separated by ';', and native files use commas. Export it as csv separated by "
            "commas.",
        ),
        (
            "crm_leads_k.csv",
            b"rooftop\tlead_id\tname, first\nR1\t1\tx\n",
            "line 1: the header looks separated by a tab, and native files use commas. Export it as csv separated by "
            "commas.",
        ),
        (
            "crm_leads_h.csv",
            b'<?xml version="1.0"?><adf><prospect></prospect></adf>',
            "it holds ADF leads, not csv. Deliver it under a name that ends in .xml.",
        ),
        (
            "customers.csv",
            b"who,what\nx,y\n",
            "no feed has this name, and its header (who, what) is that of no source. The nearest feed is "
            "dms_customers: name it dms_customers_....csv with the columns of that feed, or declare the kind of file "
            "by a YAML in sources/ of the home folder. Seen: utf-8, values between ',', quotes \", names of columns in "
            "line 1. A first mapping: `forecourt land --draft customers.csv`.",
        ),
        (
            "dms_repair_orders_2026-04-01.xlsx",
            b"\xd0\xcf\x11\xe0rest",
            "it is no readable workbook (Cannot detect file format). Save it again and deliver it.",
        ),
        (
            "dms_repair_orders_2026-04-01.json",
            b'[{"rooftop": "R1", "ro_nummer": "1"}]',
            "the file has no column 'ro_number', which dms_repair_orders needs. The nearest column is 'ro_nummer': "
            "rename it if that is the one. Export the file again with it.",
        ),
        (
            "dms_repair_orders_2026-04-01.parquet",
            b"rooftop,ro_number\nR1,1\n",
            "its name is that of the feed dms_repair_orders, and native files end in .csv, .xlsx, .ods, .json or "
            ".ndjson, not .parquet. Export it as csv, with a name that ends in .csv.",
        ),
        (
            "photo.png",
            b"\x89PNG\r\n",
            "it is a PNG picture, which is not read. Export it as csv and deliver that file.",
        ),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence_and_the_others_go_on(
    scene: Scene, name: str, content: bytes, reason: str
) -> None:
    bad = scene.write(name, content)
    good = scene.write("crm_tasks_2026-01-01.csv", tasks(3))
    results = scene.land(bad, good)
    assert (results[0].status, results[0].reason) == ("refused", reason)
    assert (results[1].status, results[1].rows_new) == ("landed", 3)


def test_broken_lines_are_quarantined_with_their_text_and_reading_goes_on(scene: Scene) -> None:
    result = scene.land_text(
        "crm_leads_2026-01-01.csv",
        leads('R1,L1,2026-01-01,1,"new', "R1,L2,2026-01-01,2", "R1,L3,2026-01-01,3,new", 'R1,"L"4,2026-01-01,4,new'),
    )
    assert (result.rows_read, result.rows_new, result.rows_quarantined) == (4, 1, 3)
    assert scene.rows("select row_number, reason, raw from ledger.quarantine order by row_number") == [
        (
            2,
            "line 2 cannot be read: a quoted value goes on after its closing quote. Correct the line and deliver the "
            "file again.",
            'R1,L1,2026-01-01,1,"new',
        ),
        (
            3,
            "line 3 cannot be read: it has 4 values where the header has 5 columns. Correct the line and deliver the "
            "file again.",
            "R1,L2,2026-01-01,2",
        ),
        (
            5,
            "line 5 cannot be read: a quoted value goes on after its closing quote. Correct the line and deliver the "
            "file again.",
            'R1,"L"4,2026-01-01,4,new',
        ),
    ]


def test_a_full_file_that_shrank_is_held_until_confirmed(scene: Scene) -> None:
    scene.land_text("crm_tasks.full.2026-01-01.csv", tasks(10))
    held = scene.land_text("crm_tasks.full.2026-01-02.csv", tasks(4))
    assert held.status == "held"
    assert held.reason == (
        "crm_tasks has 4 rows where the full file before "
        "(crm_tasks.full.2026-01-01.csv) had 10, so it is held and nothing is removed. "
        f"If that is right, confirm it: forecourt land --confirm {held.file_id} --reason '...' "
        f"--home {scene.home.root}"
    )
    assert scene.rows("select count(*) from crm.crm_tasks where op = 'removed'") == [(0,)]
    result = confirm(scene.home, scene.settings, held.file_id, who="Olga", why="stock sold to a dealer")
    assert (result.status, result.rows_unchanged) == ("landed", 4)
    assert scene.rows("select count(*) from crm.crm_tasks where op = 'removed'") == [(6,)]
    before = scene.everything()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before
    with pytest.raises(Problem, match="No file x is held"):
        confirm(scene.home, scene.settings, "x", who="Olga", why="")


def test_a_full_file_without_rows_is_held_and_speaks_for_the_rooftops_before_it(scene: Scene) -> None:
    scene.land_text("crm_tasks.full.2026-01-01.csv", tasks(2))
    held = scene.land_text("crm_tasks.full.2026-01-02.csv", TASKS)
    assert held.status == "held"
    confirm(scene.home, scene.settings, held.file_id, who="Olga", why="all done")
    assert scene.rows("select count(*) from crm.crm_tasks where op = 'removed'") == [(2,)]


def test_rebuilding_gives_the_same_rows(scene: Scene) -> None:
    scene.land_text("crm_tasks.full.2026-01-03.csv", tasks(3))
    scene.land_text("crm_tasks_2026-01-01.csv", tasks(5) + "R1,T1,2026-01-03T10:00Z\nR1,,\n")
    scene.land_text("crm_tasks_2026-01-02.csv", TASKS + 'R1,"T1\n')
    scene.land_text("crm_tasks.full.2026-01-04.csv", tasks(1))
    scene.land_text("nothing.csv", "a,b\n")
    scene.land_text("crm_tasks_2026-01-01.csv", tasks(5) + "R1,T1,2026-01-03T10:00Z\nR1,,\n")
    before = scene.everything()
    assert {row[12] for row in before["ledger.files"]} == {"landed", "held", "refused", "same again"}
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before
    scene.home.landing.unlink()
    land(scene.home, scene.settings, [])
    assert scene.everything() == before


def test_an_archive_of_the_first_version_is_read_too(scene: Scene) -> None:
    scene.land_text("crm_leads_2026-03-01.csv", "rooftop,lead_id,received_at\nR1,L1,2026-03-01\n")
    before = scene.everything()
    for packed in scene.home.archive.glob("*/*.zst"):
        data = archive.fetch(scene.home, packed.stem)
        packed.with_suffix(".gz").write_bytes(gzip.compress(data))
        packed.unlink()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before


def test_small_files_share_a_group_of_rows(scene: Scene) -> None:
    for day in range(1, 7):
        scene.land_text(f"crm_tasks_2026-01-0{day}.csv", f"rooftop,task_id,due_at\nR1,T{day},2026-01-09T10:00Z\n")
    ((groups,),) = scene.rows("select count(distinct row_group_id) from pragma_storage_info('crm.crm_tasks')")
    assert groups < 4


def test_received_at_is_when_a_row_counts_as_known(scene: Scene) -> None:
    path = scene.write("crm_tasks_2026-01-01.csv", tasks(1))
    scene.land(path, received_at=datetime.fromisoformat("2026-01-02T10:00+02:00"))
    assert scene.rows("select landed_at::varchar from crm.crm_tasks") == [("2026-01-02 08:00:00",)]


def test_the_log_names_every_delivery_and_change_of_settings(scene: Scene) -> None:
    scene.land_text("crm_tasks_2026-01-01.csv", tasks(1))
    scene.land_text("crm_tasks_2026-01-02.csv", tasks(1))
    entries = [json.loads(line) for line in scene.home.log.read_text().splitlines()]
    assert [entry["kind"] for entry in entries] == ["settings", "delivery", "delivery"]
    assert entries[1].keys() >= {
        "content_hash",
        "name",
        "exported_at",
        "exported_from",
        "received_at",
        "source",
        "mapping_hash",
    }
    assert (entries[1]["exported_at"], entries[1]["exported_from"]) == ("2026-01-01T23:59:59", "name")


KILLED = """
import os, signal, sys
from pathlib import Path
from forecourt.home import Home
from forecourt.settings_file import load_settings
from ingest import archive, file_landing, landing

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def after(function):
    def wrapped(*args, **kwargs):
        function(*args, **kwargs)
        die()
    return wrapped

home = Home(Path(sys.argv[1]))
match sys.argv[2]:
    case "before the archive":
        archive.store = die
    case "before the log":
        archive.append_log = die
    case "before the transaction":
        file_landing.land_delivery = die
    case "inside the transaction":
        file_landing.store_versions = after(file_landing.store_versions)
    case "before the commit":
        file_landing.FileLanding.record_file = after(file_landing.FileLanding.record_file)
    case "before the inbox is cleared":
        file_landing.land_delivery = after(file_landing.land_delivery)
landing.land(home, load_settings(home.settings), [home.inbox])
"""


@pytest.mark.parametrize(
    "moment",
    [
        "before the archive",
        "before the log",
        "before the transaction",
        "inside the transaction",
        "before the commit",
        "before the inbox is cleared",
    ],
)
def test_a_kill_leaves_a_file_landed_whole_or_not_at_all(scene: Scene, moment: str) -> None:
    scene.land_text("crm_tasks_2026-01-01.csv", tasks(2))
    inbox_file = scene.home.inbox / "crm_tasks.full.2026-01-02.csv"
    inbox_file.write_text(tasks(50))
    repository = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(scene.home.root), moment], cwd=repository, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert scene.rows("select count(*) from crm.crm_tasks")[0][0] in (2, 50)
    scene.land(scene.home.inbox)
    assert not inbox_file.exists()
    assert scene.rows("select count(*), count(distinct key) from crm.crm_tasks") == [(50, 50)]
    assert scene.rows("select count(*) from ledger.files where status = 'landed'") == [(2,)]
    before = scene.everything()
    rebuild(scene.home, scene.settings)
    assert scene.everything() == before


def test_a_defect_of_ours_refuses_the_file_and_blocks_no_later_run(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = scene.write("crm_tasks_2026-01-01.csv", tasks(1))
    with monkeypatch.context() as patched:
        patched.setattr("ingest.file_landing.store_versions", lambda *_: 1 // 0)
        result = scene.land(path)[0]
    assert result.status == "refused"
    assert "it could not be landed (ZeroDivisionError: integer division or modulo by zero)" in result.reason
    assert scene.land(path)[0].status == "landed"


def test_a_torn_last_line_of_the_log_is_dropped(scene: Scene) -> None:
    scene.land_text("crm_tasks_2026-01-01.csv", tasks(1))
    with scene.home.log.open("a") as log:
        log.write('{"kind": "deliv')
    scene.land_text("crm_tasks_2026-01-02.csv", tasks(2))
    lines = scene.home.log.read_text().splitlines()
    assert all(json.loads(line) for line in lines)
    assert len(lines) == 3


@pytest.mark.parametrize("row", ["R1,T,2026-01-09T10:00Z,", "R1,T,soon"])
def test_a_file_of_wrong_rows_is_refused_for_the_first_of_them(
    row: str, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.quarantine.MOST", 2)
    text = f"rooftop,task_id,due_at\n{row}\n{row}\n"
    assert scene.land_text("crm_tasks_2026-01-01.csv", text).rows_quarantined == 2
    result = scene.land_text("crm_tasks_2026-01-02.csv", text + f"{row}\n")
    assert result.status == "refused"
    assert result.reason.startswith(
        "more than 2 of its rows cannot land, so it is refused as a whole. The first: line 2"
    )
