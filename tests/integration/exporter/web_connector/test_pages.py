"""What a browser, and the Web Connector before it adds a .qwc file, find at the address."""

import pytest

from services.pipeline.errors import SettingsError
from tests.integration.exporter.web_connector.served_endpoint import served_endpoint


async def test_the_address_says_in_one_line_what_it_is() -> None:
    async with served_endpoint() as served:
        answer = await served.client.get(served.url)

    assert answer.status_code == 200
    assert answer.text.count("\n") == 1
    assert "Intuit's QuickBooks Web Connector" in answer.text


async def test_the_page_with_help_has_no_script_and_may_load_nothing() -> None:
    async with served_endpoint() as served:
        answer = await served.client.get(f"{served.url}/support")
        head = await served.client.head(f"{served.url}/support")

    assert (answer.status_code, head.status_code) == (200, 200)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in answer.text


async def test_an_address_that_the_web_connector_refuses_is_an_error_at_start() -> None:
    with pytest.raises(SettingsError, match="QBWC1010"):
        async with served_endpoint(url="http://erp.example"):
            pass


async def test_other_methods_are_refused() -> None:
    async with served_endpoint() as served:
        assert (await served.client.put(served.url, content=b"x")).status_code == 405
