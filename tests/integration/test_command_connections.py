"""`countersign connections check` as operators run it: real ERPs, and neither Kafka nor a database."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from pydantic import SecretStr

from sandbox.erp.running import running_erp
from sandbox.erp.server import Erp
from tests.integration.exporter.scripted_server import HANG, scripted_server

COUNTERSIGN = str(Path(sys.executable).with_name("countersign"))
TOKEN = SecretStr("s3cret")


@pytest.fixture
async def erp() -> AsyncIterator[Erp]:
    async with running_erp(token=TOKEN) as running:
        yield running


def connection(name: str, url: str, more: str = "") -> str:
    return f"""
    [[connection]]
    name = "{name}"
    kind = "http"
    title = "Books"
    url = "{url}"
    companies = ["company-of-{name}"]
    token_env = "ERP_TOKEN"
    timeout_seconds = 2
    {more}
    """


async def check(folder: Path, *arguments: str, connections: str, **environment: str) -> tuple[int | None, str, str]:
    """Run the command, and return its exit status, what it printed, and its messages."""
    path = folder / "connections.toml"
    path.write_text(connections)
    given = {"PATH": os.environ["PATH"], "ERP_CONNECTIONS": str(path), "ERP_TOKEN": "s3cret", "COLUMNS": "250"}
    process = await asyncio.create_subprocess_exec(
        *(COUNTERSIGN, "connections", "check", *arguments),
        env=given | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    return process.returncode, stdout.decode(), stderr.decode()


async def test_a_check_names_what_a_connection_was_called_before(tmp_path: Path, erp: Erp) -> None:
    renamed = connection("main", erp.url, 'formerly = ["old-books"]')

    status, stdout, _ = await check(tmp_path, "--json", connections=renamed)

    assert status == 0
    assert {"connection": "main", "checked": "formerly", "result": "old-books"} in json.loads(stdout)


async def test_connections_that_can_be_used_exit_with_0(tmp_path: Path, erp: Erp) -> None:
    status, stdout, stderr = await check(tmp_path, "--json", connections=connection("main", erp.url))

    assert (status, stderr.splitlines()) == (0, ["Checking 1 connection", "main: fine"])
    rows: Any = json.loads(stdout)
    assert [(row["connection"], row["checked"], row["result"]) for row in rows] == [
        ("main", what, "OK") for what in ("settings", "address", "token", "documents", "answer")
    ]
    assert [entry.method for entry in erp.journal.entries] == ["GET"]


async def test_each_problem_is_a_row_and_the_status_is_1(tmp_path: Path, erp: Erp) -> None:
    connections = (
        connection("good", erp.url)
        + connection("wrong", f"{erp.url}/elsewhere")
        + connection("secretless", erp.url).replace("ERP_TOKEN", "NO_SUCH_TOKEN")
    )

    status, stdout, stderr = await check(tmp_path, connections=connections)

    assert status == 1
    assert "Error: 2 of 3 connections cannot be used: wrong, secretless." in stderr
    assert "set the variable NO_SUCH_TOKEN to the ERP's token" in stdout
    assert "Correct the url of the connection" in stdout
    assert {"good: fine", "wrong: 1 problem", "secretless: 1 problem"} < set(stderr.splitlines())


async def test_only_the_named_connections_are_checked(tmp_path: Path, erp: Erp) -> None:
    connections = connection("good", erp.url) + connection("down", "http://127.0.0.1:9")

    status, stdout, _ = await check(tmp_path, "good", connections=connections)

    assert status == 0
    assert "down" not in stdout


@pytest.mark.alone
async def test_an_erp_that_hangs_does_not_hold_up_the_others(tmp_path: Path, erp: Erp) -> None:
    async with scripted_server(HANG) as hanging:
        connections = "".join(connection(f"hanging-{number}", hanging.url) for number in range(8))
        started = monotonic()
        status, stdout, stderr = await check(tmp_path, connections=connections + connection("good", erp.url))
        seconds = monotonic() - started

    assert status == 1
    assert stderr.splitlines()[1] == "good: fine"
    assert stdout.count("No answer to a search within 2 seconds.") == 8
    assert seconds < 8 * 2


async def test_a_connector_that_cannot_check_itself_is_named_so(tmp_path: Path) -> None:
    info = tmp_path / "plain_connector-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plain-connector\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[countersign.connectors]\nplain = plain_connector:Plain\n")
    (tmp_path / "plain_connector.py").write_text(
        "from services.exporter.connectors.http import HttpSettings\n"
        "class Plain:\n"
        "    settings_type = HttpSettings\n"
        "    enforces_reference = False\n"
        "    def __init__(self, settings, token): pass\n"
        "    async def close(self): pass\n"
    )
    connections = connection("main", "http://127.0.0.1:9").replace('"http"', '"plain"')

    status, stdout, stderr = await check(tmp_path, connections=connections, PYTHONPATH=str(tmp_path))

    assert status == 0
    assert "The connector of kind plain has no check: nothing but the settings was looked at." in stdout
    assert "main: only its settings could be checked" in stderr.splitlines()
