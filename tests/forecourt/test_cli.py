from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import duckdb
import pytest
from click.testing import CliRunner

from forecourt.cli import cli
from forecourt.home import Home
from tests.support.command import call, forecourt, said


def verbs(group: click.Group = cli, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every verb with its words: ('kpi',), ('export', 'ageing')."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, (*before, name))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*before, name), command


VERBS = dict(verbs())


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_has_help_with_an_example_that_it_understands(words: tuple[str, ...]) -> None:
    result = call(*words, "--help")
    assert result.exit_code == 0
    (example,) = re.findall(r"Example:\s+forecourt (.+)", result.output)
    given = shlex.split(example)
    assert tuple(given[: len(words)]) == words
    VERBS[words].make_context(" ".join(words), given[len(words) :], resilient_parsing=False).close()


def test_every_verb_stands_on_the_page_of_commands_with_its_example() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/commands.md").read_text(encoding="utf-8").splitlines()
    lines = []
    for command in VERBS.values():
        said, example = re.findall(r"(?s)^(.*?)\n\n.*Example: +(forecourt [^\n]+)", str(command.help))[0]
        lines.append(f"| `{example}` | {' '.join(said.split())} |")
    assert [line for line in lines if line not in page] == []
    assert [line for line in page if line.startswith("| `") and line not in lines] == []


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_says_wrong_use_with_exit_code_2(words: tuple[str, ...]) -> None:
    result = call(*words, "--no-such-option")
    assert result.exit_code == 2
    assert "No such option" in result.output


def test_the_verbs_that_need_a_home_take_it() -> None:
    without = [
        " ".join(words) for words, command in VERBS.items() if "home_path" not in {p.name for p in command.params}
    ]
    assert without == ["sample"]


def test_a_process_says_wrong_use_with_exit_code_2_and_no_traceback() -> None:
    done = forecourt("kpi", "--from", "1 March")
    assert done.returncode == 2
    assert "write it like 2026-03-31" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_says_trouble_in_one_sentence_with_exit_code_1(tmp_path: Path) -> None:
    done = forecourt("kpi", "--home", str(tmp_path / "[new] home"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error Nothing is published in")
    assert "[new] home" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_process_answers_with_exit_code_0(tmp_path: Path) -> None:
    done = forecourt("status", "--home", str(tmp_path), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["run"] is None


def test_help_answers_without_loading_what_it_does_not_need() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from forecourt.cli import cli; "
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0; "
        "print(sorted({'duckdb', 'polars', 'streamlit', 'great_expectations', 'pyarrow', 'dbt'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_files_land_without_loading_what_takes_longer_than_they_do(tmp_path: Path) -> None:
    (tmp_path / "crm_leads_2026-01-01.csv").write_text(
        'rooftop,lead_id,received_at,owner\nR1,L1,2026-01-01T10:00Z,"Ann\nBea"\nR1,L2,2026-01-01T10:00Z,Cara\n'
    )
    (tmp_path / "crm_tasks_2026-01-02.csv").write_text(
        "rooftop,task_id,due_at\n" + "R1,T1,2026-01-09T10:00Z\n" * 3 + "rooftop,task_id,due_at\n"
    )
    (tmp_path / "lead.xml").write_text(
        "<?adf version='1.0'?><adf><prospect><requestdate>2026-01-01T10:00:00Z</requestdate><customer><contact>"
        "<name>Ann Smith</name></contact></customer></prospect></adf>"
    )
    code = (
        "import sys; from click.testing import CliRunner; from forecourt.cli import cli; "
        f"print(CliRunner().invoke(cli, ['land', {str(tmp_path)!r}, '--home', {str(tmp_path / 'home')!r}]).output); "
        "print(sorted({'pandas', 'polars', 'great_expectations', 'dbt', 'openpyxl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "3 landed" in done.stdout, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_home_comes_from_the_environment_too(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["where", "--json"], env={"FORECOURT_HOME": str(tmp_path / "mine")})
    assert json.loads(result.output)["home"] == str((tmp_path / "mine").resolve())


@pytest.mark.parametrize(
    "words",
    [
        ("kpi",),
        ("kpi", "--json"),
        ("export", "ageing", "-o", "ageing.csv"),
        ("where",),
        ("rollback",),
        ("build",),
        ("build", "--json"),
    ],
    ids=" ".join,
)
def test_a_new_home_is_told_what_is_missing(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = call(*words, "--home", str(tmp_path / "warehouse"))
    assert re.match(r"(Nothing is published|Nothing has landed|There is no kept run)", said(result))
    assert result.output == ""


def test_a_file_that_is_not_there_is_said_before_anything_else(tmp_path: Path) -> None:
    result = call("land", str(tmp_path / "leads.csv"), "--home", str(tmp_path / "warehouse"))
    assert said(result) == f"There is no file or folder {tmp_path / 'leads.csv'}. Check its name."


def test_a_wrong_setting_is_said_with_its_line(tmp_path: Path) -> None:
    home = Home(tmp_path / "warehouse")
    home.create()
    home.settings.write_text("[policy]\nclaim.window_days = -3\n", encoding="utf-8")
    assert "forecourt.toml, line 2" in said(call("build", "--home", str(home.root)))


def test_a_landing_that_is_gone_is_made_anew_by_a_build(project: Callable[..., Home], tmp_path: Path) -> None:
    home = project()
    home.landing.unlink()
    leads = tmp_path / "crm_leads_2026-03-02.csv"
    leads.write_text("rooftop,lead_id,received_at\nR1,L1,2026-03-02T10:00:00\n", encoding="utf-8")
    assert call("land", str(leads), "--home", str(home.root)).exit_code == 0
    home.landing.unlink()
    assert call("build", "--home", str(home.root), "--json").exit_code == 0
    with duckdb.connect(str(home.landing), read_only=True) as landing:
        assert landing.execute("select lead_id from crm.crm_leads").fetchall() == [("L1",)]


def test_a_home_in_use_is_said(tmp_path: Path) -> None:
    home = Home(tmp_path / "warehouse")
    with home.lock():
        done = forecourt("run", "--home", str(home.root))
    assert done.returncode == 1
    assert "one run works at a time" in done.stderr
    assert "Traceback" not in done.stderr
