"""The connector and the company file of the sandbox, which were written apart, understand each other."""

from sandbox.quickbooks.books import ITEMS, company_file
from sandbox.quickbooks.company_file import CompanyFile
from sandbox.quickbooks.hresult import HresultError
from services.exporter.connectors.pull import ListPage, LostWrite, Occasion, Question, Reply
from services.exporter.connectors.quickbooks.connector import QuickBooksDesktop
from services.exporter.connectors.types import ErpCopy, Gone, Landed, Refused, Transient, WriteRequest
from tests.unit.exporter.connectors.quickbooks.order_requests import line, request, settings, speaking
from tests.unit.exporter.connectors.quickbooks.quickbooks_driver import Driver
from tests.unit.exporter.connectors.quickbooks.test_finding import SENT_AT

NUMBERS = ("SC-014",)


def driver_to(file: CompanyFile) -> Driver:
    return Driver(file.process)


def asked(revision: int = 1, **members: object) -> WriteRequest:
    project = {"id": "pr-1", "name": "Pier", "erp_job_code": "Port Authority:Pier 7"}
    vendor = {"id": "v-1", "name": "Acme", "erp_code": "ACME"}
    return request(revision, **({"project": project, "vendor": vendor, "lines": [line(1), line(2)]} | members))


async def test_an_order_is_created_changed_found_and_read() -> None:
    file = company_file()
    driver = driver_to(file)
    connector = speaking(driver, Occasion("set-1", NUMBERS))
    assert await connector.find("c-1") == ()
    landed = await connector.create(asked(title="Größe “q” ő"))
    assert isinstance(landed, Landed)
    [document] = landed.documents

    later = asked(2, lines=[line(1, amount="7.77"), line(2), line(3, quantity="0", amount="0.01")])
    connector = speaking(driver, Occasion("set-2", NUMBERS, (document.id,)))
    assert await connector.find("c-1") == (document,)
    assert isinstance(await connector.update(document.id, later), Landed)
    copy = await connector.read("SC-014")  # type: ignore[attr-defined]

    assert isinstance(copy, ErpCopy)
    assert (copy.document.marker, str(copy.total)) == (later.marker, "17.78")
    assert [str(each.amount) for each in copy.lines or ()] == ["7.77", "10.00", "0.01"]
    assert len(file.orders) == 1
    assert file.journal.violations == []


async def test_an_answer_that_was_lost_is_found_again_and_nothing_is_written_twice() -> None:
    file = company_file()
    driver = driver_to(file)
    driver.scripted = [None]
    await speaking(driver, Occasion("set-1", NUMBERS)).create(asked())
    lost = Occasion("set-2", NUMBERS, lost=LostWrite("set-1", SENT_AT))
    assert [each.marker for each in await speaking(driver, lost).find("c-1")] == [asked().marker]  # type: ignore[union-attr]
    assert [each.marker for each in await speaking(driver, lost).find("c-1")] == [asked().marker]  # type: ignore[union-attr]


async def test_a_write_that_never_arrived_leaves_nothing_to_find() -> None:
    lost = Occasion("set-2", NUMBERS, lost=LostWrite("set-1", SENT_AT))
    assert await speaking(driver_to(company_file()), lost).find("c-1") == ()


async def test_a_change_after_an_accountants_is_made_on_what_is_there_now() -> None:
    file = company_file()
    driver = driver_to(file)
    await speaking(driver, Occasion("set-1", NUMBERS)).create(asked())
    connector = speaking(driver, Occasion("set-2", NUMBERS))
    await connector.find("c-1")
    [order] = file.orders.values()
    order.edit_sequence += 5
    assert isinstance(await connector.update(order.txn_id, asked(2)), Landed)
    assert str(order.head["Memo"]).startswith(asked(2).marker)


async def test_a_deleted_order_is_gone() -> None:
    file = company_file()
    driver = driver_to(file)
    await speaking(driver, Occasion("set-1", NUMBERS)).create(asked())
    connector = speaking(driver, Occasion("set-2", NUMBERS))
    await connector.find("c-1")
    [order_id] = file.orders
    file.delete_by_hand(order_id)
    assert isinstance(await connector.update(order_id, asked(2)), Gone)
    assert isinstance(await speaking(driver, Occasion("set-3")).update(order_id, asked(2)), Gone)
    assert await speaking(driver, Occasion("set-4", NUMBERS, (order_id,))).find("c-1") == ()


async def test_what_is_missing_in_the_lists_is_named() -> None:
    driver = driver_to(company_file())
    vendor = {"id": "v-1", "name": "Nobody", "erp_code": "NOBODY"}
    refusal = await speaking(driver, Occasion("set-1", NUMBERS)).create(asked(vendor=vendor))
    assert isinstance(refusal, Refused)
    assert refusal.message == "Vendor NOBODY is not in QuickBooks: it must be there under exactly this name."
    refusal = await speaking(driver, Occasion("set-2")).create(asked(lines=[line(4, cost_code="99-999")]))
    assert isinstance(refusal, Refused)
    assert refusal.message.startswith("Line 4: Item 99-999 is not in QuickBooks")


async def test_a_version_that_quickbooks_does_not_speak_is_for_the_admin() -> None:
    file = company_file()

    async def ask(question: Question) -> Reply:
        try:
            return Reply(file.process(question.text))
        except HresultError as error:
            return Reply("", error.hresult, error.detail)

    connector = QuickBooksDesktop(settings(qbxml_version="99.0"), None).speaking(ask, Occasion("set-1", NUMBERS))
    refusal = await connector.find("c-1")
    assert isinstance(refusal, (Refused, Transient))


def test_its_items_are_listed() -> None:
    file, connector = company_file(), QuickBooksDesktop(settings(), None)
    page = connector.list_page("item", Reply(file.process(connector.list_question("item", None).text)))
    assert isinstance(page, ListPage)
    assert {each.name for each in page.entries} >= ITEMS.keys()
    assert page.next_page is None
