"""The desk shows what differs in the ERP, and lets an approver export it again, unlink it or leave it."""

import json
from datetime import date
from typing import Any

from schemas.commitment import ErpDocument
from schemas.events import Change, ExportDrifted
from schemas.fields import FailureClass, Owner
from services.pipeline.clock import utc_now
from tests.integration.approval import company
from tests.integration.approval.answering import mark, send
from tests.integration.approval.company import DANA, KIM, content
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import choice, follow, hidden_fields, text_of

SC = content("8841", "SC-014")
PAGE = "/commitments/8841"
STILL_REFERENCED = (
    "If SC-014 still carries our reference 8841 in QuickBooks, the next export finds and updates it. "
    "If that is not wanted, remove the reference there first."
)
CHANGED = (Change(field="Total", before="USD 480,250.00", after="USD 470,250.00"),)


def drifted(version: int = 1, *, is_missing: bool = False) -> ExportDrifted:
    return company.drifted(SC, version, () if is_missing else CHANGED)


async def receive_synced(desk: DeskUnderTest, *more: ExportDrifted) -> None:
    await desk.receive(company.sent(SC), company.accepted(SC), company.succeeded(SC), *more)


async def decided(desk: DeskUnderTest, topic: str) -> list[dict[str, Any]]:
    return [json.loads(each)["data"] for each in await desk.published(topic)]


async def test_what_differs_is_listed_and_shown_with_both_values(desk: DeskUnderTest) -> None:
    await receive_synced(desk)
    async with desk.browser(DANA) as browser:
        assert "Differs in the ERP" not in text_of(await browser.get("/commitments?view=synced"))
    await desk.receive(drifted())
    async with desk.browser(KIM) as browser:
        listed = text_of(await browser.get("/commitments?view=differing"))
        found = text_of(await browser.get("/commitments?view=differing&q=SC-014"))
        page = text_of(await browser.get(PAGE))

    for shown in (listed, found):
        assert "Total was USD 480,250.00, is USD 470,250.00" in shown
    assert "Differs in QuickBooks" in page
    assert "Total USD 480,250.00 USD 470,250.00" in page


async def test_an_approver_exports_it_again(desk: DeskUnderTest) -> None:
    await receive_synced(desk, drifted())
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get(PAGE), "/export-again")
        without = await browser.post(f"{PAGE}/export-again", data=fields)
        done = await follow(browser, await browser.post(f"{PAGE}/export-again", data=fields | {"why": "By mistake."}))
        counts = (await browser.get("/commitments?view=exporting")).text

    assert (without.status_code, 'id="why-problem"' in without.text) == (422, True)
    assert "Recorded. SC-014 is being exported to QuickBooks again. No new approval is needed." in text_of(done)
    (order,) = await decided(desk, "decision.accepted")
    assert (order["round"], order["reopened"], "replaces" in order, order["why"]) == (2, 1, False, "By mistake.")
    assert "note" not in order  # the ERP's note is the one that was approved
    assert "Differs in the ERP" not in counts


async def test_a_document_that_is_missing_is_written_anew_by_default(desk: DeskUnderTest) -> None:
    await receive_synced(desk, drifted(is_missing=True))
    async with desk.browser(DANA) as browser:
        page = await browser.get(PAGE)
        assert "QuickBooks no longer has SC-014." in text_of(page)
        assert "still carries our reference" not in text_of(page)
        assert 'name="replaces" value="yes" checked' in page.text
        fields = hidden_fields(page, "/export-again") | {"why": "Restored.", "replaces": "yes"}
        await follow(browser, await browser.post(f"{PAGE}/export-again", data=fields))

    (order,) = await decided(desk, "decision.accepted")
    assert order["replaces"]["id"] == "erp-8841"


async def test_an_approver_leaves_it_as_the_erp_has_it(desk: DeskUnderTest) -> None:
    await receive_synced(desk, drifted())
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get(PAGE), "/accept-drift") | {"why": "Change order 1."}
        done = await follow(browser, await browser.post(f"{PAGE}/accept-drift", data=fields))
        page = await browser.get(PAGE)

    assert "Recorded. SC-014 stays in QuickBooks as it is there." in text_of(done)
    assert "Differs in QuickBooks" not in text_of(page)
    assert "Dana Ruiz left it as the ERP has it" in text_of(page)
    left = text_of(page).split("Left as it is in QuickBooks", 1)[1].split("Decision", 1)[0]
    assert left.startswith(" Dana Ruiz left it so on ")
    assert "Note from Dana Ruiz Change order 1. Exported, and as it is in QuickBooks" in left
    assert "USD 480,250.00" in left
    (accepted,) = await decided(desk, "decision.drift_accepted")
    assert (accepted["version"], accepted["note"]) == (1, "Change order 1.")


async def test_what_differs_by_now_has_to_be_read_first(desk: DeskUnderTest) -> None:
    await receive_synced(desk, drifted())
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get(PAGE), "/accept-drift") | {"why": "Change order 1."}
        await desk.receive(drifted(2, is_missing=True))
        late = await browser.post(f"{PAGE}/accept-drift", data=fields)

    assert late.status_code == 409
    assert "SC-014 no longer differs in the ERP as you read it. Your answer was not recorded." in text_of(late)


async def test_an_approver_unlinks_a_wrong_document(desk: DeskUnderTest) -> None:
    await receive_synced(desk)
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get(PAGE), "/unlink") | {"reason": "That is the order of another job."}
        unconfirmed = await browser.post(f"{PAGE}/unlink", data=fields)
        done = await follow(browser, await browser.post(f"{PAGE}/unlink", data=fields | {"unlinked": "yes"}))

    assert (unconfirmed.status_code, 'id="unlinked-problem"' in unconfirmed.text) == (422, True)
    assert "Unlinked from SC-014 and given back. SC-014 is editable again." in text_of(done)
    assert "SC-014 was not changed in QuickBooks. Ana Gil and Sam Lee will get an email." in text_of(done)
    hint = "it becomes a new document, unless SC-014 still carries our reference 8841 in QuickBooks: then that one is"
    assert hint in text_of(unconfirmed)
    assert STILL_REFERENCED in text_of(unconfirmed)
    (rejection,) = await decided(desk, "decision.rejected")
    assert (rejection["unlinks"]["id"], rejection["reopened"], rejection["round"]) == ("erp-8841", 1, 2)
    status = (await decided(desk, "commitment.status"))[-1]
    assert (status["status"], status["editable"], status["locked_fields"]) == ("rejected", True, [])
    await desk.receive(company.resent(SC))
    async with desk.browser(DANA) as browser:
        assert STILL_REFERENCED in text_of(await browser.get(PAGE))


async def test_accepting_from_the_list_asks_first_whether_the_unlinked_document_is_to_be_updated(
    desk: DeskUnderTest,
) -> None:
    await receive_synced(desk)
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get(PAGE), "/unlink") | {"reason": "Not ours.", "unlinked": "yes"}
        await follow(browser, await browser.post(f"{PAGE}/unlink", data=fields))
        await desk.receive(company.resent(SC))
        chosen = choice(await browser.get("/commitments"), "accept", "8841")
        await mark(browser, chosen)
        check = await follow(browser, await send(browser))

    assert "Check before export" in text_of(check)
    assert f"Warning {STILL_REFERENCED}" in text_of(check)
    assert await decided(desk, "decision.accepted") == []


async def test_of_two_documents_the_approver_chooses_the_wrong_one(desk: DeskUnderTest) -> None:
    await receive_synced(desk)
    other = ErpDocument(connection=company.QUICKBOOKS.name, id="erp-2", number="PO-2")
    await desk.receive(company.succeeded(SC).model_copy(update={"erp_document": other}))
    async with desk.browser(DANA) as browser:
        page = await browser.get(PAGE)
        assert '<option value="erp-2">PO-2</option>' in page.text
        assert "write to another one of them" in text_of(page)
        assert "It keeps its other documents" in text_of(page)
        fields = hidden_fields(page, "/export-again")
        answer = fields | {"why": "PO-2 was deleted.", "document": "erp-2", "replaces": "yes"}
        done = await follow(browser, await browser.post(f"{PAGE}/export-again", data=answer))

    (order,) = await decided(desk, "decision.accepted")
    assert (order["replaces"]["id"], order["updates"]["id"]) == ("erp-2", "erp-8841")
    assert "SC-014 is being exported to SC-014 in QuickBooks again." in text_of(done)


async def test_nothing_is_offered_to_those_who_may_only_read(desk: DeskUnderTest) -> None:
    await receive_synced(desk, drifted())
    async with desk.browser(KIM) as browser:
        page = await browser.get(PAGE)
        forged = await browser.post(
            f"{PAGE}/export-again", data={"revision": "1", "reopened": "0", "document": "erp-8841", "why": "Mine."}
        )

    assert "/export-again" not in page.text
    assert forged.status_code == 403


async def test_a_form_that_was_tampered_with_is_refused(desk: DeskUnderTest) -> None:
    await receive_synced(desk, drifted())
    async with desk.browser(DANA) as browser:
        whole = {"revision": "1", "reopened": "0", "document": "erp-8841", "version": "1", "why": "Mine."}
        wrong = ({"reopened": "-1"}, {"reopened": "x"}, {"document": ""}, {"reopened": "9" * 40})
        answers = [await browser.post(f"{PAGE}/export-again", data=whole | each) for each in wrong]
        version = await browser.post(f"{PAGE}/accept-drift", data=whole | {"version": "9" * 16})

    assert [answer.status_code for answer in answers] == [400] * 4
    assert version.status_code == 400


async def test_a_document_that_the_erp_does_not_have_is_said_and_another_can_be_named(desk: DeskUnderTest) -> None:
    doubt = company.in_doubt(SC)
    await desk.receive(company.sent(SC), company.accepted(SC), doubt)
    named = {"found": "yes", "document_number": "PO-9999", "evidence": "I saw it in the list."}
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get(PAGE), "/settle")
        await follow(browser, await browser.post(f"{PAGE}/settle", data=fields | named))
        waiting = text_of(await browser.get(PAGE))
        asked = "PO-9999 was named as its document, but the ERP has no PO-9999."
        await desk.receive(doubt.model_copy(update={"asked": asked, "refused_evidence": 1, "probes": 1}))
        refused = await browser.get(PAGE)
        fields = hidden_fields(refused, "/settle")
        await follow(
            browser, await browser.post(f"{PAGE}/settle", data=fields | named | {"document_number": "PO-1001"})
        )

    assert "This has been settled and is being confirmed." in waiting
    assert asked in text_of(refused)
    first, second = await decided(desk, "decision.resolved")
    assert [(each["evidence"], each["document"]["number"]) for each in (first, second)] == [
        (1, "PO-9999"),
        (2, "PO-1001"),
    ]


async def test_an_accounting_date_of_a_closed_period_is_refused_and_can_be_given_anew(desk: DeskUnderTest) -> None:
    dated = {"accounting_date": date(2025, 1, 31), "erp_code": "PO-77"}
    await desk.receive(company.sent(SC), company.accepted(SC).model_copy(update=dated), company.succeeded(SC))
    async with desk.browser(DANA) as browser:
        page = await browser.get(PAGE)
        fields = hidden_fields(page, "/export-again") | {"why": "By mistake.", "erp_code": "PO-77"}
        refused = await browser.post(f"{PAGE}/export-again", data=fields | {"accounting_date": "2025-01-31"})
        none_yet = await decided(desk, "decision.accepted")
        today = utc_now().date().isoformat()
        await follow(browser, await browser.post(f"{PAGE}/export-again", data=fields | {"accounting_date": today}))

    assert 'value="2025-01-31"' in page.text
    assert (refused.status_code, 'id="accounting_date-problem"' in refused.text) == (422, True)
    assert none_yet == []
    (order,) = await decided(desk, "decision.accepted")
    assert (order["accounting_date"], order["erp_code"]) == (today, "PO-77")


async def test_an_export_that_failed_for_its_accounting_date_is_retried_with_another(desk: DeskUnderTest) -> None:
    failure = company.failed(SC, FailureClass.FIX_DATA, "The period is closed.", code="accounting_date")
    by_approver = failure.model_copy(update={"failure": failure.failure.model_copy(update={"owner": Owner.APPROVER})})
    await desk.receive(company.sent(SC), company.accepted(SC), by_approver)
    async with desk.browser(DANA) as browser:
        listed = (await browser.get("/commitments?view=failed")).text
        today = utc_now().date().isoformat()
        fields = hidden_fields(await browser.get(PAGE), "/retry") | {"accounting_date": today}
        await follow(browser, await browser.post(f"{PAGE}/retry", data=fields))

    assert f'href="{PAGE}#retry"' in listed
    (order,) = await decided(desk, "decision.accepted")
    assert (order["round"], order["accounting_date"]) == (2, today)


async def test_a_title_that_the_erp_no_longer_takes_is_said_before_it_is_exported_again(desk: DeskUnderTest) -> None:
    await receive_synced(desk)
    stricter = company.QUICKBOOKS.limits.model_copy(update={"title_characters": 5})
    await desk.receive(company.QUICKBOOKS.model_copy(update={"version": 2, "limits": stricter}))
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get(PAGE), "/export-again") | {"why": "By mistake."}
        blocked = await browser.post(f"{PAGE}/export-again", data=fields)

    assert blocked.status_code == 409
    assert "and re-send it. Nothing was exported." in text_of(blocked)
    assert await decided(desk, "decision.accepted") == []
