"""The pages of QuickBooks over HTTP, with every button that they have."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from httpx2 import AsyncClient

from sandbox.quickbooks.erp import PASSWORD_HASH_VARIABLE, QuickBooksErp, served_quickbooks
from tests.qbxml_requests import an_add, message_set
from tests.waiting import eventually

PAGE = {"accept": "text/html"}
NOBODY = "http://127.0.0.1:9/quickbooks"


@pytest.fixture
async def erp() -> AsyncIterator[QuickBooksErp]:
    async with served_quickbooks(NOBODY, neighbours={"Approval desk": "http://127.0.0.1:8080"}) as running:
        yield running


@pytest.fixture
async def client(erp: QuickBooksErp) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(base_url=erp.url, headers=PAGE, follow_redirects=True, timeout=10) as opened:
        yield opened


def add(erp: QuickBooksErp, message_set_id: str = "1", **changes: str) -> str:
    erp.quickbooks.open_file.process(message_set(an_add(**changes), newMessageSetID=message_set_id))
    return list(erp.quickbooks.open_file.orders)[-1]


async def test_purchase_orders_are_shown_with_their_lines_and_without_scripts(
    erp: QuickBooksErp, client: AsyncClient
) -> None:
    empty = await client.get("/")
    txn_id = add(erp, Memo="&lt;script&gt;alert(1)&lt;/script&gt;")
    listing, order, missing = [
        await client.get(path) for path in ("/", f"/purchase-orders/{txn_id}", "/purchase-orders/1")
    ]

    assert "No purchase orders yet." in empty.text
    assert 'href="http://127.0.0.1:8080"' in empty.text
    assert "SC-014" in listing.text
    assert all(each in order.text for each in ("ACME", "03-300", "J-2607", "81,702.75", txn_id))
    assert "<script" not in listing.text + order.text
    assert "&lt;script&gt;" in order.text
    assert "script-src" not in order.headers["content-security-policy"]
    assert missing.status_code == 404


async def test_what_is_written_twice_is_shown_in_red(erp: QuickBooksErp, client: AsyncClient) -> None:
    add(erp)
    once = await client.get("/")
    add(erp, "2")

    assert "written twice" not in once.text
    assert "1 written twice." in (await client.get("/")).text


async def test_an_order_can_be_deleted_by_hand(erp: QuickBooksErp, client: AsyncClient) -> None:
    txn_id = add(erp)
    after = await client.post(f"/purchase-orders/{txn_id}/delete")

    assert "No purchase orders yet." in after.text
    assert "by hand" in (await client.get("/journal")).text


async def test_quickbooks_is_closed_and_opened_and_left_with_a_dialog(erp: QuickBooksErp, client: AsyncClient) -> None:
    closed = await client.post("/program", data={"is_running": "false"})
    stuck = await client.post("/program", data={"is_running": "true", "has_dialog": "true"})
    opened = await client.post("/program", data={"is_running": "true"})

    assert "QuickBooks is closed." in closed.text
    assert "A dialog is open in QuickBooks." in stuck.text
    assert (erp.quickbooks.is_running, erp.quickbooks.has_dialog) == (True, False)
    assert "alarm" not in opened.text


async def test_another_company_file_is_opened(erp: QuickBooksErp, client: AsyncClient) -> None:
    add(erp)
    other = await client.post("/company-file", data={"path": erp.quickbooks.files[1].path})
    missing = await client.post("/company-file", data={"path": "C:\\none.qbw"})

    assert "Purchase orders of Bayside Homes" in other.text
    assert "No purchase orders yet." in other.text
    assert missing.status_code == 404


async def test_a_backup_is_restored(erp: QuickBooksErp, client: AsyncClient) -> None:
    before = await client.get("/")
    await client.post("/backup")
    add(erp)
    restored = await client.post("/backup/restore")

    assert "Restore the backup" not in before.text
    assert "No purchase orders yet." in restored.text


async def test_an_entry_of_a_list_is_made_inactive(erp: QuickBooksErp, client: AsyncClient) -> None:
    entry = next(each for each in erp.quickbooks.open_file.books.lists.entries.values() if each.full_name == "03-300")
    after = await client.post(f"/lists/{entry.list_id}", data={"is_active": "false"})
    missing = await client.post("/lists/FF-1", data={"is_active": "false"})

    assert "03-300" in after.text
    assert not erp.quickbooks.open_file.books.lists.entries[entry.list_id].is_active
    assert missing.status_code == 404


async def test_an_entry_is_added_to_a_list(erp: QuickBooksErp, client: AsyncClient) -> None:
    after = await client.post("/lists", data={"kind": "Vendor", "name": " IRON WORKS "})
    taken = await client.post("/lists", data={"kind": "Vendor", "name": "Iron Works"})
    orphan = await client.post("/lists", data={"kind": "Customer", "name": "Nobody:Hall 3"})

    assert "IRON WORKS" in after.text
    assert taken.status_code == 409
    assert "Iron Works is in the list already." in taken.text
    assert "Nobody is not in the list. Add it first." in orphan.text
    erp.quickbooks.open_file.process(message_set(an_add(VendorRef={"FullName": "Iron Works"}), newMessageSetID="1"))
    assert "IRON WORKS" in (await client.get("/")).text


async def test_another_web_connector_finds_on_the_page_with_what_to_sign_in(
    erp: QuickBooksErp, client: AsyncClient
) -> None:
    page = (await client.get("/web-connector")).text

    assert all(each in page for each in (NOBODY, erp.web_connector.user, "Harbor Builders.qbw"))
    assert erp.web_connector.password.get_secret_value() in page


async def test_the_conversations_are_shown_and_the_web_connector_is_paused(
    erp: QuickBooksErp, client: AsyncClient
) -> None:
    await eventually(lambda: bool(erp.web_connector.sessions))
    running = await client.get("/web-connector")
    paused = await client.post("/web-connector", data={"is_paused": "true"})
    await client.post("/web-connector", data={"is_paused": "false"})

    assert "the application did not answer" in running.text
    assert "Nobody was there." in running.text
    assert NOBODY in running.text
    assert "The Web Connector is off," in paused.text
    assert not erp.web_connector.is_paused


async def test_the_journal_shows_what_was_asked_and_which_rules_were_broken(
    erp: QuickBooksErp, client: AsyncClient
) -> None:
    empty = await client.get("/journal")
    erp.quickbooks.open_file.process(message_set(an_add()))
    shown = await client.get("/journal")

    assert "No requests yet." in empty.text
    assert "PurchaseOrderAddRq without a newMessageSetID" in shown.text
    assert "commitment-8841" in shown.text


async def test_faults_are_switched_on_and_off_on_the_page_and_by_programs(
    erp: QuickBooksErp, client: AsyncClient
) -> None:
    form = {"kind": "refuse", "calls": "writes", "times": "2", "code": "3171", "hresult": "0x80040402"}
    on = await client.post("/faults", data=form)
    listed = (await client.get("/faults", headers={"accept": "application/json"})).json()["faults"]
    await client.post("/faults/0/off")
    replaced = await client.put("/faults", json={"faults": [{"kind": "lose_answer", "reference": "commitment-1"}]})

    assert "2 more" in on.text
    assert [(each["kind"], each["times"]) for each in listed] == [("refuse", 2)]
    assert replaced.json()["faults"][0]["reference"] == "commitment-1"
    assert [each.kind for each in erp.faults.faults] == ["lose_answer"]


async def test_the_exporter_gets_only_the_hash_of_the_password(erp: QuickBooksErp) -> None:
    password = erp.web_connector.password.get_secret_value()

    assert PasswordHasher().verify(erp.secrets[PASSWORD_HASH_VARIABLE], password)
    assert erp.secrets.keys() == {erp.connection["token_env"]}
    assert password not in str(erp.connection) + str(erp.secrets) + repr(vars(erp.web_connector))


async def test_a_story_can_have_a_write_refused_and_an_answer_lost(erp: QuickBooksErp) -> None:
    erp.refuse_once("commitment-8841", "The accounting period is closed.")
    erp.lose_answer_once("commitment-8842")
    add(erp)

    assert [(each.kind, each.reference, each.times) for each in erp.faults.faults] == [
        ("refuse", "commitment-8841", 1),
        ("lose_answer", "commitment-8842", 1),
    ]
    assert await erp.created() == {"commitment-8841": 1}


def test_no_template_has_a_script() -> None:
    folder = Path("sandbox/pages/quickbooks")

    assert [each.name for each in folder.glob("*.html") if "<script" in each.read_text()] == []
