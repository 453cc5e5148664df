"""What is missing or does not fit is named before anything is written, with who has to act and what comes next."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from sandbox.tryton.rpc import TrytonRpc
from schemas.fields import FailureClass, Owner
from services.exporter.connectors.tryton import TrytonConnector
from services.exporter.connectors.types import Refused, Transient
from tests.integration.exporter.tryton.conftest import Connect, Sql
from tests.integration.exporter.tryton.requests import a_request, id_in, line, next_revision


def vendor(code: str | None) -> dict[str, Any]:
    return {"id": "v-17", "name": "Acme Concrete", "erp_code": code}


MISSING = {
    "no_party": (a_request(vendor=vendor("V-17")), "party_missing", "Vendor V-17 (Acme Concrete) is not in Tryton"),
    "unlinked": (a_request(vendor=vendor(None)), "vendor_unlinked", "Acme Concrete has no ERP code"),
    "no_product": (
        a_request(line(1), line(3, cost_code="09-900")),
        "product_missing",
        "Line 3: cost code 09-900 is not in Tryton",
    ),
    "no_cost_code": (a_request(line(4, cost_code=None)), "cost_code_absent", "Line 4 has no cost code"),
    "no_currency": (a_request(currency="CHF"), "currency_missing", "Currency CHF is not in Tryton"),
    "no_unit": (a_request(line(2, unit="acre")), "unit_missing", "Line 2: unit acre is not in Tryton"),
    "other_unit": (
        a_request(line(2, unit="t")),
        "unit_of_other_kind",
        "Line 2: unit t does not fit product 03-300, which is bought in m³",
    ),
    "decimals": (
        a_request(line(5, quantity="1.125", unit_cost="8", amount="9.00")),
        "quantity_too_precise",
        "Line 5: the quantity 1.125 has more decimals than the 2 that Tryton keeps of m³",
    ),
    "amount": (
        a_request(line(6, quantity="3", unit_cost="33.3333", amount="100.01")),
        "amount_differs",
        "Line 6: Tryton makes 3 times 33.3333 100.00, but 100.01 was approved",
    ),
    "no_tax": (a_request(line(1, tax_code="VAT-19")), "tax_missing", "no single active tax called VAT-19"),
}


@pytest.mark.parametrize("name", MISSING)
async def test_what_is_missing_is_named_and_nothing_is_written(connector: TrytonConnector, name: str) -> None:
    request, code, sentence = MISSING[name]

    answer = await connector.create(request)

    assert isinstance(answer, Refused)
    assert answer.code == code
    assert sentence in answer.message
    assert await connector.find(request.reference) == ()


async def test_a_missing_party_waits_for_the_erp_admin(connector: TrytonConnector) -> None:
    answer = await connector.create(a_request(vendor=vendor("V-17")))

    assert isinstance(answer, Refused)
    assert (answer.failure_class, answer.owner) == (FailureClass.WAIT_FOR_DEPENDENCY, Owner.ERP_ADMIN)
    assert answer.next_step == "Add the party with this code in Tryton, then retry."


async def test_every_line_that_lacks_its_product_is_named(connector: TrytonConnector) -> None:
    answer = await connector.create(a_request(*(line(position, cost_code=f"9{position}") for position in range(1, 9))))

    assert isinstance(answer, Refused)
    assert "Line 1: cost code 91" in answer.message
    assert "Line 5: cost code 95" in answer.message
    assert answer.message.endswith("3 more lines are like these.")


async def test_a_party_that_is_added_later_lets_the_same_revision_through(
    connector: TrytonConnector, admin: TrytonRpc
) -> None:
    request = a_request(vendor=vendor("LATER"))
    assert isinstance(await connector.create(request), Refused)
    await asyncio.to_thread(admin.create, "party.party", code="LATER", name="Later Ltd")

    assert id_in(await connector.create(request))


async def test_a_deactivated_party_is_not_bought_from(connector: TrytonConnector, admin: TrytonRpc) -> None:
    party = await asyncio.to_thread(admin.create, "party.party", code="ASLEEP", name="Asleep Ltd")
    await asyncio.to_thread(admin.call, "party.party", "write", [party], {"active": False})

    answer = await connector.create(a_request(vendor=vendor("ASLEEP")))

    assert isinstance(answer, Refused)
    assert answer.code == "party_inactive"


async def test_the_settings_translate_codes_that_differ(connect: Connect) -> None:
    connector = connect(vendors={"V-17": "ACME"}, products={"CC-1": "03-300"}, units={"cbm": "Cubic meter"})

    answer = await connector.create(a_request(line(cost_code="CC-1", unit="cbm"), vendor=vendor("V-17")))

    assert id_in(answer)


async def test_a_default_product_takes_cost_codes_that_are_none(connect: Connect) -> None:
    assert id_in(await connect(default_product="03-310").create(a_request(line(cost_code="77-777"))))


async def test_a_default_unit_takes_lines_without_one(connect: Connect) -> None:
    assert id_in(await connect(default_unit="m³").create(a_request(line(unit=None))))


async def test_a_tolerance_takes_amounts_that_tryton_rounds_otherwise(connect: Connect) -> None:
    half = line(quantity="1.5", unit_cost="33.31", amount="49.97")

    assert isinstance(await connect().create(a_request(half)), Refused)
    assert id_in(await connect(rounding_tolerance="0.01").create(a_request(half)))


async def test_an_update_that_lacks_a_product_leaves_the_purchase_as_it_was(
    connector: TrytonConnector, sql: Sql
) -> None:
    request = a_request()
    document_id = id_in(await connector.create(request))

    answer = await connector.update(document_id, next_revision(request, line(cost_code="09-900")))

    assert isinstance(answer, Refused)
    rows = await asyncio.to_thread(sql, "select comment from purchase_purchase where id = :id", id=int(document_id))
    assert rows[0].comment.startswith(request.marker)


async def test_a_user_without_rights_is_told_which_right_is_missing(connect: Connect, admin: TrytonRpc) -> None:
    def add_user() -> None:
        companies = [["add", [admin.context["company"]]]]
        admin.create("res.user", name="Weak", login="weak", password="long-enough-1", companies=companies)

    await asyncio.to_thread(add_user)

    answer = await connect(user="weak", password=SecretStr("long-enough-1")).create(a_request())

    assert isinstance(answer, Refused)
    assert (answer.code, answer.failure_class) == ("UserError", FailureClass.FIX_SETUP)
    assert "lacks a right in Tryton" in answer.message


async def test_a_company_that_is_not_there_is_the_erp_admin_s(connect: Connect) -> None:
    answer = await connect(company="Nobody Ltd").create(a_request())

    assert isinstance(answer, Refused)
    assert (answer.code, answer.failure_class) == ("company_missing", FailureClass.FIX_SETUP)
    assert "Nobody Ltd" in answer.message


async def test_a_server_that_is_not_there_stores_nothing(connect: Connect) -> None:
    answer = await connect(url="http://127.0.0.1:9").create(a_request())

    assert isinstance(answer, Transient)
    assert not answer.is_reached
