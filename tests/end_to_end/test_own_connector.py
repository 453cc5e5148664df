"""A connector in a package of its own is installed, tested, and used by the running system."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copy

import pytest
from test_ledgerly import LedgerlyDialect

from sandbox.story.actors import Actors
from sandbox.world import WorldOptions, running_world
from services.exporter.connector_tests import Call, faulty_server
from services.exporter.connector_tests.faults import reset_after_storing
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)
EXAMPLE = Path(__file__).parents[1] / "integration" / "exporter" / "example_connector"
CONNECTION = """
[[connection]]
name = "books"
kind = "ledgerly"
title = "Ledgerly"
url = "{url}"
companies = ["company-204"]
token_env = "LEDGERLY_KEY"
timeout_seconds = 3
settle_seconds = 3
first_probe_seconds = 1
"""
PIP = ("pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the example's package in it, installed from its wheel."""
    folder = tmp_path / "installed"
    subprocess.run([sys.executable, "-m", *PIP, "--target", str(folder), str(EXAMPLE)], check=True)
    return folder


def test_an_author_runs_the_conformance_tests_from_the_installed_package(installed: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for name in ("test_ledgerly.py", "test_ledgerly_desktop.py"):
        copy(EXAMPLE / name, package)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "RoundTrip or marker or lost", "."],
        cwd=package,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout


async def test_the_running_system_exports_through_the_connector(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the ERP's answer to the write is lost, there is one document, and the commitment is GREEN."""
    monkeypatch.setenv("PYTHONPATH", str(installed))
    monkeypatch.setenv("LEDGERLY_KEY", "a-key")
    connections = tmp_path / "connections.toml"
    options = WorldOptions(is_durable=False, erp_connections=connections)
    async with faulty_server(LedgerlyDialect()) as ledgerly:
        connections.write_text(CONNECTION.format(url=ledgerly.url))
        ledgerly.hit(reset_after_storing, Call.CREATE)
        async with running_world(tmp_path, options) as world, Actors(world) as people:
            assert world.own_erp is None
            commitment_id = await people.create("SC-014", "Concrete works")
            await people.send(commitment_id)
            await eventually(lambda: is_ready(people, commitment_id))
            (row,) = await people.rows("ready")
            await people.accept(row)
            await eventually(lambda: is_green(people, commitment_id))

        (document,) = ledgerly.books.under(commitment_id)
        assert document.marker == f"{commitment_id}/1/{row['content_hash']}"
        assert ledgerly.count(Call.CREATE) == 1


async def is_ready(people: Actors, commitment_id: str) -> bool:
    return await people.row("ready", commitment_id) is not None


async def is_green(people: Actors, commitment_id: str) -> bool:
    return await people.ribbon(commitment_id, "GREEN", "synced") is not None
