"""An ERP that echoes our token tells it to nobody: events and the desk show its words without it."""

import pytest
from pydantic import SecretStr

from services.exporter.connectors.http import HttpConnector, HttpSettings
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

    assert any(b"Bearer tell-nobody-4711" in request for request in erp.received)
    told = [event.data.model_dump_json() for event in await process.published() if event.data.topic == topic]
    assert "Header authorization was Bearer …" in told[-1]
    assert "tell-nobody" not in "".join(event.data.model_dump_json() for event in await process.published())
