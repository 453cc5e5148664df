"""A whole update over HTTP, by clients that are not ours: a replay of the Web Connector, and a SOAP library."""

import asyncio
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from qbwc_kit.testing import FakeQuickBooks, FakeWebConnector
from zeep import Client, Settings
from zeep.exceptions import Fault

from services.exporter.web_connector.conversing import HostFacts
from tests.integration.exporter.web_connector.scripted_conversing import TICKET
from tests.integration.exporter.web_connector.served_endpoint import PASSWORD, USER, served_endpoint

QUERY = '<?xml version="1.0"?><QBXML><QBXMLMsgsRq onError="stopOnError"><VendorQueryRq/></QBXMLMsgsRq></QBXML>'


def transport_to(url: str) -> Callable[[str], str]:
    """How FakeWebConnector sends over HTTP."""

    def send(body: str) -> str:
        request = urllib.request.Request(url, body.encode(), {"Content-Type": "text/xml; charset=utf-8"})  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            assert answer.headers["content-type"] == "text/xml; charset=utf-8"
            return str(answer.read().decode())

    return send


async def test_a_replayed_web_connector_fetches_and_answers_every_request() -> None:
    quickbooks = FakeQuickBooks({"Vendor": [{"ListID": "8-1", "Name": "M\u00fcller & S\u00f6hne <Bau>"}]})
    async with served_endpoint(QUERY, QUERY) as served:
        client = FakeWebConnector(transport_to(served.url), USER, PASSWORD)
        update = await asyncio.to_thread(client.run_update, quickbooks)

    assert update.requests == [QUERY, QUERY]
    assert update.progress == [50, 100]
    assert update.close_message == "OK"
    assert served.conversing.began == ["main"]
    assert served.conversing.ended == [TICKET]
    assert served.conversing.replies == [(TICKET, response, "", "") for response in update.responses]
    assert "M\u00fcller &amp; S\u00f6hne &lt;Bau&gt;" in update.responses[0]
    assert served.conversing.hosts[0] == HostFacts(r"C:\QuickBooks\Test.QBW", "US", "13", "0", "")


async def test_a_replayed_web_connector_with_a_wrong_password_is_no_valid_user() -> None:
    async with served_endpoint(QUERY) as served:
        client = FakeWebConnector(transport_to(served.url), USER, "wrong")
        update = await asyncio.to_thread(client.run_update)

    assert (update.authenticated, update.last_error, served.conversing.began) == (False, "nvu", [])


async def test_a_replayed_web_connector_with_nothing_to_do_ends() -> None:
    async with served_endpoint(wait_seconds=60) as served:
        update = await asyncio.to_thread(FakeWebConnector(transport_to(served.url), USER, PASSWORD).run_update)

    assert (update.authenticated, update.last_error) == (False, "none")


async def test_a_replayed_web_connector_of_2005_is_told_to_be_replaced() -> None:
    async with served_endpoint(QUERY) as served:
        client = FakeWebConnector(transport_to(served.url), USER, PASSWORD, client_version="1.0.0.1")
        update = await asyncio.to_thread(client.run_update)

    assert update.last_error.startswith("E:This Web Connector is too old.")


async def test_a_forged_ticket_reaches_the_conversations_which_refuse_it() -> None:
    async with served_endpoint(QUERY) as served:
        client = FakeWebConnector(transport_to(served.url))
        failed = await asyncio.to_thread(client.connection_error, "forged", "0x80040408", "Could not start QuickBooks.")
        error = await asyncio.to_thread(client.last_error, "forged")

    assert failed == "done"
    assert served.conversing.failures == [("forged", "0x80040408", "Could not start QuickBooks.")]
    assert error == "This conversation is over. It begins anew by itself."


def all_eight_calls(url: str) -> dict[str, Any]:
    """Call everything as a SOAP library does that has read our WSDL."""
    client = Client(f"{url}?wsdl", settings=Settings(strict=True, xml_huge_tree=False))
    service = client.service
    host = {
        "strHCPResponse": "",
        "strCompanyFileName": "",
        "qbXMLCountry": "US",
        "qbXMLMajorVers": 13,
        "qbXMLMinorVers": 0,
    }
    return {
        "operations": sorted(service._binding._operations),
        "serverVersion": service.serverVersion(),
        "clientVersion": service.clientVersion("2.3.0.215"),
        "authenticate": service.authenticate(USER, PASSWORD),
        "sendRequestXML": service.sendRequestXML(ticket=TICKET, **host),
        "receiveResponseXML": service.receiveResponseXML(TICKET, "<QBXML>\u20ac</QBXML>", None, None),
        "connectionError": service.connectionError(TICKET, "0x80040408", "closed"),
        "getLastError": service.getLastError(TICKET),
        "closeConnection": service.closeConnection(TICKET),
    }


async def test_a_soap_library_reads_our_wsdl_and_makes_all_eight_calls() -> None:
    async with served_endpoint(QUERY, wait_seconds=60) as served:
        answers = await asyncio.to_thread(all_eight_calls, served.url)

    assert answers.pop("operations") == sorted(answers)
    assert answers["serverVersion"].startswith("Countersign ")
    assert answers["clientVersion"] in ("", None)
    assert [each or "" for each in answers["authenticate"]] == [TICKET, "", "60"]
    assert answers["sendRequestXML"] == QUERY
    assert answers["receiveResponseXML"] == 100
    assert answers["connectionError"] == "done"
    assert answers["closeConnection"] == "OK"
    assert served.conversing.replies == [(TICKET, "<QBXML>\u20ac</QBXML>", "", "")]


async def test_a_soap_library_reads_our_faults() -> None:
    def forget_the_version(url: str) -> None:
        Client(f"{url}?wsdl").service.clientVersion(None)

    async with served_endpoint() as served:
        with pytest.raises(Fault, match="The parameter strVersion of clientVersion is missing") as raised:
            await asyncio.to_thread(forget_the_version, served.url)
    assert raised.value.code == "soap:Client"


async def test_the_wsdl_names_the_address_of_the_settings_or_else_that_of_the_request() -> None:
    async with served_endpoint(url="https://erp.example") as served:
        given = (await served.client.get(f"{served.url}?WSDL")).text
    async with served_endpoint() as served:
        asked = (await served.client.get(f"{served.url}?wsdl")).text

    assert 'location="https://erp.example/quickbooks"' in given
    assert f'location="{served.url}"' in asked
