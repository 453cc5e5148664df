"""An ERP that echoes our token tells it to nobody: events and the desk show its words without it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.exporter.checking import check_connections
from services.exporter.connections_file import read_settings
from services.exporter.connectors.http import HttpConnector, HttpSettings
from services.exporter.connectors.http_words import MAX_EXCERPT_CHARACTERS
from services.exporter.connectors.types import Checked, FindAnswer, WriteAnswer, WriteRequest
from services.exporter.connectors.wording import MAX_MESSAGE_CHARACTERS
from services.pipeline.tracebacks import traceback_of
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.integration.exporter.scripted_server import response_bytes, scripted_server
from tests.unit.exporter.builders import accepted_event

TOKEN = SecretStr("tell-nobody-4711")
ECHO = b'{"message": "Header authorization was Bearer tell-nobody-4711."}'
NOTHING = response_bytes(200, b'{"documents": []}')


@pytest.mark.parametrize(
    ("answer", "topic"),
    [
        (response_bytes(422, ECHO), "export.failed"),
        (response_bytes(500, ECHO), "export.in_doubt"),
        (response_bytes(503, ECHO, "Retry-After: 60"), "erp.connection"),
    ],
)
async def test_nothing_that_is_published_has_the_token(exporter: ExporterProcess, answer: bytes, topic: str) -> None:
    published, requests = await told(exporter, answer)

    assert any(b"Bearer tell-nobody-4711" in request for request in requests)
    told_last = [text for name, text in published if name == topic][-1]
    assert "Header authorization was Bearer …" in told_last
    assert "tell-nobody" not in str(published)


@pytest.mark.parametrize("kept", [8, 11, 15])
@pytest.mark.parametrize(("limit", "is_json"), [(MAX_EXCERPT_CHARACTERS, False), (MAX_MESSAGE_CHARACTERS, True)])
async def test_the_beginning_of_a_token_that_was_cut_is_not_published(
    exporter: ExporterProcess, limit: int, kept: int, *, is_json: bool
) -> None:
    before = " Request headers: authorization: Bearer "
    text = "x" * (limit - len(before) - kept) + before + TOKEN.get_secret_value() + " and more" * 20
    answer = json.dumps({"message": text}) if is_json else text

    published, _ = await told(exporter, response_bytes(422, answer.encode()))

    assert "Bearer …" in str(published)
    assert "tell-" not in str(published)


async def test_the_log_of_a_connector_that_fails_has_no_token(exporter: ExporterProcess) -> None:
    process = exporter.with_connector(FailingConnector(), TOKEN)
    await process.consume(accepted_event())
    with capture_logs() as logged:
        await process.work_once()

    (line,) = [each for each in logged if each["event"] == "export.attempt_failed"]
    shown = traceback_of(line["exc_info"])
    assert shown.endswith("RuntimeError")  # without what it says
    assert "attempt.py" in shown
    assert "tell-nobody" not in shown


async def test_a_check_of_the_connections_prints_no_token(tmp_path: Path) -> None:
    page = f"<html><body>{'x' * 50} authorization: Bearer {TOKEN.get_secret_value()}</body></html>"
    async with scripted_server(response_bytes(200, page.encode(), "Content-Type: text/html")) as erp:
        checks = await checked(connections_file(tmp_path, erp.url))

    assert "authorization: Bearer …" in str(checks)
    assert "tell-" not in str(checks)


async def test_a_check_of_a_connection_that_cannot_be_made_prints_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"gopher://kim:{TOKEN.get_secret_value()}@proxy.example.com")

    checks = await checked(connections_file(tmp_path, "https://erp.example.com"))

    assert "HTTPS_PROXY" in str(checks)
    assert "tell-nobody" not in str(checks)


class FailingConnector:
    """Raises an error that has the token."""

    enforces_reference = False

    async def find(self, reference: str) -> FindAnswer:
        raise RuntimeError(f"401 for https://kim:{TOKEN.get_secret_value()}@erp.example.com/{reference}")

    async def create(self, request: WriteRequest) -> WriteAnswer:
        raise NotImplementedError

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        raise NotImplementedError

    async def close(self) -> None:
        pass


async def told(exporter: ExporterProcess, answer: bytes) -> tuple[Sequence[tuple[str, str]], Sequence[bytes]]:
    """What is published when the ERP answers a write so, each with its topic, and the requests that it got."""
    async with scripted_server(NOTHING, answer) as erp:
        settings = HttpSettings(
            name="main", kind="http", title="Main books", companies=("co-1",), url=erp.url, timeout_seconds=5
        )
        http = HttpConnector(settings, TOKEN)
        process = exporter.with_connector(http, TOKEN)
        await process.consume(accepted_event())
        await process.work_once()
        await process.connection_report.report()
        await http.close()
    published = [(event.data.topic, event.data.model_dump_json()) for event in await process.published()]
    return published, erp.received


def connections_file(folder: Path, url: str) -> Path:
    """A file with a connection to `url`."""
    path = folder / "connections.toml"
    path.write_text(
        f'[[connection]]\nname = "main"\nkind = "http"\ntitle = "Main books"\nurl = "{url}"\n'
        'companies = ["co-1"]\ntoken_env = "ERP_TOKEN"\n',
        encoding="utf-8",
    )
    return path


async def checked(path: Path) -> Sequence[Checked]:
    """What a check of the only connection in the file `path` finds."""
    environ = {"ERP_TOKEN": TOKEN.get_secret_value()}
    (found,) = await check_connections(path, read_settings(path), environ, lambda _: None)
    return found.checks
