"""The pages of the approval desk on a real database."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.fields import FailureClass
from schemas.links import sign_unsubscribe
from schemas.snapshot import Snapshot
from services.pipeline.clock import utc_now
from services.pipeline.legible import legible
from tests.integration.approval import company
from tests.integration.approval.answering import READY, choose, confirm, mark, send
from tests.integration.approval.company import (
    ANA,
    DANA,
    EVE,
    KIM,
    LEE,
    PAT,
    SAM,
    content,
    failed,
    in_doubt,
    mailed,
    resent,
    retrieved,
    sent,
    succeeded,
)
from tests.integration.approval.desk import LINK_SECRET, DeskUnderTest
from tests.integration.approval.page_reader import accepts, choice, follow, hidden_fields, text_of

CONCRETE = content("8841", "SC-014")
CORRECTED = CONCRETE | {
    "lines": [CONCRETE["lines"][0], company.line(2, "03-310", "Cast-in-place concrete", "80250.00")]
}
MARKUP = '<script>alert("x")</script>'


async def test_a19_a_commitment_is_accepted_exported_and_synced(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await follow(browser, await browser.get("/"))
        assert "Commitments - Ready to be Exported" in page.text
        assert 'href="/commitments?view=ready" aria-current="page"' in page.text
        done = await follow(browser, await choose(browser, choice(page, "accept", "8841")))
        assert "Accepted. SC-014 is being exported to QuickBooks; this usually takes a few minutes." in text_of(done)
        assert "Nothing is waiting for your answer." in text_of(done)
        exporting = await browser.get("/commitments?view=exporting")
        assert "SC-014 Concrete works QuickBooks Dana Ruiz" in text_of(exporting)
        await desk.receive(succeeded(CONCRETE))
        synced = await browser.get("/commitments?view=synced")
        assert 'href="https://erp.example/po/17"' in synced.text
        assert "number, vendor, title, status" in text_of(synced)
    assert len(await desk.published("decision.accepted")) == 1


async def test_a19_a_commitment_is_rejected_corrected_and_accepted(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    reason = "Line 2: cost code 03-300 is closed. Use 03-310."
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        done = await follow(browser, await choose(browser, choice(page, "reject", "8841"), reason=reason))
        assert "Rejected. SC-014 is editable again. Ana Gil and Sam Lee will get an email." in text_of(done)
        rejected = await browser.get("/commitments?view=rejected")
        assert reason in text_of(rejected)
        assert 'type="radio"' not in rejected.text
        await desk.receive(mailed(CONCRETE, ANA), resent(CORRECTED, note="Moved to 03-310."))
        one = text_of(await browser.get("/commitments/8841"))
        assert "Dana Ruiz rejected revision 1 " + reason in one
        assert "Note from Sam Lee Moved to 03-310." in one
        assert "Line 2 cost code 03-300 03-310" in one
        assert "Mail to Ana Gil about the rejection: sent." in one
        await mark(browser, choice(await browser.get(READY), "accept", "8841"))
        sent_at_once = await send(browser)
        assert sent_at_once.headers["location"].startswith("/review")
        check = await browser.get(sent_at_once.headers["location"])
        assert "Check before export" in text_of(check)
        assert "Line 2 cost code: 03-300 → now 03-310" in text_of(check)
        assert "Export 1 commitment" in text_of(check)
        assert "Accepted. SC-014" in text_of(await follow(browser, await confirm(browser, check)))
    assert len(await desk.published("decision.rejected")) == len(await desk.published("decision.accepted")) == 1


@pytest.mark.parametrize("who", [KIM, PAT])
async def test_a6_a_viewer_has_no_controls_and_a_forced_answer_is_refused(desk: DeskUnderTest, who: Any) -> None:
    await desk.receive(sent(CONCRETE))
    sentence = (
        "You can view this tool. Accepting and rejecting need Standard or Admin on ERP Integrations "
        "and 'Can Push to Accounting'."
    )
    async with desk.browser(who) as browser:
        for address in (READY, "/commitments/8841"):
            page = await browser.get(address)
            assert sentence in text_of(page)
            assert 'name="mark"' not in page.text
            assert "/review" not in page.text
            assert 'name="reason"' not in page.text
            assert 'class="badge"' not in page.text
        value = f"accept:1:{Snapshot.of(CONCRETE).content_hash}:8841"
        for forced in (
            await mark(browser, value),
            await browser.post("/review", data={"choice-1": value}),
            await browser.get("/review"),
            await browser.get("/reject-several"),
            await browser.post("/reject-several", data={"choice-1": value, "reason": "No."}),
            await browser.post("/commitments/8841/accept", data={"revision": "1"}),
            await browser.post("/commitments/8841/reject", data={"revision": "1", "reason": "No."}),
            await browser.post("/commitments/8841/retry", data={"revision": "1", "round": "1"}),
            await browser.post("/commitments/8841/settle", data={"revision": "1", "round": "1"}),
        ):
            assert forced.status_code == 403
            assert sentence in text_of(forced)
    assert not await desk.published("decision.accepted")


async def test_people_without_a_level_or_a_directory_entry_see_nothing(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    stranger = company.directory_person("person-nobody", "No Body")
    for who, sentence in ((SAM, "You have no level"), (stranger, "directory does not list you")):
        async with desk.browser(who) as browser:
            page = await browser.get(READY)
            assert page.status_code == 403
            assert sentence in text_of(page)
            assert "SC-014" not in page.text


async def test_a_revoked_right_ends_at_once(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        await desk.receive(DANA.model_copy(update={"version": 2, "can_push_to_accounting": False}))
        refused = await mark(browser, choice(page, "accept", "8841"))
        assert refused.status_code == 403
        assert 'class="badge"' not in (await browser.get(READY)).text


async def test_another_companys_commitment_is_not_found(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(EVE) as browser:
        assert "Nothing is waiting" in text_of(await browser.get(READY))
        value = f"accept:1:{Snapshot.of(CONCRETE).content_hash}:8841"
        for answer in (
            await browser.get("/commitments/8841"),
            await browser.post("/commitments/8841/reject", data={"revision": "1", "reason": "No."}),
            await browser.post("/commitments/8841/retry", data={"revision": "1", "round": "1"}),
            await mark(browser, value),
            await browser.get(f"{READY}&item=8841"),
        ):
            assert answer.status_code == 404
            assert "SC-014" not in answer.text
    assert not await desk.published("decision.rejected")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "", "origin": "https://elsewhere.example"},
        {"sec_fetch_site": "", "origin": "null"},
        {"sec_fetch_site": ""},
    ],
)
async def test_an_answer_from_another_sites_page_is_refused(desk: DeskUnderTest, headers: dict[str, str]) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA, **headers) as browser:
        page = await browser.get(READY)
        assert page.status_code == 200
        for refused in (
            await mark(browser, choice(page, "accept", "8841")),
            await browser.post("/review", data={"choice-1": choice(page, "accept", "8841")}),
            await browser.post("/commitments/8841/reject", data={"revision": "1", "reason": "No."}),
            await browser.post("/api/v1/commitments/8841/retry", json={"revision": 1, "round": 1}),
            await browser.post("/sign-out"),
        ):
            assert refused.status_code == 403
        assert (await browser.get(READY)).status_code == 200
    assert not await desk.published("decision.accepted")


async def test_without_fetch_metadata_the_origin_counts(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA, sec_fetch_site="", origin=desk.settings.public_url) as browser:
        page = await browser.get(READY)
        assert (await mark(browser, choice(page, "accept", "8841"))).status_code == 303


async def test_markup_in_any_text_is_shown_as_text(desk: DeskUnderTest) -> None:
    hostile = content(
        "x<i>",
        MARKUP,
        url="https://pm.example/commitments/x?a='b'&c",
        title=MARKUP,
        description=MARKUP,
        project={"id": "p<i>", "name": MARKUP},
        vendor={"id": "v", "name": MARKUP},
        creator={"id": "c", "name": MARKUP, "email": "c@example.org"},
        lines=[
            company.line(1, MARKUP, MARKUP, "480250.00") | {"unit": MARKUP, "tax_code": MARKUP, "cost_type": MARKUP}
        ],
    )
    path = "/commitments/x%3Ci%3E"
    await desk.receive(
        company.QUICKBOOKS.model_copy(update={"version": 2, "limits": company.LimitsProfile(), "title": MARKUP}),
        company.directory_person("h", MARKUP, email="h@example.org"),
        sent(hostile, note=MARKUP),
    )
    async with desk.browser(DANA) as browser:
        pages = [await browser.get(READY), await browser.get(path), await browser.get("/directory")]
        fields = hidden_fields(pages[1], "/reject")
        pages.append(await browser.post(f"{path}/reject", data={**fields, "reason": MARKUP + "x" * 4000}))
        pages.append(await browser.post(f"{path}/reject", data={**fields, "revision": "7", "reason": MARKUP}))
        pages.append(await follow(browser, await browser.post(f"{path}/reject", data={**fields, "reason": MARKUP})))
        pages.append(await browser.get("/commitments?view=rejected"))
        changed = hostile | {"title": f"{MARKUP}2"}
        await desk.receive(resent(changed, note=MARKUP))
        pages.extend(
            [
                await browser.get(path),
                await mark(browser, choice(await browser.get(READY), "reject", "x<i>"), reason=MARKUP + "x" * 4000),
            ]
        )
        await desk.receive(
            company.accepted(changed, 2), failed(changed, FailureClass.FIX_SETUP, MARKUP, code=MARKUP, next_step=MARKUP)
        )
        pages.extend(
            [
                await browser.get("/commitments?view=all"),
                await browser.get(path),
                await browser.get(f"/commitments?q={MARKUP}"),
            ]
        )
        pages.append(await browser.get(f"/commitments?view=failed&q={MARKUP}"))
    for page in pages:
        assert "&lt;script&gt;" in page.text, text_of(page)
        assert "<script>" not in page.text
        assert "<i>" not in page.text


async def test_a20_an_answer_after_a_colleagues_is_a_conflict(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as dana, desk.browser(LEE) as lee:
        late = await lee.get("/commitments/8841")
        page = await dana.get(READY)
        await choose(dana, choice(page, "accept", "8841"))
        fields = hidden_fields(late, "/reject") | {"reason": "I had typed this."}
        refused = await lee.post("/commitments/8841/reject", data=fields)
    assert refused.status_code == 409
    assert "Dana Ruiz accepted SC-014 at " in text_of(refused)
    assert "Your answer was not recorded." in text_of(refused)
    assert "I had typed this." in refused.text
    assert not await desk.published("decision.rejected")


async def test_what_was_retrieved_is_listed_with_what_was_rejected(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), retrieved(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = text_of(await browser.get("/commitments?view=rejected"))
        assert "Sam Lee retrieved SC-014. It can be edited and re-sent. Retrieved by Sam Lee" in page
        assert 'href="/commitments?view=rejected" aria-current="page"' in (await browser.get("/commitments/8841")).text


async def test_a21_an_answer_to_a_retrieved_commitment_is_a_conflict(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        await desk.receive(retrieved(CONCRETE))
        refused = await mark(browser, choice(page, "accept", "8841"))
    assert refused.status_code == 409
    assert "Sam Lee retrieved SC-014 at 09:02" in text_of(refused)
    assert "It no longer waits. Your answer was not recorded." in text_of(refused)


async def test_a22_an_answer_to_an_older_revision_shows_the_difference_and_a_new_form(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments/8841")
        await desk.receive(resent(CORRECTED), resent(CORRECTED | {"title": "Concrete, all of it"}, 3))
        fields = hidden_fields(page, "/reject") | {"reason": "Still my reason."}
        refused = await browser.post("/commitments/8841/reject", data=fields)
        assert refused.status_code == 409
        assert "SC-014 is now revision 3; you read revision 1. Nothing was exported." in text_of(refused)
        assert "Changes since revision 1, which you read" in text_of(refused)
        assert "Line 2 cost code 03-300 03-310" in text_of(refused)
        assert 'name="reason" rows="4">Still my reason.</textarea>' in refused.text
        assert hidden_fields(refused, "/reject")["revision"] == "3"
        again = await browser.post(
            "/commitments/8841/reject", data=hidden_fields(refused, "/reject") | {"reason": "So."}
        )
        assert "Rejected. SC-014" in text_of(await follow(browser, again))


async def test_a11_a16_a17_a_blocked_row_offers_no_accept_and_says_why(desk: DeskUnderTest) -> None:
    wrong_total = content("w", "SC-015", total="480300.00")
    taken, cut = content("t", "RIV-SC-2026-009"), content("k", "RIV-SC-2026-014")
    await desk.receive(
        sent(wrong_total), sent(taken), company.accepted(taken), succeeded(taken), sent(cut), sent(CONCRETE)
    )
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        assert "Blocked SC-015 cannot be accepted: its total is USD 50.00 more than its lines." in text_of(page)
        assert (
            "QuickBooks keeps 11 characters. RIV-SC-2026-014 would become RIV-SC-2026, already used by RIV-SC-2026-009."
        ) in text_of(page)
        assert {value.rpartition(":")[2] for value in accepts(page)} == {"8841"}
        one = await browser.get("/commitments/w")
        assert "/accept" not in one.text
        assert "Difference USD 50.00" in text_of(one)
        forced = await mark(
            browser, choice(await browser.get(f"{READY}&item=w"), "reject", "w").replace("reject", "accept")
        )
        assert forced.status_code == 409
        assert "they have to be lines of their own. Nothing was exported." in text_of(forced)
    assert not await desk.published("decision.accepted")


async def test_an_answer_on_the_desk_starts_a_trace(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        await choose(browser, choice(await browser.get(READY), "accept", "8841"))
    (decision,) = await desk.published("decision.accepted")
    assert '"traceparent":"00-' in decision


async def test_two_contents_under_one_revision_can_only_be_rejected(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), sent(CORRECTED))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        assert not accepts(page)
        one = text_of(await browser.get("/commitments/8841"))
        assert "Revision 1 arrived twice with different content" in one
        assert "Line 2 cost code" in one
        done = await choose(browser, choice(page, "reject", "8841"), reason="Send it again.")
        assert "Rejected. SC-014" in text_of(await follow(browser, done))


@pytest.mark.parametrize(
    ("reason", "problem"),
    [
        ("", "Enter a reason for rejecting SC-014"),
        (" \n ", "Enter a reason for rejecting SC-014"),
        ("long " * 1000, "The reason has 4,999 characters; shorten it to 4,000 or fewer"),
        ("a\x00b", "The reason contains a character that cannot be stored (U+0000)"),
    ],
)
@pytest.mark.parametrize("from_list", [True, False])
async def test_a4_a13_an_invalid_reason_is_explained_beside_the_field_and_kept(
    desk: DeskUnderTest, reason: str, problem: str, *, from_list: bool
) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        if from_list:
            value = choice(await browser.get(READY), "reject", "8841")
            refused = await mark(browser, value, reason=reason)
            assert f'value="{value}"' in refused.text
        else:
            fields = hidden_fields(await browser.get("/commitments/8841"), "/reject")
            refused = await browser.post("/commitments/8841/reject", data=fields | {"reason": reason})
    assert refused.status_code == 422
    assert "<title>Error: " in refused.text
    assert f'<a href="#reason">{problem}</a>' in refused.text
    assert "There is a problem" in refused.text
    assert "autofocus" in refused.text
    assert f">{legible(reason)}</textarea>" in refused.text
    assert not await desk.published("decision.rejected")


async def test_accepting_on_the_page_sends_the_erp_code_and_the_accounting_date(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    today = utc_now().date().isoformat()
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get("/commitments/8841"), "/accept")
        typed = {"erp_code": "PO-7", "accounting_date": today, "note": "As agreed."}
        for odd in ("soon", "20261130", "2026-W48-1", "30.11.2026", "26-11-30"):
            wrong = await browser.post("/commitments/8841/accept", data=fields | typed | {"accounting_date": odd})
            assert wrong.status_code == 422
            assert "Enter the accounting date as year-month-day" in text_of(wrong)
            assert 'value="PO-7"' in wrong.text
        assert "Accepted." in text_of(
            await follow(browser, await browser.post("/commitments/8841/accept", data=fields | typed))
        )
    (decision,) = await desk.published("decision.accepted")
    assert '"erp_code":"PO-7"' in decision
    assert f'"accounting_date":"{today}"' in decision
    assert '"note":"As agreed."' in decision


async def test_what_the_erp_does_not_take_is_refused_beside_its_field(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    today = utc_now().astimezone(ZoneInfo(DANA.time_zone)).date()
    first, last = today - timedelta(days=366), today + timedelta(days=366)
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments/8841")
        fields = hidden_fields(page, "/accept")
        typed = {"accounting_date": "0026-11-22", "erp_code": "PO-777777777", "note": "As agreed."}
        wrong = await browser.post("/commitments/8841/accept", data=fields | typed)
    assert f"From {first} to {last}." in text_of(page)
    assert wrong.status_code == 422
    for field, text in (
        ("accounting_date", f"QuickBooks takes accounting dates from {first} to {last}, not 0026-11-22"),
        ("erp_code", "QuickBooks takes 11 characters in the document number; PO-777777777 has 12"),
    ):
        assert f'<p class="field-problem" id="{field}-problem"><span class="hidden">Error: </span>{text}' in wrong.text
        assert f'value="{typed[field]}" aria-invalid="true"' in wrong.text
    assert "As agreed." in wrong.text
    assert not await desk.published("decision.accepted")


async def test_a25_a_failed_export_is_retried_without_another_approval(desk: DeskUnderTest) -> None:
    await desk.receive(
        sent(CONCRETE),
        company.accepted(CONCRETE),
        failed(CONCRETE, FailureClass.WAIT_FOR_DEPENDENCY, "QuickBooks has no vendor Acme Concrete.", code="3140"),
    )
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments?view=failed")
        assert "QuickBooks has no vendor Acme Concrete. Accounting approver" in text_of(page)
        fields = hidden_fields(page, "/retry")
        first = await follow(browser, await browser.post("/commitments/8841/retry", data=fields))
        assert "SC-014 will be tried again. No new approval is needed." in text_of(first)
        assert "No failed exports." in text_of(first)
        second = await follow(browser, await browser.post("/commitments/8841/retry", data=fields))
        assert "SC-014 will be tried again." in text_of(second)
    (decision,) = await desk.published("decision.accepted")
    assert '"round":2' in decision


async def test_a25_a_failed_export_that_needs_a_correction_can_only_be_rejected(desk: DeskUnderTest) -> None:
    await desk.receive(
        sent(CONCRETE), company.accepted(CONCRETE), failed(CONCRETE, FailureClass.FIX_DATA, "The number is too long.")
    )
    async with desk.browser(DANA) as browser:
        assert "/retry" not in (await browser.get("/commitments?view=failed")).text
        page = await browser.get("/commitments/8841")
        assert "/retry" not in page.text
        assert ">The number is too long. Please correct it, and re-send it.</textarea>" in page.text
        fields = hidden_fields(page, "/reject") | {"reason": "The number is too long."}
        done = await follow(browser, await browser.post("/commitments/8841/reject", data=fields))
        assert "Rejected. SC-014 is editable again." in text_of(done)


@pytest.mark.parametrize(("typed_id", "own_id"), [("", "PO-17"), ("4F9 17", "4F9 17")])
async def test_a27_a28_an_export_in_doubt_is_settled_as_found(desk: DeskUnderTest, typed_id: str, own_id: str) -> None:
    await desk.receive(sent(CONCRETE), company.accepted(CONCRETE), in_doubt(CONCRETE))
    async with desk.browser(DANA) as browser:
        listed = await browser.get("/commitments?view=exporting")
        assert "QuickBooks did not confirm SC-014." in text_of(listed)
        assert "Do not create it by hand." in text_of(listed)
        page = await browser.get("/commitments/8841")
        assert "/reject" not in page.text
        fields = hidden_fields(page, "/settle")
        nothing = await browser.post("/commitments/8841/settle", data=fields)
        assert "Choose whether it exists" in text_of(nothing)
        unnamed = await browser.post(
            "/commitments/8841/settle", data=fields | {"found": "yes", "evidence": "I saw it."}
        )
        assert "Enter the number of the document that you found, or the ERP's own id" in text_of(unnamed)
        assert ">I saw it.</textarea>" in unnamed.text
        typed = {"found": "yes", "document_number": "PO 17", "evidence": "I opened PO 17."}
        typed["document_id"] = typed_id
        done = await follow(browser, await browser.post("/commitments/8841/settle", data=fields | typed))
        assert "Recorded. SC-014 exists in QuickBooks as PO 17; this is being confirmed." in text_of(done)
        assert "/settle" not in (await browser.get("/commitments/8841")).text
    (decision,) = await desk.published("decision.resolved")
    assert '"number":"PO 17"' in decision
    assert f'"id":"{own_id}"' in decision
    assert '"note":"I opened PO 17."' in decision


@pytest.mark.parametrize(
    "typed",
    [{"document_number": "ID 2"}, {"document_id": "2"}, {"document_id": "id 2"}, {"document_number": "id 2"}],
)
async def test_a_document_without_a_number_is_named_by_its_id(desk: DeskUnderTest, typed: dict[str, str]) -> None:
    await desk.receive(sent(CONCRETE), company.accepted(CONCRETE), in_doubt(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments/8841")
        assert "Its number, or the ERP's own id: one of them is enough." in text_of(page)
        fields = hidden_fields(page, "/settle") | {"found": "yes", "evidence": "I opened it."}
        done = await follow(browser, await browser.post("/commitments/8841/settle", data=fields | typed))
        assert "Recorded. SC-014 exists in QuickBooks as ID 2; this is being confirmed." in text_of(done)
    (decision,) = await desk.published("decision.resolved")
    assert '"id":"2"' in decision
    assert '"number":"' not in decision.split('"document":')[1].split("}")[0]


async def test_a28_an_export_in_doubt_is_settled_as_absent_only_after_a_confirmation(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), company.accepted(CONCRETE), in_doubt(CONCRETE))
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get("/commitments/8841"), "/settle")
        typed = fields | {"found": "no", "evidence": "I searched for it."}
        unconfirmed = await browser.post("/commitments/8841/settle", data=typed)
        assert unconfirmed.status_code == 422
        assert not await desk.published("decision.accepted")
        done = await browser.post("/commitments/8841/settle", data=typed | {"confirmed": "yes"})
        assert "will be exported again" in text_of(await follow(browser, done))
    (decision,) = await desk.published("decision.accepted")
    assert '"round":2' in decision


async def test_a7_a_page_has_fifty_rows_oldest_first_and_links_to_the_next(desk: DeskUnderTest) -> None:
    await desk.receive(*(sent(content(f"c{place:02}", f"SC-{place:03}")) for place in range(52)))
    async with desk.browser(DANA) as browser:
        first = await browser.get(READY)
        assert text_of(first).index("SC-000") < text_of(first).index("SC-001") < text_of(first).index("SC-049")
        assert "SC-050" not in first.text
        following = first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        second = await browser.get(following)
        assert "SC-051" in second.text
        assert "SC-049" not in second.text
        assert 'rel="next"' not in second.text
        assert (await browser.get("/commitments?after=yesterday")).status_code == 404


async def test_a7_a_list_is_searched_by_number_title_vendor_and_project(desk: DeskUnderTest) -> None:
    other = content(
        "b", "PO-7", title="Steel", vendor={"id": "v", "name": "Ironline"}, project={"id": "p", "name": "Pier 9"}
    )
    await desk.receive(sent(CONCRETE), sent(other))
    async with desk.browser(DANA) as browser:
        for wanted in ("po-7", "steel", "IRON", "pier"):
            page = await browser.get(f"{READY}&q={wanted}")
            assert "PO-7" in text_of(page)
            assert "SC-014" not in page.text
        nothing = await browser.get(f"{READY}&q=100%25")
        assert "No waiting commitment matches. Clear filters" in text_of(nothing)


@pytest.mark.parametrize(
    ("view", "text"),
    [
        ("ready", "Nothing is waiting for your answer."),
        ("failed", "No failed exports."),
        ("exporting", "Nothing is exporting."),
    ],
)
async def test_a14_a24_a27_an_empty_view_says_so(desk: DeskUnderTest, view: str, text: str) -> None:
    async with desk.browser(DANA) as browser:
        assert text in text_of(await browser.get(f"/commitments?view={view}"))


async def test_a26_an_erp_that_does_not_answer_is_shown_once(desk: DeskUnderTest) -> None:
    unavailable = {"version": 2, "circuit_open_since": company.START, "queue_length": 14}
    await desk.receive(company.QUICKBOOKS.model_copy(update=unavailable))
    async with desk.browser(DANA) as browser:
        page = text_of(await browser.get("/commitments?view=failed"))
    assert (
        "QuickBooks has not answered since Nov 16, 2026, 09:02 CST. 14 commitments wait and will go when it is back."
        in page
    )


async def test_an_erp_that_is_down_is_shown_with_its_reason_and_last_answer(desk: DeskUnderTest) -> None:
    unavailable = {
        "version": 2,
        "circuit_open_since": company.START,
        "last_contact": company.START,
        "reason": "The ERP could not be reached (ConnectError).",
        "queue_length": 1,
    }
    await desk.receive(company.QUICKBOOKS.model_copy(update=unavailable))
    async with desk.browser(DANA) as browser:
        page = text_of(await browser.get("/commitments?view=exporting"))
    assert (
        "QuickBooks has not answered since Nov 16, 2026, 09:02 CST. The ERP could not be reached (ConnectError). "
        "Its last answer came Nov 16, 2026, 09:02 CST. 1 commitment waits and will go when it is back." in page
    )


@pytest.mark.parametrize("is_in_doubt", [False, True])
async def test_a_commitments_own_page_says_that_its_erp_is_down(desk: DeskUnderTest, *, is_in_doubt: bool) -> None:
    unavailable = {
        "version": 2,
        "circuit_open_since": company.START,
        "paused_until": company.START,
        "last_contact": company.START,
        "reason": "It is down (HTTP 503).",
    }
    await desk.receive(sent(CONCRETE), company.accepted(CONCRETE), *([in_doubt(CONCRETE)] if is_in_doubt else []))
    await desk.receive(company.QUICKBOOKS.model_copy(update=unavailable))
    async with desk.browser(DANA) as browser:
        during = text_of(await browser.get("/commitments/8841"))
        await desk.receive(company.QUICKBOOKS.model_copy(update={"version": 3}))
        after = text_of(await browser.get("/commitments/8841"))
    assert (
        "QuickBooks has not answered since Nov 16, 2026, 09:02 CST. It is down (HTTP 503). "
        "Its last answer came Nov 16, 2026, 09:02 CST. It should have been tried again at Nov 16, 2026, 09:02 CST. "
        "SC-014 waits and will go when it is back." in during
    )
    assert "has not answered since" not in after


async def test_an_erp_that_asked_us_to_wait_is_shown_with_its_words(desk: DeskUnderTest) -> None:
    paused = {"version": 2, "paused_until": company.START, "reason": "Too many calls. (HTTP 429)", "queue_length": 3}
    await desk.receive(company.QUICKBOOKS.model_copy(update=paused))
    async with desk.browser(DANA) as browser:
        page = text_of(await browser.get("/commitments?view=exporting"))
    assert "QuickBooks had asked us to wait until Nov 16, 2026, 09:02 CST. Too many calls. (HTTP 429)" in page


async def test_the_directory_shows_the_badge_beside_accounting_approvers_of_the_company(desk: DeskUnderTest) -> None:
    async with desk.browser(KIM) as browser:
        page = text_of(await browser.get("/directory"))
    assert "Dana Ruiz dana.ruiz@harbor-builders.example Standard America/Chicago Accounting approver" in page
    assert "Pat Moreau pat.moreau@harbor-builders.example Standard America/Chicago None" in page
    assert "Eve Stone" not in page


async def test_times_are_in_the_readers_time_zone(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), LEE.model_copy(update={"version": 2, "time_zone": "Europe/Berlin"}))
    async with desk.browser(DANA) as chicago, desk.browser(LEE) as berlin:
        assert "Nov 16, 2026, 09:02 CST" in text_of(await chicago.get("/commitments/8841"))
        assert "Nov 16, 2026, 16:02 CET" in text_of(await berlin.get("/commitments/8841"))


async def test_the_unsubscribe_link_asks_first_and_one_click_needs_no_cookie(desk: DeskUnderTest) -> None:
    token = sign_unsubscribe(LINK_SECRET, company.COMPANY, DANA.person_id)
    async with desk.browser(sec_fetch_site="cross-site") as browser:
        assert "Stop the daily summary?" in text_of(await browser.get(f"/u/{token}"))
        assert not await desk.published("digest.preference")
        stopped = await browser.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
        assert stopped.status_code == 200
        for forged in (await browser.get("/u/forged"), await browser.post(f"/u/{token}x")):
            assert forged.status_code == 404
    (preference,) = await desk.published("digest.preference")
    assert '"person_id":"person-5"' in preference
    assert '"subscribed":false' in preference


async def test_typed_text_is_kept_when_the_session_has_expired(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        page = await browser.post("/commitments/8841/reject", data={"reason": "Ten minutes of thinking."})
    assert page.status_code == 401
    assert "Ten minutes of thinking." in page.text
    assert 'href="/sign-in?return_to=%2Fcommitments%2F8841"' in page.text


async def test_a_form_that_came_after_the_session_had_expired_is_sent_again_as_it_was(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser, desk.browser() as expired:
        fields = hidden_fields(await browser.get("/commitments/8841"), "/reject")
        address = "/commitments/8841/reject?x=1"
        page = await expired.post(address, data=fields | {"reason": 'He said "no" & left.'})
        assert "Sign in in a new tab, then send it again here." in text_of(page)
        kept = hidden_fields(page, address)
        done = await follow(browser, await browser.post(address, data=kept))
    assert "Rejected. SC-014 is editable again." in text_of(done)
    (decision,) = await desk.published("decision.rejected")
    assert 'He said \\"no\\" & left.' in decision


async def test_every_response_has_the_security_headers(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        for address, status in ((READY, 200), ("/commitments/none", 404), ("/nowhere", 404), ("/", 303)):
            answer = await browser.get(address)
            assert answer.status_code == status
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "object-src 'none'" in policy
            assert "base-uri 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["cache-control"] == "no-store"
            assert " style=" not in answer.text
        style = await browser.get("/assets/desk.css")
        assert style.headers["content-type"].startswith("text/css")
        assert "no-store" not in style.headers["cache-control"]


async def test_nothing_is_shared_with_other_origins_and_no_file_but_the_assets_is_served(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA, origin="https://elsewhere.example") as browser:
        for path in (READY, "/assets/desk.css", "/api/v1/me", "/api/v1/openapi.json"):
            shared = (await browser.get(path)).headers.keys()
            assert not [name for name in shared if name.startswith("access-control-")]
        for path in ("/assets", "/assets/", "/assets/%2e%2e/pages.py", "/assets/..%2fpages.py", "/.git/config"):
            assert (await browser.get(path)).status_code in (404, 405), path


async def test_a_number_cannot_change_the_name_of_a_download(desk: DeskUnderTest) -> None:
    await desk.receive(sent(company.content("8841", 'SC "7"; name=é/..', title="Footings")))
    async with desk.browser(DANA) as browser:
        file = await browser.get("/commitments/8841/history.json")
        table = await browser.get("/commitments.csv?view=ready")
    assert file.headers["content-disposition"] == 'attachment; filename="history-SC--7---name-----.json"'
    assert table.headers["content-disposition"].startswith('attachment; filename="commitments-ready-')


async def test_a_failed_export_stands_out_though_its_ribbon_upstream_is_blue(desk: DeskUnderTest) -> None:
    await desk.receive(
        sent(CONCRETE), company.accepted(CONCRETE), failed(CONCRETE, FailureClass.FIX_DATA, "No vendor.")
    )
    async with desk.browser(DANA) as browser:
        pages = [await browser.get("/commitments?view=all"), await browser.get("/commitments/8841")]

    for page in pages:
        assert '<span class="ribbon ribbon-trouble">Failed to Export</span>' in page.text
    assert '"ribbon":"BLUE"' in (await desk.published("commitment.status"))[-1].replace(" ", "")


async def test_probes_that_learned_the_same_are_told_once_with_their_number(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), company.accepted(CONCRETE))
    for probes in range(1, 8):
        probe = in_doubt(CONCRETE).model_copy(update={"probes": probes})
        await desk.receive(probe, at=company.START + timedelta(hours=probes))
    async with desk.browser(DANA) as browser:
        page = text_of(await browser.get("/commitments/8841"))

    assert page.count("The ERP did not confirm revision 1.") == 1
    assert "did not answer. Asked 7 times, last at Nov 16, 2026, 16:02 CST." in page


async def test_where_a_company_has_several_erps_the_page_says_which_one_and_why(desk: DeskUnderTest) -> None:
    euros = company.QUICKBOOKS.model_copy(
        update={"name": "europe", "title": "European books", "version": 1, "priority": 1, "currencies": ("EUR",)}
    )
    harbour = euros.model_copy(
        update={"name": "harbour", "title": "Harbour books", "currencies": (), "projects": ("24-310",)}
    )
    rest = company.QUICKBOOKS.model_copy(update={"version": 2, "priority": 3})
    await desk.receive(euros, harbour.model_copy(update={"priority": 2}), rest)
    of_harbour = {"project": CONCRETE["project"] | {"number": "24-310"}}
    await desk.receive(sent(CONCRETE), sent(content("8842", "SC-015", currency="EUR")))
    await desk.receive(sent(content("8843", "SC-016", **of_harbour)), sent(content("8844", "SC-017")))
    await desk.receive(succeeded(content("8844", "SC-017")))

    async with desk.browser(DANA) as browser:
        pages = {number: text_of(await browser.get(f"/commitments/{number}")) for number in range(8841, 8845)}

    assert "ERP QuickBooks (no other one takes it)" in pages[8841]
    assert "ERP European books (currency EUR)" in pages[8842]
    assert "ERP Harbour books (project 24-310)" in pages[8843]
    assert "ERP QuickBooks (its document is there)" in pages[8844]


async def test_an_erp_that_is_no_longer_configured_gets_nothing(desk: DeskUnderTest) -> None:
    await desk.receive(company.QUICKBOOKS.model_copy(update={"version": 2, "companies": ()}), sent(CONCRETE))

    async with desk.browser(DANA) as browser:
        page = text_of(await browser.get("/commitments/8841"))

    assert "ERP Not connected yet" in page
