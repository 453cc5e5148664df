"""The `lambda_erp` connector on a real Lambda ERP: what it writes is read back from the ERP's own tables."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from sandbox.servers.postgres import create_database, drop_database
from schemas.commitment import Commitment
from schemas.fields import FailureClass, Owner
from services.exporter.connectors.lambda_erp import LambdaErpConnector, LambdaErpSettings
from services.exporter.connectors.types import (
    ErpCopy,
    ErpLine,
    Exists,
    FoundDocument,
    Gone,
    Landed,
    Refused,
    Transient,
    Unknown,
    WriteRequest,
)
from services.exporter.storage import tables
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, ExporterProcess
from tests.integration.exporter.losing_proxy import losing_proxy
from tests.lambda_erp import COMPANY, LambdaErp, act_on_order, api_key, create_order, create_supplier, set_up
from tests.unit.exporter.builders import accepted_event, commitment_json

pytestmark = pytest.mark.lambda_erp
HASH = "0" * 64
VENDOR = "V-9"


@pytest.fixture(scope="module")
def erp(postgres: str) -> Iterator[LambdaErp]:
    """A Lambda ERP with one company and the vendor of our commitments."""
    url = create_database(postgres, "lambda_erp")
    with LambdaErp(url) as server:
        set_up(server)
        with server.admin() as admin:
            supplier = {"name": VENDOR, "supplier_name": "Strong Concrete"}
            admin.post("/masters/supplier", json=supplier).raise_for_status()
        yield server
    drop_database(postgres, "lambda_erp")


@pytest.fixture(scope="module")
def key(erp: LambdaErp) -> str:
    """An API key that may write."""
    return api_key(erp)


@pytest.fixture
async def lambda_erp(erp: LambdaErp, key: str) -> AsyncIterator[LambdaErpConnector]:
    """A connector that may write."""
    async with connector(erp.url, key) as connected:
        yield connected


@asynccontextmanager
async def connector(
    url: str, key: str, timeout_seconds: float = 30, company: str = COMPANY
) -> AsyncIterator[LambdaErpConnector]:
    settings = LambdaErpSettings(
        name="main",
        kind="lambda_erp",
        title="Lambda",
        companies=("co-1",),
        url=url,
        company=company,
        timeout_seconds=timeout_seconds,
    )
    connected = LambdaErpConnector(settings, SecretStr(key))
    yield connected
    await connected.close()


def request(reference: str, revision: int = 1, **members: Any) -> WriteRequest:
    """A write of our usual commitment; `members` replace some of its content."""
    commitment = Commitment.model_validate(commitment_json(reference) | members)
    return WriteRequest(reference, f"{reference}/{revision}/{HASH}", "co-1", revision, commitment)


def line(position: int, quantity: str, unit_cost: str, amount: str) -> dict[str, Any]:
    return {
        "position": position,
        "description": f"Line {position}",
        "quantity": quantity,
        "unit": "m3",
        "unit_cost": unit_cost,
        "amount": amount,
    }


async def rows(erp: LambdaErp, statement: str, **values: str) -> list[Any]:
    """Read, or change, the ERP's tables."""
    engine = create_async_engine(erp.database_url, poolclass=NullPool)
    async with engine.begin() as connection:
        return list(await connection.execute(text(statement), values))


async def orders(erp: LambdaErp, reference: str) -> list[Any]:
    statement = 'SELECT * FROM "Purchase Order" WHERE external_reference LIKE :reference ORDER BY external_reference'
    return await rows(erp, statement, reference=f"{reference}%")


async def landed(connected: LambdaErpConnector, written: WriteRequest) -> FoundDocument:
    answer = await connected.create(written)
    assert isinstance(answer, Landed), answer
    (document,) = answer.documents
    return document


async def test_a_commitment_becomes_a_purchase_order_in_the_erps_own_tables(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    asked = replace(request("new-1"), note="Ask for Ada.", accounting_date=date(2026, 11, 30))
    document = await landed(lambda_erp, asked)

    (order,) = await orders(erp, "new-1")
    assert (order.name, order.supplier, order.company) == (document.id, VENDOR, COMPANY)
    assert (order.grand_total, order.currency, order.transaction_date) == (480250.0, "USD", "2026-11-30")
    assert (order.external_source, order.status) == ("countersign", "Draft")
    assert order.remarks.split("\n") == [
        f"new-1/1/{HASH}",
        "SC-014 Concrete, level 2",
        "Retainage: 10.0 %",
        "Ask for Ada.",
        "https://projects.example.com/commitments/14",
    ]
    (item,) = await rows(erp, 'SELECT * FROM "Purchase Order Item" WHERE parent = :name', name=document.id)
    assert (item.item_name, item.description, item.external_line_reference) == ("03-300", "Slab", "1")
    assert (item.qty, item.uom, item.rate, item.amount) == (12.5, "m3", 38420.0, 480250.0)


async def test_an_order_is_found_by_its_reference_with_its_marker(lambda_erp: LambdaErpConnector) -> None:
    assert await lambda_erp.find("find-1") == ()
    document = await landed(lambda_erp, request("find-1"))
    assert await lambda_erp.find("find-1") == (document,)
    assert document.marker == f"find-1/1/{HASH}"
    assert await lambda_erp.find("find") == ()


async def test_an_update_replaces_the_content_and_keeps_the_order(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    document = await landed(lambda_erp, request("update-1"))
    changed = request("update-1", 2, total="30.00", lines=[line(1, "2", "10", "20"), line(2, "1", "10", "10")])
    for _ in range(2):
        answer = await lambda_erp.update(document.id, changed)
        assert answer == Landed((FoundDocument(document.id, document.id, marker=changed.marker),))

    (order,) = await orders(erp, "update-1")
    assert (order.grand_total, order.remarks.split("\n")[0]) == (30.0, changed.marker)
    items = await rows(erp, 'SELECT amount FROM "Purchase Order Item" WHERE parent = :name', name=document.id)
    assert sorted(item.amount for item in items) == [10.0, 20.0]


async def test_an_order_that_a_person_named_as_the_commitments_is_found_as_ours_once_it_is_updated(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    theirs = create_order(erp, supplier=VENDOR)
    assert await lambda_erp.find("adopted-1") == ()
    assert isinstance(await lambda_erp.update(theirs, request("adopted-1")), Landed)
    assert await lambda_erp.find("adopted-1") == (FoundDocument(theirs, theirs, marker=f"adopted-1/1/{HASH}"),)


async def test_a_line_that_the_erp_would_round_otherwise_is_ordered_as_a_lump_sum(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    lines = [line(1, "3", "33.333333", "100.01"), line(2, "0", "7", "7.00"), line(3, "1.5", "2", "3.00")]
    document = await landed(lambda_erp, request("round-1", total="110.01", lines=lines))

    (order,) = await orders(erp, "round-1")
    assert order.grand_total == 110.01
    items = await rows(erp, 'SELECT * FROM "Purchase Order Item" WHERE parent = :name ORDER BY idx', name=document.id)
    assert [(item.qty, item.rate, item.amount) for item in items] == [
        (1.0, 100.01, 100.01),
        (1.0, 7.0, 7.0),
        (1.5, 2.0, 3.0),
    ]
    assert items[0].description == "Line 1 (3 m3 at 33.333333)"


async def test_the_tax_that_a_company_usually_adds_is_not_added_to_what_was_approved(erp: LambdaErp, key: str) -> None:
    with erp.admin() as admin:
        company = {"name": "Zug Bau", "country": "CH", "currency": "CHF"}
        admin.post("/setup/company", json=company).raise_for_status()
    theirs = create_order(
        erp, company="Zug Bau", supplier=VENDOR, currency="CHF", external_source="bridge", external_reference="tax-2"
    )
    async with connector(erp.url, key, company="Zug Bau") as zug:
        taxed = await zug.read(theirs)
        assert isinstance(taxed, ErpCopy)
        assert taxed.total == Decimal("5.41")
        await landed(zug, request("tax-1", currency="CHF"))

    (order,) = await orders(erp, "tax-1")
    assert (order.grand_total, order.currency) == (480250.0, "CHF")


async def test_a_vendor_that_the_erp_does_not_have_is_a_task_for_its_admin(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    vendor = {"id": "v-2", "name": "Nobody Ltd", "erp_code": "V-404"}
    answer = await lambda_erp.create(request("vendor-1", vendor=vendor))

    assert isinstance(answer, Refused)
    assert (answer.failure_class, answer.owner) == (FailureClass.WAIT_FOR_DEPENDENCY, Owner.ERP_ADMIN)
    assert answer.message.startswith("Lambda ERP has no supplier for Nobody Ltd (V-404): ")
    assert await orders(erp, "vendor-1") == []


async def test_a_vendor_without_a_code_is_the_only_supplier_of_its_name(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    asked = request("vendor-2", vendor={"id": "v-3", "name": "Named & Sons"})
    missing = await lambda_erp.create(asked)
    assert isinstance(missing, Refused)
    assert missing.code == "vendor_missing"

    supplier = create_supplier(erp, "Named & Sons")
    await landed(lambda_erp, asked)
    (order,) = await orders(erp, "vendor-2")
    assert order.supplier == supplier

    create_supplier(erp, "Named & Sons")
    ambiguous = await lambda_erp.create(replace(asked, reference="vendor-3"))
    assert isinstance(ambiguous, Refused)
    assert ambiguous.code == "vendor_ambiguous"


async def test_a_wrong_key_is_a_matter_of_set_up(erp: LambdaErp) -> None:
    async with connector(erp.url, "sk_erp_wrong") as wrong:
        for answer in (await wrong.find("key-1"), await wrong.create(request("key-1")), await wrong.read("PO-0001")):
            assert isinstance(answer, Refused)
            assert (answer.failure_class, answer.code) == (FailureClass.FIX_SETUP, "http_401")
            assert answer.message == "Lambda ERP does not accept the API key: Invalid API key."


async def test_a_key_that_may_only_read_is_a_matter_of_set_up(erp: LambdaErp) -> None:
    async with connector(erp.url, api_key(erp, "viewer")) as viewer:
        assert await viewer.find("key-2") == ()
        answer = await viewer.create(request("key-2"))
    assert isinstance(answer, Refused)
    assert (answer.failure_class, answer.code) == (FailureClass.FIX_SETUP, "http_403")


async def test_the_erp_itself_refuses_a_second_order_for_a_commitment(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    assert lambda_erp.enforces_reference
    document = await landed(lambda_erp, request("twice-1"))
    assert await lambda_erp.create(request("twice-1", 2)) == Exists(document)
    assert len(await orders(erp, "twice-1")) == 1


async def test_of_several_orders_at_once_one_is_stored(erp: LambdaErp, lambda_erp: LambdaErpConnector) -> None:
    answers = await asyncio.gather(*(lambda_erp.create(request("race-1")) for _ in range(4)))

    (order,) = await orders(erp, "race-1")
    assert [type(answer) for answer in answers].count(Landed) == 1
    assert {answer.document.id for answer in answers if isinstance(answer, Exists)} == {order.name}


async def test_an_order_of_somebody_else_with_our_reference_is_found_beside_ours(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    theirs = create_order(erp, supplier=VENDOR, external_source="bridge", external_reference="both-1")
    ours = await landed(lambda_erp, request("both-1"))
    found = await lambda_erp.find("both-1")
    assert {document.id: document.marker for document in found if isinstance(document, FoundDocument)} == {
        theirs: None,
        ours.id: ours.marker,
    }

    act_on_order(erp, ours.id, "discard")
    later = await landed(lambda_erp, request("both-1", 2))
    found = await lambda_erp.find("both-1")
    assert {document.id for document in found if isinstance(document, FoundDocument)} == {theirs, later.id}


async def test_an_order_whose_answer_is_lost_is_in_doubt_and_then_found(
    erp: LambdaErp, lambda_erp: LambdaErpConnector, key: str
) -> None:
    async with losing_proxy(erp.url) as proxy, connector(proxy.url, key) as connected:
        proxy.loses = "POST"
        answer = await connected.create(request("lost-1"))
        assert isinstance(answer, Unknown)
        assert answer.refusal is None

        (found,) = await connected.find("lost-1")
        assert (found,) == await lambda_erp.find("lost-1")
        proxy.loses = "PUT"
        assert isinstance(found, FoundDocument)
        assert isinstance(await connected.update(found.id, request("lost-1", 2)), Unknown)
    (updated,) = await lambda_erp.find("lost-1")
    assert isinstance(updated, FoundDocument)
    assert updated.marker == f"lost-1/2/{HASH}"


async def test_an_erp_that_does_not_answer_in_time_leaves_a_write_in_doubt(erp: LambdaErp, key: str) -> None:
    async with connector(erp.url, key, timeout_seconds=0.5) as connected:
        with erp.paused():
            assert isinstance(await connected.create(request("slow-1")), Unknown)
            assert isinstance(await connected.find("slow-1"), Transient)


async def test_an_erp_that_is_not_there_has_stored_nothing(key: str) -> None:
    async with connector("http://127.0.0.1:9", key) as connected:
        assert isinstance(await connected.create(request("away-1")), Transient)


@pytest.mark.parametrize("acts", [("submit", "cancel"), ("discard",)])
async def test_an_order_that_is_cancelled_or_discarded_is_gone_and_can_be_created_anew(
    erp: LambdaErp, lambda_erp: LambdaErpConnector, acts: tuple[str, ...]
) -> None:
    reference = f"anew-{acts[0]}"
    former = await landed(lambda_erp, request(reference))
    for act in acts:
        act_on_order(erp, former.id, act)

    assert await lambda_erp.find(reference) == ()
    assert isinstance(await lambda_erp.update(former.id, request(reference, 2)), Gone)
    assert isinstance(await lambda_erp.read(former.id), Gone)
    undone = await lambda_erp.create(request(reference))
    assert isinstance(undone, Refused)
    assert undone.code == "order_cancelled"
    document = await landed(lambda_erp, request(reference, 2))
    assert await lambda_erp.find(reference) == (document,)
    assert await lambda_erp.create(request(reference, 3)) == Exists(document)
    assert [order.external_reference for order in await orders(erp, reference)] == [reference, f"{reference}~2"]
    copy = await lambda_erp.read(document.id)
    assert isinstance(copy, ErpCopy)
    assert copy.reference == reference


async def test_an_order_whose_number_has_a_slash_is_not_taken_for_gone(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    name = create_order(erp, name="PO/slash", supplier=VENDOR)
    for answer in (await lambda_erp.read(name), await lambda_erp.update(name, request("slash-1"))):
        assert isinstance(answer, Refused)
        assert not isinstance(answer, Gone)
        assert answer.code == "number_with_slash"


async def test_an_order_that_never_was_is_gone(lambda_erp: LambdaErpConnector) -> None:
    assert isinstance(await lambda_erp.update("PO-404", request("gone-1")), Gone)
    assert isinstance(await lambda_erp.read("PO-404"), Gone)


async def test_a_submitted_order_is_final_until_accounting_cancels_it(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    document = await landed(lambda_erp, request("final-1"))
    act_on_order(erp, document.id, "submit")

    answer = await lambda_erp.update(document.id, request("final-1", 2))

    assert isinstance(answer, Refused)
    assert not isinstance(answer, Gone)
    assert (answer.code, answer.owner) == ("order_submitted", Owner.APPROVER)
    assert await lambda_erp.find("final-1") == (document,)


async def test_a_number_that_an_approver_chooses_becomes_the_orders(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    document = await landed(lambda_erp, replace(request("number-1"), erp_code="SC 14.ä"))
    assert document.id == document.number == "SC 14.ä"
    assert isinstance(await lambda_erp.update(document.id, request("number-1", 2)), Landed)

    taken = await lambda_erp.create(replace(request("number-2"), erp_code="SC 14.ä"))
    assert isinstance(taken, Refused)
    assert taken.message == "Lambda ERP already has a purchase order SC 14.ä."
    assert await orders(erp, "number-2") == []


async def test_a_currency_without_a_rate_is_a_task_for_the_admin(lambda_erp: LambdaErpConnector) -> None:
    answer = await lambda_erp.create(request("rate-1", currency="JPY"))
    assert isinstance(answer, Refused)
    assert (answer.failure_class, answer.owner) == (FailureClass.WAIT_FOR_DEPENDENCY, Owner.ERP_ADMIN)
    assert answer.message.startswith("Lambda ERP has no exchange rate for JPY: ")


async def test_an_update_in_another_currency_does_not_keep_the_old_rate(
    erp: LambdaErp, lambda_erp: LambdaErpConnector
) -> None:
    document = await landed(lambda_erp, request("rate-2"))
    refused = await lambda_erp.update(document.id, request("rate-2", 2, currency="CHF"))
    assert isinstance(refused, Refused)

    rate = """INSERT INTO "Currency Exchange" (name, date, from_currency, to_currency, exchange_rate)
              VALUES ('CHF-USD', '2026-01-01', 'CHF', 'USD', 1.25) RETURNING name"""
    await rows(erp, rate)  # its API has no way to enter one
    assert isinstance(await lambda_erp.update(document.id, request("rate-2", 2, currency="CHF")), Landed)
    (order,) = await orders(erp, "rate-2")
    assert (order.currency, order.conversion_rate, order.base_grand_total) == ("CHF", 1.25, 600312.5)


async def test_an_order_is_read_as_the_erp_has_it_now(erp: LambdaErp, lambda_erp: LambdaErpConnector) -> None:
    document = await landed(lambda_erp, request("read-1"))
    copy = await lambda_erp.read(document.id)
    assert copy == ErpCopy(document, "read-1", Decimal("480250.00"), "USD", (ErpLine(Decimal("480250.00"), 1, "Slab"),))

    with erp.admin() as admin:
        items = [{"description": "Slab", "qty": 1, "rate": 7}]
        admin.put(f"/documents/purchase-order/{document.id}", json={"items": items}).raise_for_status()
    changed = await lambda_erp.read(document.id)
    assert isinstance(changed, ErpCopy)
    assert (changed.total, changed.lines) == (Decimal(7), (ErpLine(Decimal(7), None, "Slab"),))


async def test_a_check_finds_everything_in_order(lambda_erp: LambdaErpConnector) -> None:
    checked = await lambda_erp.check()
    assert [each.what for each in checked] == ["API key", f"company {COMPANY}", "purchase orders"]
    assert [each.problem for each in checked] == [None, None, None]


async def test_a_check_names_what_is_wrong(erp: LambdaErp, key: str) -> None:
    async with connector(erp.url, key, company="Nobody") as elsewhere:
        _, company, _ = await elsewhere.check()
        assert company.problem is not None
        assert "no company Nobody" in company.problem
    async with connector(erp.url, "sk_erp_wrong") as wrong:
        (sign_in,) = await wrong.check()
        assert sign_in.problem == (
            "Lambda ERP does not accept the API key: Invalid API key. Create an API key with the role manager, switch "
            "REST API access on in Lambda ERP's settings, and give the exporter the key."
        )
    async with connector(erp.url, api_key(erp, "viewer")) as viewer:
        (role,) = await viewer.check()
        assert role.problem == "The API key has the role viewer; create one with the role manager."


async def test_an_export_whose_answer_is_lost_becomes_one_order(
    erp: LambdaErp, key: str, exporter: ExporterProcess
) -> None:
    async with losing_proxy(erp.url) as proxy, connector(proxy.url, key) as connected:
        process = exporter.with_connector(connected)
        await process.consume(accepted_event(commitment_id="whole-1"))
        proxy.loses = "POST"
        await process.work_once()
        assert await process.export_states() == ["in_doubt"]

        proxy.loses = None
        process.clock.advance(SETTLE_SECONDS + 1)
        await process.work_once()

    (order,) = await orders(erp, "whole-1")
    event = await process.last_published()
    assert event.data.topic == "export.succeeded"
    assert event.data.erp_document.id == order.name


async def test_an_order_that_is_cancelled_while_its_answer_is_in_doubt_is_not_written_once_more(
    erp: LambdaErp, key: str, exporter: ExporterProcess
) -> None:
    async with losing_proxy(erp.url) as proxy, connector(proxy.url, key) as connected:
        process = exporter.with_connector(connected)
        await process.consume(accepted_event(commitment_id="whole-3"))
        proxy.loses = "POST"
        await process.work_once()
        (order,) = await orders(erp, "whole-3")
        act_on_order(erp, order.name, "discard")

        proxy.loses = None
        process.clock.advance(SETTLE_SECONDS + 1)
        await process.work_once()

    failed = await process.last_published()
    assert (failed.data.failure.code, failed.data.failure.owner) == ("order_cancelled", Owner.APPROVER)
    assert len(await orders(erp, "whole-3")) == 1


async def test_an_exporter_that_has_forgotten_an_export_writes_no_second_order(
    erp: LambdaErp, key: str, exporter: ExporterProcess
) -> None:
    async with connector(erp.url, key) as connected:
        process = exporter.with_connector(connected)
        await process.consume(accepted_event(commitment_id="whole-4"))
        await process.work_once()
        async with process.database.begin() as db:
            await db.execute(tables.EXPORT.delete())
        await process.consume(accepted_event(commitment_id="whole-4"))
        await process.work_once()

    assert (await process.last_published()).data.topic == "export.succeeded"
    assert len(await orders(erp, "whole-4")) == 1


async def test_an_order_whose_answer_is_too_large_is_found_afterwards(erp: LambdaErp, key: str) -> None:
    lines = [line(position, "1", "1", "1.00") | {"description": "Slab" * 80} for position in range(1, 2_001)]
    async with connector(erp.url, key) as connected:
        answer = await connected.create(request("large-1", total="2000.00", lines=lines))
        assert isinstance(answer, Unknown)
        assert answer.refusal is not None
        (found,) = await connected.find("large-1")
    assert isinstance(found, FoundDocument)
    assert found.marker == f"large-1/1/{HASH}"


async def test_the_largest_commitment_becomes_one_order(lambda_erp: LambdaErpConnector) -> None:
    lines = [line(position, "1", "1", "1.00") for position in range(1, 2_001)]
    document = await landed(lambda_erp, request("large-2", total="2000.00", lines=lines))
    copy = await lambda_erp.read(document.id)
    assert isinstance(copy, ErpCopy)
    assert [each.position for each in copy.lines or ()] == list(range(1, 2_001))


async def test_a_cancelled_order_is_created_anew_only_by_an_approvers_order(
    erp: LambdaErp, key: str, exporter: ExporterProcess
) -> None:
    async with connector(erp.url, key) as connected:
        process = exporter.with_connector(connected)
        await process.consume(accepted_event(commitment_id="whole-2"))
        await process.work_once()
        succeeded = await process.last_published()
        document = succeeded.data.erp_document
        for act in ("submit", "cancel"):
            act_on_order(erp, document.id, act)
        await process.consume(accepted_event(2, commitment_id="whole-2", title="Level 3"))
        await process.work_once()
        failed = await process.last_published()
        assert failed.data.failure.code == "document_gone"
        assert len(await orders(erp, "whole-2")) == 1

        await process.consume(accepted_event(2, 2, commitment_id="whole-2", title="Level 3", replaces=document))
        await process.work_once()

    assert (await process.last_published()).data.topic == "export.succeeded"
    assert [(order.external_reference, order.status) for order in await orders(erp, "whole-2")] == [
        ("whole-2", "Cancelled"),
        ("whole-2~2", "Draft"),
    ]
