"""What a call over HTTP means that the network or a library below it has ended."""

import httpx2
import pytest

from services.exporter.connectors.http import HttpSettings
from services.exporter.connectors.http_call import HttpCalls
from services.exporter.connectors.types import Transient, Unknown

SETTINGS = HttpSettings(name="main", kind="http", title="Main books", companies=("co-1",), url="http://erp.example")
SOCKET_GONE = AttributeError("'NoneType' object has no attribute 'getpeername'")


class Failing(httpx2.AsyncBaseTransport):
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:  # noqa: ARG002
        raise self._error


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (httpx2.ConnectError("refused"), Transient),
        (httpx2.ReadError("reset"), Unknown),
        (httpx2.RemoteProtocolError("closed"), Unknown),
        (SOCKET_GONE, Unknown),
    ],
)
async def test_an_error_of_the_network_is_an_answer(error: Exception, answer: type) -> None:
    calls = HttpCalls(SETTINGS, {})
    await calls.close()
    calls.client = httpx2.AsyncClient(transport=Failing(error))

    got = await calls.send("GET", "http://erp.example/documents")

    assert isinstance(got, answer)
    assert "Main books" in got.message
    await calls.close()
