"""The connector reads a purchase as Tryton has it now, and says before the first export what is missing."""

import asyncio
from decimal import Decimal

import pytest
from pydantic import SecretStr

from sandbox.tryton.books import COMPANY_NAME
from sandbox.tryton.rpc import TrytonRpc
from services.exporter.connectors.protocol import ChecksItself, ReadsDocuments
from services.exporter.connectors.tryton import TrytonConnector
from services.exporter.connectors.types import ErpCopy, ErpLine, Gone, Refused
from tests.integration.exporter.tryton.conftest import Connect
from tests.integration.exporter.tryton.requests import a_request, id_in, line


async def test_a_purchase_is_read_with_its_lines(connector: TrytonConnector) -> None:
    request = a_request(line(1), line(3, cost_code="01-650", unit="u", quantity="2", unit_cost="4.5", amount="9.00"))
    document_id = id_in(await connector.create(request))

    copy = await connector.read(document_id)

    assert isinstance(copy, ErpCopy)
    assert (copy.document.id, copy.document.marker, copy.reference) == (document_id, request.marker, request.reference)
    assert (copy.total, copy.currency) == (Decimal("81711.75"), "USD")
    assert copy.lines == (ErpLine(Decimal("81702.75"), 1, "Slab"), ErpLine(Decimal("9.00"), 3, "Slab"))


async def test_a_purchase_is_read_by_the_number_that_tryton_gave_it(
    connector: TrytonConnector, admin: TrytonRpc
) -> None:
    document_id = id_in(await connector.create(a_request()))
    await asyncio.to_thread(admin.call, "purchase.purchase", "quote", [int(document_id)])
    (row,) = await asyncio.to_thread(admin.search, "purchase.purchase", [["id", "=", int(document_id)]], "number")

    copy = await connector.read(row["number"])

    assert isinstance(copy, ErpCopy)
    assert copy.document.number == row["number"] or copy.document.id == row["number"]


async def test_a_draft_without_a_number_is_read_by_its_reference(connector: TrytonConnector) -> None:
    request = a_request()
    document_id = id_in(await connector.create(request))

    copy = await connector.read(request.reference)

    assert isinstance(copy, ErpCopy)
    assert copy.document.id == document_id


async def test_a_reference_of_two_purchases_is_ambiguous(connector: TrytonConnector) -> None:
    request = a_request()
    await connector.create(request)
    await connector.create(request)

    answer = await connector.read(request.reference)

    assert isinstance(answer, Refused)
    assert answer.code == "document_ambiguous"


@pytest.mark.parametrize("name", ["99999999", "9" * 40, "PO-nowhere", "²"])
async def test_what_is_not_there_is_gone(connector: TrytonConnector, name: str) -> None:
    assert isinstance(await connector.read(name), Gone)


async def test_a_check_of_a_good_connection_finds_nothing_wrong(connect: Connect) -> None:
    connector = connect(company=COMPANY_NAME, payment_term="30 days", default_product="03-300")

    checks = await connector.check()

    assert [each for each in checks if each.problem] == []
    assert [each.what.split()[0] for each in checks] == [
        "Sign",
        "Company",
        "Read",
        "Rights",
        "Products",
        "Units",
        "Payment",
    ]


async def test_a_check_names_every_record_that_the_settings_lack(connect: Connect) -> None:
    connector = connect(
        default_product="NO-1",
        products={"x": "NO-2", "y": "03-300"},
        vendors={"v": "NO-3"},
        default_unit="NO-4",
        units={"m3": "m³", "acre": "NO-5"},
        taxes={"t": "NO-6"},
        payment_term="90 days",
    )

    problems = [each.problem for each in await connector.check() if each.problem]

    assert [problem.split(".")[0] for problem in problems] == [
        "Not in Tryton: NO-1, NO-2",
        "Not in Tryton: NO-3",
        "Not in Tryton: NO-4, NO-5",
        "Not in Tryton: NO-6",
        "Not in Tryton: 90 days",
    ]


async def test_a_check_names_a_record_that_is_deactivated(connect: Connect, admin: TrytonRpc) -> None:
    party = await asyncio.to_thread(admin.create, "party.party", code="RETIRED", name="Retired Ltd")
    await asyncio.to_thread(admin.call, "party.party", "write", [party], {"active": False})

    problems = [each.problem for each in await connect(vendors={"v": "RETIRED"}).check() if each.problem]

    assert problems == ["Deactivated in Tryton: RETIRED. Activate them there."]


async def test_a_check_ends_where_nothing_more_can_be_seen(connect: Connect) -> None:
    checks = await connect(user="nobody-like-this", password=SecretStr("wrong")).check()

    assert len(checks) == 1
    assert "Tryton refuses the user nobody-like-this" in (checks[0].problem or "")
    assert "Correct the user or the password of the connection. It is not tried" in (checks[0].problem or "")


async def test_a_database_that_tryton_does_not_have_is_named_with_what_to_do(connect: Connect) -> None:
    (check,) = await connect(database="no-such-books").check()

    assert check.problem == (
        "The Tryton server does not have the database of this connection. Correct url or database in the connection's "
        "settings."
    )


async def test_a_check_names_missing_rights(connect: Connect, admin: TrytonRpc) -> None:
    def add_user() -> None:
        companies = [["add", [admin.context["company"]]]]
        values = {"name": "Reader", "login": "reader", "password": "long-enough-1"}
        admin.create("res.user", **values, companies=companies, company=admin.context["company"])

    await asyncio.to_thread(add_user)

    checks = await connect(user="reader", password=SecretStr("long-enough-1")).check()

    problems = [each.problem for each in checks if each.problem]
    assert problems, checks
    assert "create purchase.purchase" in problems[0]


def test_the_connector_offers_both_optional_protocols(connector: TrytonConnector) -> None:
    assert isinstance(connector, ReadsDocuments)
    assert isinstance(connector, ChecksItself)
