"""The sandbox's page shows purchases as Tryton tells them, at the address that the connector gives to people."""

from pathlib import Path

import httpx2
import pytest

from sandbox.configuration import write_connections
from sandbox.tryton.erp import served_tryton
from sandbox.tryton.running import FilledTryton
from services.exporter.connections import load_connections
from tests.integration.exporter.tryton.conftest import Connect
from tests.integration.exporter.tryton.requests import a_request, id_in, line


async def test_a_purchase_opens_with_its_lines_where_its_document_says(tryton: FilledTryton, connect: Connect) -> None:
    request = a_request(line(3, description="Slab <level 1>"), title="Concrete & works")
    async with served_tryton(tryton) as erp, httpx2.AsyncClient(trust_env=False, timeout=30) as browser:
        answer = await connect(url=erp.url, document_url=f"{erp.url}/purchases/{{id}}").create(request)
        page = await browser.get(answer.documents[0].url)  # type: ignore[union-attr]

    assert page.status_code == 200
    for shown in (
        "Concrete &amp; works",
        "Slab &lt;level 1&gt;",
        request.marker,
        "Acme Concrete",
        "81,702.75",
        "03-300",
    ):
        assert shown in page.text


async def test_the_list_warns_of_purchases_that_were_written_twice(tryton: FilledTryton, connect: Connect) -> None:
    request = a_request()
    connector = connect()
    await connector.create(request)
    await connector.create(request)

    async with served_tryton(tryton) as erp, httpx2.AsyncClient(trust_env=False, timeout=30) as browser:
        page = await browser.get(erp.url)
        counted = await erp.created()

    assert "written twice" in page.text
    assert counted[request.reference] == 2


@pytest.mark.parametrize(("path", "status"), [("/purchases/99999999", 404), ("/purchases/x", 422), ("/faults", 200)])
async def test_other_pages_answer(tryton: FilledTryton, path: str, status: int) -> None:
    async with served_tryton(tryton) as erp, httpx2.AsyncClient(trust_env=False, timeout=30) as browser:
        page = await browser.get(f"{erp.url}{path}", headers={"accept": "text/html"})

    assert page.status_code == status


async def test_the_demos_connection_takes_a_line_without_a_unit(tryton: FilledTryton, tmp_path: Path) -> None:
    async with served_tryton(tryton) as erp:
        path = write_connections(tmp_path, erp.connection, {})
        connections = load_connections(path, erp.secrets)
        try:
            assert id_in(await connections.by_name["tryton"].connector.create(a_request(line(unit=None))))
        finally:
            await connections.close()
