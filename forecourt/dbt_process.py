"""dbt as a process of its own, reading the project once: ``python -m forecourt.dbt_process ARGUMENTS OF DBT``.

Reading 400 files of models and descriptions costs dbt longer than a small build. What it read does not depend on the
home, so it is kept in the project's ``target/`` under a fingerprint of those files, and every home's build takes it
from there. Where that folder cannot be written, each build reads the project itself.

Says one JSON line for each model or test that is finished (done, total, name) and for each error (error). dbt's own
log is off: writing 15,000 events that nobody reads takes a seventh of a build.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

READ = ("dbt_project.yml", "profiles.yml", "models", "marts", "macros", "seeds", "tests/dbt")
RESULTS = ("LogModelResult", "LogSeedResult", "LogTestResult", "LogFunctionResult")


def main(arguments: list[str]) -> int:
    """Runs one dbt command on the project in the working directory. Returns dbt's exit code: 0, 1 or 2."""
    from dbt.cli.main import dbtRunner

    target = Path(arguments[arguments.index("--target-path") + 1])
    kept = kept_reading(Path.cwd())
    manifest = _read(kept)
    # Never from what lies in the home's folder: read in part over an older state, metrics that moved count twice.
    options = ["--no-partial-parse", "--log-level", "none", "--log-level-file", "none"]
    answer = dbtRunner(manifest, callbacks=[_say]).invoke([*arguments, *options])
    if answer.exception is not None:
        _tell(error=str(answer.exception))
        return 2
    if manifest is None:
        _keep(target / "partial_parse.msgpack", kept)
    return 0 if answer.success else 1


def kept_reading(project: Path) -> Path:
    """Where what dbt read of this state of the project is kept, once it has been read."""
    return project / "target" / "parsed" / f"{fingerprint(project)}.msgpack"


def fingerprint(project: Path) -> str:
    """A hash of everything that dbt reads of the project, and of dbt itself."""
    digest = hashlib.sha256(f"{sys.version} {version('dbt-core')} {version('dbt-duckdb')} {project}".encode())
    for root in READ:
        files = [project / root] if (project / root).is_file() else (project / root).rglob("*")
        for file in sorted(file for file in files if file.is_file()):
            digest.update(f"\0{file.relative_to(project)}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _say(event: Any) -> None:
    if event.info.level == "error" and event.info.name != "MainEncounteredError":  # that one comes as an exception
        _tell(error=event.info.msg)
    if event.info.name in RESULTS:
        data = event.data
        total = data.num_models if event.info.name == "LogTestResult" else data.total
        _tell(done=data.index, total=total, name=data.node_info.node_name)


def _tell(**said: Any) -> None:
    # In one piece: threads that print at the same time would mix their lines with the ends of others.
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


def _read(kept: Path) -> Manifest | None:
    """What dbt read of this very project before; None: it must read it now."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    try:
        manifest: Manifest = Manifest.from_msgpack(kept.read_bytes(), decoder=extended_mashumuro_decoder)
    except OSError:
        return None
    manifest.build_flat_graph()  # what `graph` shows to macros is not kept
    return manifest


def _keep(parsed: Path, kept: Path) -> None:
    """Keeps what dbt read in place of what it read of earlier states of the project; nothing where it cannot."""
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        earlier = list(kept.parent.iterdir())
        handle, fresh = tempfile.mkstemp(dir=kept.parent)
        os.close(handle)
        shutil.copyfile(parsed, fresh)
        os.replace(fresh, kept)
        for file in earlier:
            if file != kept:
                file.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
