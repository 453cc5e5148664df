"""What the connector writes stands in Tryton's own tables, word for word and to the cent."""

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from time import monotonic

import pytest

from sandbox.tryton.rpc import TrytonRpc
from sandbox.tryton.running import FilledTryton
from schemas.fields import FailureClass, Owner
from services.exporter.connectors.tryton import TrytonConnector
from services.exporter.connectors.tryton_mapping import Mapped
from services.exporter.connectors.types import FoundDocument, Gone, Refused, Transient, WriteRequest
from tests.integration.exporter.tryton.conftest import Connect, Sql, settings_for
from tests.integration.exporter.tryton.requests import a_request, id_in, line, next_revision

PURCHASE = "select * from purchase_purchase where id = :id"
LINES = """
select line.sequence, line.quantity, line.unit_price, line.description, product.code, uom.symbol
from purchase_line line
join product_product product on product.id = line.product
join product_uom uom on uom.id = line.unit
where line.purchase = :id order by line.sequence
"""


async def test_a_created_purchase_is_a_draft_with_our_reference_and_marker(
    connector: TrytonConnector, sql: Sql
) -> None:
    request = a_request(title="Concrete works")

    document_id = id_in(await connector.create(request))

    (purchase,) = await asyncio.to_thread(sql, PURCHASE, id=int(document_id))
    assert (purchase.state, purchase.reference) == ("draft", request.reference)
    assert purchase.comment.splitlines()[0] == request.marker
    assert purchase.description == "SC-014 Concrete works"


async def test_the_comment_holds_what_tryton_has_no_field_for(connector: TrytonConnector, sql: Sql) -> None:
    document_id = id_in(await connector.create(a_request(description="From level 1 to 18.")))

    (purchase,) = await asyncio.to_thread(sql, PURCHASE, id=int(document_id))
    assert purchase.comment.splitlines()[1:] == [
        "Job J-100 Harbour Hall",
        "Retainage 10.0 %",
        "As agreed.",
        "From level 1 to 18.",
    ]


async def test_lines_keep_position_product_unit_quantity_and_price(connector: TrytonConnector, sql: Sql) -> None:
    second = line(7, cost_code="05-120", unit="t", quantity="0.125", unit_cost="2480.0000", amount="310.00")

    document_id = id_in(await connector.create(a_request(line(2), second)))

    assert await asyncio.to_thread(sql, LINES, id=int(document_id)) == [
        (2, 102.5, Decimal("797.10"), "Slab", "03-300", "m³"),
        (7, 0.125, Decimal(2480), "Slab", "05-120", "t"),
    ]


async def test_other_scripts_arrive_unchanged(connector: TrytonConnector, sql: Sql) -> None:
    words = "Größe 3 m² — “Straße” 漢字 🏗 é"

    document_id = id_in(await connector.create(a_request(line(description=words), title=words)))

    (purchase,) = await asyncio.to_thread(sql, PURCHASE, id=int(document_id))
    assert purchase.description == f"SC-014 {words}"
    assert (await asyncio.to_thread(sql, LINES, id=int(document_id)))[0].description == words


async def test_the_approvers_date_is_the_purchase_s_and_the_number_stands_in_the_comment(
    connector: TrytonConnector, sql: Sql
) -> None:
    """Tryton numbers purchases itself, once they are quoted, and lets nobody else do it."""
    request = replace(a_request(), erp_code="PO-7001", accounting_date=date(2026, 11, 3))

    document_id = id_in(await connector.create(request))

    (purchase,) = await asyncio.to_thread(sql, PURCHASE, id=int(document_id))
    assert (purchase.number, purchase.purchase_date) == (None, date(2026, 11, 3))
    assert "Number asked for: PO-7001" in purchase.comment


async def test_a_created_purchase_is_found_by_its_reference(connector: TrytonConnector) -> None:
    request = a_request()

    document_id = id_in(await connector.create(request))

    url = f"http://tryton.example/purchases/{document_id}"
    assert await connector.find(request.reference) == (FoundDocument(document_id, None, url, request.marker),)


async def test_nothing_is_found_for_a_reference_that_only_begins_alike(connector: TrytonConnector) -> None:
    request = a_request()
    await connector.create(request)

    assert await connector.find(request.reference[:-1]) == ()


async def test_two_purchases_with_one_reference_are_both_found(connector: TrytonConnector) -> None:
    """Tryton takes a second one; the exporter must see both."""
    request = a_request()
    ids = {id_in(await connector.create(request)), id_in(await connector.create(request))}

    found = await connector.find(request.reference)

    assert isinstance(found, tuple)
    assert {each.id for each in found if isinstance(each, FoundDocument)} == ids
    assert len(ids) == 2


async def test_a_cancelled_purchase_is_still_found(connector: TrytonConnector, admin: TrytonRpc) -> None:
    request = a_request()
    document_id = id_in(await connector.create(request))
    await asyncio.to_thread(admin.call, "purchase.purchase", "cancel", [int(document_id)])

    found = await connector.find(request.reference)

    assert isinstance(found, tuple)
    assert len(found) == 1


async def test_a_marker_that_people_have_moved_down_is_still_read(connector: TrytonConnector, admin: TrytonRpc) -> None:
    request = a_request()
    document_id = id_in(await connector.create(request))
    moved = {"comment": f"Checked by Kim.\n  {request.marker}\nAs agreed."}
    await asyncio.to_thread(admin.call, "purchase.purchase", "write", [int(document_id)], moved)

    found = await connector.find(request.reference)

    assert isinstance(found, tuple)
    assert [each.marker for each in found if isinstance(each, FoundDocument)] == [request.marker]


async def test_an_update_replaces_the_lines_of_a_draft(connector: TrytonConnector, sql: Sql) -> None:
    request = a_request(line(1), line(2))
    document_id = id_in(await connector.create(request))
    changed = next_revision(request, line(1, quantity="10", amount="7971.00"), title="Less concrete")

    answer = await connector.update(document_id, changed)

    assert id_in(answer) == document_id
    (purchase,) = await asyncio.to_thread(sql, PURCHASE, id=int(document_id))
    assert (purchase.description, purchase.comment.splitlines()[0]) == ("SC-014 Less concrete", changed.marker)
    assert [(each.sequence, each.quantity) for each in await asyncio.to_thread(sql, LINES, id=int(document_id))] == [
        (1, 10.0)
    ]


async def test_the_same_update_twice_changes_nothing_more(connector: TrytonConnector, sql: Sql) -> None:
    request = a_request()
    document_id = id_in(await connector.create(request))
    changed = next_revision(request, line(1), line(2))

    await connector.update(document_id, changed)
    await connector.update(document_id, changed)

    assert len(await asyncio.to_thread(sql, LINES, id=int(document_id))) == 2


@pytest.mark.parametrize(
    ("buttons", "state", "next_step"),
    [
        (["quote"], "quotation", "set it back to draft"),
        (["quote", "confirm"], "confirmed", "agree on a change order"),
        (["cancel"], "cancelled", "or to delete it"),
    ],
)
async def test_an_update_of_what_is_no_draft_is_refused_by_its_state(
    connector: TrytonConnector, admin: TrytonRpc, sql: Sql, buttons: list[str], state: str, next_step: str
) -> None:
    request = a_request()
    document_id = id_in(await connector.create(request))
    for button in buttons:
        await asyncio.to_thread(admin.call, "purchase.purchase", button, [int(document_id)])

    answer = await connector.update(document_id, next_revision(request))

    assert isinstance(answer, Refused)
    assert (answer.code, answer.owner) == (f"state_{state}", Owner.APPROVER)
    assert state in answer.message
    assert next_step in (answer.next_step or "")
    (purchase,) = await asyncio.to_thread(sql, PURCHASE, id=int(document_id))
    assert purchase.comment.splitlines()[0] == request.marker


async def test_a_change_between_reading_and_writing_is_not_overwritten(
    tryton: FilledTryton, connector: TrytonConnector, admin: TrytonRpc, sql: Sql
) -> None:
    """An accountant saves just then: Tryton refuses our write, and it may be tried again."""
    request = a_request()
    document_id = id_in(await connector.create(request))

    class Slow(TrytonConnector):
        async def _mapped(self, request: WriteRequest, company: int, deadline: float) -> Mapped:
            saved = {"description": "Changed by Kim"}
            await asyncio.to_thread(admin.call, "purchase.purchase", "write", [int(document_id)], saved)
            return await super()._mapped(request, company, deadline)

    slow = Slow(settings_for(tryton.server.base_url), tryton.connector_password)
    answer = await slow.update(document_id, next_revision(request))
    await slow.close()

    assert isinstance(answer, Transient)
    assert answer.code == "ConcurrencyException"
    (purchase,) = await asyncio.to_thread(sql, PURCHASE, id=int(document_id))
    assert purchase.description == "Changed by Kim"


async def test_an_update_of_a_deleted_purchase_says_that_it_is_gone(
    connector: TrytonConnector, admin: TrytonRpc
) -> None:
    request = a_request()
    document_id = id_in(await connector.create(request))
    await asyncio.to_thread(admin.call, "purchase.purchase", "delete", [int(document_id)])

    answer = await connector.update(document_id, next_revision(request))

    assert isinstance(answer, Gone)
    assert await connector.find(request.reference) == ()


@pytest.mark.alone
async def test_two_thousand_lines_are_one_purchase(connector: TrytonConnector, sql: Sql) -> None:
    request = a_request(*(line(position) for position in range(1, 2001)))
    began = monotonic()

    document_id = id_in(await connector.create(request))

    assert monotonic() - began < connector._settings.timeout_seconds
    rows = await asyncio.to_thread(sql, LINES, id=int(document_id))
    assert [each.sequence for each in rows] == list(range(1, 2001))


async def test_a_commitment_without_lines_is_an_empty_purchase(connector: TrytonConnector, sql: Sql) -> None:
    request = a_request(lines=[], total="0.00")
    document_id = id_in(await connector.create(request))

    assert id_in(await connector.update(document_id, next_revision(request, lines=[], total="0.00"))) == document_id
    assert await asyncio.to_thread(sql, LINES, id=int(document_id)) == []


async def test_lines_without_products_take_any_unit(connect: Connect, sql: Sql) -> None:
    connector = connect(has_products=False)

    document_id = id_in(
        await connector.create(a_request(line(cost_code="99-999", unit="u", quantity="3", amount="2391.30")))
    )

    rows = await asyncio.to_thread(
        sql, "select product, note from purchase_line where purchase = :id", id=int(document_id)
    )
    assert rows == [(None, "Cost code 99-999, type S")]


async def test_a_purchase_of_the_payment_term_in_the_settings(connect: Connect, sql: Sql) -> None:
    document_id = id_in(await connect(payment_term="30 days").create(a_request()))

    rows = await asyncio.to_thread(
        sql,
        "select term.name from purchase_purchase p "
        "join account_invoice_payment_term term on term.id = p.payment_term where p.id = :id",
        id=int(document_id),
    )
    assert rows == [("30 days",)]


async def test_a_refusal_of_tryton_itself_stores_nothing(connector: TrytonConnector) -> None:
    request = a_request(line(unit_cost="1.123456", quantity="10", amount="11.23"))

    answer = await connector.create(request)

    assert isinstance(answer, Refused)
    assert answer.failure_class is FailureClass.FIX_DATA
    assert "1.123456" in answer.message
    assert await connector.find(request.reference) == ()
