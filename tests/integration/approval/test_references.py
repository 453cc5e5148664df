"""The entries of an ERP's lists: how they are kept, and what the desk says of names that the ERP does not have."""

from typing import Any

import pytest
from httpx2 import Response

from schemas.events import ErpList, ErpReference, EventData, MappedNames
from services.approval.rules.references import EntryName, Known
from services.approval.storage import references
from services.approval.storage.tables import ERP_REFERENCE
from tests.integration.approval import company
from tests.integration.approval.answering import mark, send
from tests.integration.approval.company import DANA, ERP, line, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import choice, follow, text_of
from tests.integration.approval.polled_erp import (
    ACME,
    ALL_ENTRIES,
    CONCRETE,
    FORMWORK,
    LISTS,
    READ_AT,
    TOWER,
    desktop,
    entry,
    linked,
    removed,
)

SC = linked("sc-1", "SC-001")
VENDOR_MISSING = "Vendor Acme Concrete is not in QuickBooks. Add it there"
OLDER, NEWER = entry("vendor", "Acme", 3, id="7"), entry("vendor", "Acme Concrete", 8, id="7")


def name(text: str, list_name: str = "vendor", connection: str = ERP) -> EntryName:
    return EntryName(connection, list_name, text)


async def known(desk: DeskUnderTest, *names: EntryName) -> Known:
    async with desk.database.begin() as db:
        return await references.find(db, names)


async def ready(desk: DeskUnderTest) -> Response:
    async with desk.browser(DANA) as browser:
        return await browser.get("/commitments?view=ready")


async def test_an_entry_is_found_by_its_name_and_by_its_id(desk: DeskUnderTest) -> None:
    await desk.receive(entry("vendor", "Acme Concrete", id="8000A-1"), entry("item", "03-100", is_active=False))

    wanted = [name("acme concrete"), name("8000a-1"), name("03-100", "item")]
    others = [name("acme"), name("acme concrete", "item"), name("acme concrete", connection="other")]

    assert await known(desk, *wanted, *others) == {wanted[0]: True, wanted[1]: True, wanted[2]: False}
    assert await known(desk) == {}


async def test_an_active_entry_counts_before_an_inactive_one_of_the_same_name(desk: DeskUnderTest) -> None:
    await desk.receive(
        entry("vendor", "Acme", id="1", is_active=False), entry("vendor", "ACME", id="2"), entry("item", "Acme", id="3")
    )
    assert await known(desk, name("acme")) == {name("acme"): True}


@pytest.mark.parametrize("told", [(OLDER, NEWER), (NEWER, OLDER), (NEWER, NEWER, OLDER)])
async def test_the_highest_version_counts_in_any_order(desk: DeskUnderTest, told: tuple[ErpReference, ...]) -> None:
    await desk.receive(*told)
    assert await known(desk, name("acme"), name("acme concrete")) == {name("acme concrete"): True}


async def test_a_removed_entry_is_not_found_and_an_older_message_does_not_bring_it_back(desk: DeskUnderTest) -> None:
    await desk.receive(NEWER, removed(NEWER), OLDER, NEWER)
    assert await known(desk, name("acme concrete"), name("7")) == {}

    await desk.receive(NEWER.model_copy(update={"version": 9}))
    assert await known(desk, name("acme concrete")) == {name("acme concrete"): True}


async def test_the_removal_of_an_entry_that_was_never_told_changes_nothing(desk: DeskUnderTest) -> None:
    await desk.receive(removed(NEWER))
    assert [row["name"] for row in await desk.consumer.rows(ERP_REFERENCE)] == [None]


async def test_a_message_that_cannot_be_read_keeps_the_entry(desk: DeskUnderTest) -> None:
    await desk.receive(ACME)
    await desk.consumer.process_messages([("erp.reference", ACME.subject, b"{")])
    assert await known(desk, name("acme concrete")) == {name("acme concrete"): True}


async def test_what_the_erp_does_not_have_is_a_warning_in_the_list_and_can_be_accepted(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(), FORMWORK, CONCRETE, TOWER, sent(SC))
    page = await ready(desk)

    assert f"Warning {VENDOR_MISSING}" in text_of(page)
    assert choice(page, "accept", "sc-1")


async def test_what_the_erp_has_is_fine(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(), *ALL_ENTRIES, sent(SC))
    assert "is not in QuickBooks" not in text_of(await ready(desk))


async def test_an_entry_that_became_inactive_is_told_as_such(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(), *ALL_ENTRIES, entry("vendor", "Acme Concrete", 2, is_active=False), sent(SC))
    assert "Vendor Acme Concrete is inactive in QuickBooks." in text_of(await ready(desk))


async def test_lists_that_were_never_read_are_not_known_in_list_and_page_and_check(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(lists=(ErpList(name="vendor"), *LISTS[1:])), *ALL_ENTRIES, sent(SC))
    page = await ready(desk)
    async with desk.browser(DANA) as browser:
        await mark(browser, choice(page, "accept", "sc-1"))
        check = text_of(await follow(browser, await send(browser)))
        detail = text_of(await browser.get("/commitments/sc-1"))

    words = "Not known It is not known whether QuickBooks has the vendor: its list has not been read to the end yet."
    assert words in text_of(page)
    assert words in check
    assert f"Vendor in QuickBooks Acme Concrete Not read yet {words}" in detail


async def test_the_page_says_when_the_lists_were_read_and_what_is_looked_for(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(), FORMWORK, sent(SC))
    async with desk.browser(DANA) as browser:
        detail = text_of(await browser.get("/commitments/sc-1"))

    read = "read Nov 16, 2026, 03:02 CST"
    assert f"Vendor in QuickBooks Acme Concrete 2 vendors, {read} Warning {VENDOR_MISSING}" in detail
    assert f"Item in QuickBooks 2 items 2 items, {read} Warning Item 03-300 is not in QuickBooks." in detail
    assert f"Job in QuickBooks J-2607 2 jobs, {read} Warning Job J-2607 is not in QuickBooks." in detail
    assert READ_AT.hour == 9  # in UTC


async def test_the_check_before_the_export_repeats_the_warning(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(), FORMWORK, CONCRETE, TOWER, sent(SC))
    page = await ready(desk)
    async with desk.browser(DANA) as browser:
        await mark(browser, choice(page, "accept", "sc-1"))
        check = text_of(await follow(browser, await send(browser)))
    assert f"Warning {VENDOR_MISSING}" in check


async def test_the_desk_looks_for_what_the_connection_will_ask_for(desk: DeskUnderTest) -> None:
    mapped = MappedNames(vendor={"Acme Concrete": "Acme, Inc."}, item={"03-100": "Concrete", "03-300": "Concrete"})
    named = (("vendor", "ACME, INC."), ("item", "Concrete"))
    await desk.receive(desktop(mapped=mapped), TOWER, *(entry(*each) for each in named), sent(SC))
    page = text_of(await ready(desk))
    assert "is not in QuickBooks" not in page


async def test_entries_under_a_former_name_of_the_connection_do_not_count(desk: DeskUnderTest) -> None:
    former = [each.model_copy(update={"connection": "old-books"}) for each in ALL_ENTRIES]
    await desk.receive(desktop(formerly=("old-books",)), *former, sent(SC))
    assert VENDOR_MISSING in text_of(await ready(desk))


async def test_each_commitment_is_checked_against_the_lists_of_its_own_erp(desk: DeskUnderTest) -> None:
    euros = desktop(name="europe", title="European books", version=1, currencies=("EUR",))
    in_euros = linked("sc-2", "SC-002", currency="EUR")
    await desk.receive(euros, desktop(priority=1), *ALL_ENTRIES, sent(SC), sent(in_euros))
    page = text_of(await ready(desk))
    assert "Vendor Acme Concrete is not in European books." in page
    assert "is not in QuickBooks" not in page


async def findings(desk: DeskUnderTest, received: dict[str, Any], *events: EventData) -> list[dict[str, Any]]:
    await desk.receive(*events, sent(received))
    async with desk.browser(DANA) as browser:
        answer = await browser.get(f"/api/v1/commitments/{received['id']}")
    found: list[dict[str, Any]] = answer.json()["submissions"][0]["findings"]
    return found


async def test_the_api_tells_the_same(desk: DeskUnderTest) -> None:
    (finding,) = await findings(desk, SC, desktop(), FORMWORK, CONCRETE, TOWER)
    assert (finding["rule"], finding["is_blocking"], finding["is_known"]) == ("vendor in the ERP", False, True)
    assert finding["text"].startswith(VENDOR_MISSING)


async def test_two_thousand_cost_codes_are_looked_up_at_once(desk: DeskUnderTest) -> None:
    lines = [line(n, f"C-{n}", "Works", "1.00") for n in range(1, 2_001)]
    many = linked("sc-9", "SC-009", total="2000.00", lines=lines)
    (finding,) = await findings(desk, many, desktop(), ACME, TOWER, *(entry("item", f"C-{n}") for n in range(3, 60)))
    assert finding["text"].startswith("Items C-1, C-2, C-60, C-61, C-62 and 1,938 more are not in QuickBooks.")


async def test_accepting_it_all_the_same_exports_it(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(), sent(SC))
    async with desk.browser(DANA) as browser:
        state = (await browser.get("/api/v1/commitments/sc-1")).json()
        answer = {"revision": 1, "content_hash": state["content_hash"]}
        accepted = await browser.post("/api/v1/commitments/sc-1/accept", json=answer)
    assert (accepted.status_code, accepted.json()["status"]) == (200, "exporting")
    assert await desk.published("decision.accepted")


async def test_entries_of_one_batch_are_kept_together(desk: DeskUnderTest) -> None:
    first, second = entry("vendor", "Acme", 1, id="7"), entry("vendor", "Acme Two", 2, id="7")
    events = [first, removed(first), second, *ALL_ENTRIES, removed(ACME)]
    await desk.consumer.process(*map(company.event, events))
    assert await known(desk, name("acme"), name("acme two"), name("acme concrete")) == {name("acme two"): True}
