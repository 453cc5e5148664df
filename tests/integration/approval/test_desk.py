"""The approval desk as people use it, page by page, on a real database."""

from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from schemas.fields import FailureClass
from schemas.links import sign_unsubscribe
from schemas.snapshot import Snapshot
from tests.integration.approval import company
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
from tests.integration.approval.desk import LINK_SECRET, Desk
from tests.integration.approval.page_reader import choice, hidden_fields, landed, words

READY = "/commitments?view=ready"
CONCRETE = content("8841", "SC-014")
CORRECTED = CONCRETE | {
    "lines": [CONCRETE["lines"][0], company.line(2, "03-310", "Cast-in-place concrete", "80250.00")]
}
MARKUP = '<script>alert("x")</script>'


async def choose(browser: AsyncClient, action: str, *chosen: str, **fields: str) -> Response:
    picked = {f"choice-{place}": value for place, value in enumerate(chosen)}
    return await browser.post("/commitments", data={"action": action} | picked | fields)


async def test_the_first_seed_is_played_through_the_pages(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await landed(browser, await browser.get("/"))
        assert "Commitments - Ready to be Exported" in page.text
        assert 'href="/commitments?view=ready" aria-current="page"' in page.text
        done = await landed(browser, await choose(browser, "export", choice(page, "accept", "8841")))
        assert "Accepted. SC-014 is being exported to QuickBooks; this usually takes a few minutes." in words(done)
        assert "Nothing is waiting for your answer." in words(done)
        exporting = await browser.get("/commitments?view=exporting")
        assert "SC-014 Concrete works QuickBooks Dana Ruiz" in words(exporting)
        await desk.tell(succeeded(CONCRETE))
        synced = await browser.get("/commitments?view=synced")
        assert 'href="https://erp.example/po/17"' in synced.text
        assert "number, vendor, title, status" in words(synced)
    assert len(await desk.published("decision.accepted")) == 1


async def test_the_second_seed_is_played_through_the_pages(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    reason = "Line 2: cost code 03-300 is closed. Use 03-310."
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        done = await landed(browser, await choose(browser, "reject", choice(page, "reject", "8841"), reason=reason))
        assert "Rejected. SC-014 is editable again. Ana Gil and Sam Lee will get an email." in words(done)
        rejected = await browser.get("/commitments?view=rejected")
        assert reason in words(rejected)
        assert 'type="radio"' not in rejected.text
        await desk.tell(mailed(CONCRETE, ANA), resent(CORRECTED, note="Moved to 03-310."))
        one = words(await browser.get("/commitments/8841"))
        assert "Dana Ruiz rejected revision 1 " + reason in one
        assert "Sam Lee notes Moved to 03-310." in one
        assert "Line 2 cost code 03-300 03-310" in one
        assert "Mail to Ana Gil about the rejection: sent." in one
        again = await browser.get(READY)
        check = await choose(browser, "export", choice(again, "accept", "8841"))
        assert check.status_code == 200
        assert "Check before export" in words(check)
        assert "Line 2 cost code 03-300 03-310" in words(check)
        assert "Export 1 commitment" in words(check)
        confirmed = await choose(browser, "export", choice(check, "accept", "8841"), confirmed="yes")
        assert "Accepted. SC-014" in words(await landed(browser, confirmed))
    assert len(await desk.published("decision.rejected")) == len(await desk.published("decision.accepted")) == 1


@pytest.mark.parametrize("who", [KIM, PAT])
async def test_without_the_right_there_are_no_controls_and_a_forced_answer_is_refused(desk: Desk, who: Any) -> None:
    await desk.tell(sent(CONCRETE))
    sentence = (
        "You can view this tool. Accepting and rejecting need Standard or Admin on ERP Integrations "
        "and 'Can Push to Accounting'."
    )
    async with desk.browser(who) as browser:
        for address in (READY, "/commitments/8841"):
            page = await browser.get(address)
            assert sentence in words(page)
            assert 'type="radio"' not in page.text
            assert 'name="reason"' not in page.text
            assert 'class="badge"' not in page.text
        value = f"accept:1:{Snapshot.of(CONCRETE).content_hash}:8841"
        for forced in (
            await choose(browser, "export", value),
            await browser.post("/commitments/8841/accept", data={"revision": "1"}),
            await browser.post("/commitments/8841/reject", data={"revision": "1", "reason": "No."}),
            await browser.post("/commitments/8841/retry", data={"revision": "1", "round": "1"}),
            await browser.post("/commitments/8841/settle", data={"revision": "1", "round": "1"}),
        ):
            assert forced.status_code == 403
            assert sentence in words(forced)
    assert not await desk.published("decision.accepted")


async def test_people_without_a_level_or_unknown_to_the_directory_see_nothing(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    stranger = company.directory_person("person-nobody", "No Body")
    for who, sentence in ((SAM, "You have no level"), (stranger, "directory does not list you")):
        async with desk.browser(who) as browser:
            page = await browser.get(READY)
            assert page.status_code == 403
            assert sentence in words(page)
            assert "SC-014" not in page.text


async def test_a_right_that_is_taken_away_ends_at_once(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        await desk.tell(DANA.model_copy(update={"version": 2, "can_push_to_accounting": False}))
        refused = await choose(browser, "export", choice(page, "accept", "8841"))
        assert refused.status_code == 403
        assert 'class="badge"' not in (await browser.get(READY)).text


async def test_another_companys_commitment_is_not_there(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(EVE) as browser:
        assert "Nothing is waiting" in words(await browser.get(READY))
        value = f"accept:1:{Snapshot.of(CONCRETE).content_hash}:8841"
        for answer in (
            await browser.get("/commitments/8841"),
            await browser.post("/commitments/8841/reject", data={"revision": "1", "reason": "No."}),
            await browser.post("/commitments/8841/retry", data={"revision": "1", "round": "1"}),
            await choose(browser, "export", value),
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
async def test_an_answer_from_somebody_elses_page_is_refused(desk: Desk, headers: dict[str, str]) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA, **headers) as browser:
        page = await browser.get(READY)
        assert page.status_code == 200
        for refused in (
            await choose(browser, "export", choice(page, "accept", "8841")),
            await browser.post("/commitments/8841/reject", data={"revision": "1", "reason": "No."}),
            await browser.post("/api/v1/commitments/8841/retry", json={"revision": 1, "round": 1}),
            await browser.post("/sign-out"),
        ):
            assert refused.status_code == 403
        assert (await browser.get(READY)).status_code == 200
    assert not await desk.published("decision.accepted")


async def test_a_browser_without_fetch_metadata_is_known_by_its_origin(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA, sec_fetch_site="", origin=desk.settings.public_url) as browser:
        page = await browser.get(READY)
        assert (await choose(browser, "export", choice(page, "accept", "8841"))).status_code == 303


async def test_mark_up_in_any_text_is_shown_as_text(desk: Desk) -> None:
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
    await desk.tell(
        company.QUICKBOOKS.model_copy(update={"version": 2, "limits": company.LimitsProfile(), "title": MARKUP}),
        company.directory_person("h", MARKUP, email="h@example.org"),
        sent(hostile, note=MARKUP),
    )
    async with desk.browser(DANA) as browser:
        pages = [await browser.get(READY), await browser.get(path), await browser.get("/directory")]
        fields = hidden_fields(pages[1], "/reject")
        pages.append(await browser.post(f"{path}/reject", data={**fields, "reason": MARKUP + "x" * 4000}))
        pages.append(await browser.post(f"{path}/reject", data={**fields, "revision": "7", "reason": MARKUP}))
        pages.append(await landed(browser, await browser.post(f"{path}/reject", data={**fields, "reason": MARKUP})))
        pages.append(await browser.get("/commitments?view=rejected"))
        changed = hostile | {"title": f"{MARKUP}2"}
        await desk.tell(resent(changed, note=MARKUP))
        pages.extend(
            [
                await browser.get(path),
                await choose(browser, "export", choice(await browser.get(READY), "accept", "x<i>")),
            ]
        )
        await desk.tell(
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
        assert "&lt;script&gt;" in page.text, words(page)
        assert "<script" not in page.text
        assert "<i>" not in page.text


async def test_an_answer_after_a_colleagues_is_a_conflict(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as dana, desk.browser(LEE) as lee:
        late = await lee.get("/commitments/8841")
        page = await dana.get(READY)
        await choose(dana, "export", choice(page, "accept", "8841"))
        fields = hidden_fields(late, "/reject") | {"reason": "I had typed this."}
        refused = await lee.post("/commitments/8841/reject", data=fields)
    assert refused.status_code == 409
    assert "Dana Ruiz accepted SC-014 at " in words(refused)
    assert "Your answer was not recorded." in words(refused)
    assert "I had typed this." in refused.text
    assert not await desk.published("decision.rejected")


async def test_an_answer_to_a_retrieved_commitment_is_a_conflict(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        await desk.tell(retrieved(CONCRETE))
        refused = await choose(browser, "export", choice(page, "accept", "8841"))
    assert refused.status_code == 409
    assert "Sam Lee retrieved SC-014 at 09:02" in words(refused)
    assert "It no longer waits. Your answer was not recorded." in words(refused)


async def test_an_answer_to_an_older_revision_shows_the_difference_and_a_new_form(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments/8841")
        await desk.tell(resent(CORRECTED), resent(CORRECTED | {"title": "Concrete, all of it"}, 3))
        fields = hidden_fields(page, "/reject") | {"reason": "Still my reason."}
        refused = await browser.post("/commitments/8841/reject", data=fields)
        assert refused.status_code == 409
        assert "SC-014 is now revision 3; you read revision 1. Nothing was exported." in words(refused)
        assert "Changes since revision 1, which you read" in words(refused)
        assert "Line 2 cost code 03-300 03-310" in words(refused)
        assert 'name="reason" rows="4">Still my reason.</textarea>' in refused.text
        assert hidden_fields(refused, "/reject")["revision"] == "3"
        again = await browser.post(
            "/commitments/8841/reject", data=hidden_fields(refused, "/reject") | {"reason": "So."}
        )
        assert "Rejected. SC-014" in words(await landed(browser, again))


async def test_a_repeated_answer_gets_the_first_result_again(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        value = choice(await browser.get(READY), "accept", "8841")
        first = await landed(browser, await choose(browser, "export", value))
        second = await landed(browser, await choose(browser, "export", value))
        await desk.tell(succeeded(CONCRETE))
        third = await landed(browser, await choose(browser, "export", value))
    assert "Accepted. SC-014 is being exported" in words(first)
    assert words(first) == words(second)
    assert "Accepted. SC-014 is being exported" in words(third)
    assert len(await desk.published("decision.accepted")) == 1


async def test_many_are_checked_first_then_decided_one_by_one_and_all_are_listed(desk: Desk) -> None:
    others = [content(f"b{place}", f"SC-02{place}", currency=currency) for place, currency in enumerate(("USD", "EUR"))]
    await desk.tell(sent(CONCRETE), *map(sent, others))
    async with desk.browser(DANA) as dana, desk.browser(LEE) as lee:
        page = await dana.get(f"{READY}&choose=accept")
        assert page.text.count(" checked") == 3
        chosen = [choice(page, "accept", key) for key in ("8841", "b0", "b1")]
        check = await choose(dana, "export", *chosen)
        assert "Export 3 commitments" in words(check)
        assert "Total EUR 480,250.00 and USD 960,500.00" in words(check)
        assert not await desk.published("decision.accepted")
        await choose(lee, "export", choice(await lee.get(READY), "accept", "b0"))
        again = [choice(check, "accept", key) for key in ("8841", "b0", "b1")]
        done = await landed(dana, await choose(dana, "export", *again, confirmed="yes"))
    assert "2 of 3 answers recorded" in words(done)
    assert "SC-020 Not recorded Lee Park accepted SC-020 at " in words(done)
    assert "SC-021 Recorded Accepted. SC-021 is being exported" in words(done)
    assert len(await desk.published("decision.accepted")) == 3


async def test_many_are_rejected_for_one_reason_after_a_confirmation(desk: Desk) -> None:
    other = content("b1", "SC-021")
    await desk.tell(sent(CONCRETE), sent(other))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        chosen = [choice(page, "reject", key) for key in ("8841", "b1")]
        assert "Enter a reason for rejecting 2 commitments" in words(await choose(browser, "reject", *chosen))
        check = await choose(browser, "reject", *chosen, reason="The period is closed.")
        assert "Check before rejecting" in words(check)
        assert ">The period is closed.</textarea>" in check.text
        emptied = await choose(browser, "reject", *chosen, reason=" ", confirmed="yes")
        assert emptied.status_code == 422
        done = await choose(browser, "reject", *chosen, reason="The period is closed.", confirmed="yes")
        assert "2 of 2 answers recorded" in words(await landed(browser, done))
    assert len(await desk.published("decision.rejected")) == 2


async def test_more_than_a_page_at_once_is_refused(desk: Desk) -> None:
    async with desk.browser(DANA) as browser:
        refused = await choose(browser, "export", *(f"accept:1:{'0' * 64}:c{place}" for place in range(51)))
    assert refused.status_code == 400


async def test_a_blocked_row_offers_no_accept_and_says_why(desk: Desk) -> None:
    wrong_total = content("w", "SC-015", total="480300.00")
    taken, cut = content("t", "RIV-SC-2026-009"), content("k", "RIV-SC-2026-014")
    await desk.tell(
        sent(wrong_total), sent(taken), company.accepted(taken), succeeded(taken), sent(cut), sent(CONCRETE)
    )
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        assert "Blocked SC-015 cannot be accepted: its total is USD 50.00 more than its lines." in words(page)
        assert (
            "QuickBooks keeps 11 characters. RIV-SC-2026-014 would become RIV-SC-2026, already used by RIV-SC-2026-009."
        ) in words(page)
        assert page.text.count('value="accept:') == 1
        one = await browser.get("/commitments/w")
        assert "/accept" not in one.text
        assert "Difference USD 50.00" in words(one)
        forced = await choose(browser, "export", choice(page, "reject", "w").replace("reject", "accept"))
        assert forced.status_code == 409
        assert "its total is USD 50.00 more than its lines. Nothing was exported." in words(forced)
    assert not await desk.published("decision.accepted")


async def test_an_answer_on_the_desk_begins_a_trace(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        await choose(browser, "export", choice(await browser.get(READY), "accept", "8841"))
    (decision,) = await desk.published("decision.accepted")
    assert '"traceparent":"00-' in decision


async def test_two_contents_under_one_revision_can_only_be_rejected(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE), sent(CORRECTED))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        assert 'value="accept:' not in page.text
        one = words(await browser.get("/commitments/8841"))
        assert "Two contents came as revision 1" in one
        assert "Line 2 cost code" in one
        done = await choose(browser, "reject", choice(page, "reject", "8841"), reason="Send it again.")
        assert "Rejected. SC-014" in words(await landed(browser, done))


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("", "Enter a reason for rejecting SC-014"),
        (" \n ", "Enter a reason for rejecting SC-014"),
        ("long " * 1000, "The reason has 4,999 characters; shorten it to 4,000 or fewer"),
        ("a\x00b", "The reason contains a character that cannot be stored (U+0000)"),
    ],
)
@pytest.mark.parametrize("from_list", [True, False])
async def test_a_reason_that_does_not_do_is_told_beside_the_field_and_kept(
    desk: Desk, reason: str, told: str, *, from_list: bool
) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        if from_list:
            value = choice(await browser.get(READY), "reject", "8841")
            refused = await choose(browser, "reject", value, reason=reason)
            assert f'value="{value}" checked' in refused.text
        else:
            fields = hidden_fields(await browser.get("/commitments/8841"), "/reject")
            refused = await browser.post("/commitments/8841/reject", data=fields | {"reason": reason})
    assert refused.status_code == 422
    assert "<title>Error: " in refused.text
    assert f'<a href="#reason">{told}</a>' in refused.text
    assert "There is a problem" in refused.text
    assert "autofocus" in refused.text
    assert f">{reason}</textarea>" in refused.text
    assert not await desk.published("decision.rejected")


async def test_choosing_nothing_is_told(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        refused = await choose(browser, "export")
        assert "Choose Accept for at least one commitment" in words(refused)
        only_rejected = await choose(browser, "export", choice(await browser.get(READY), "reject", "8841"))
        assert "Choose Accept for at least one commitment" in words(only_rejected)


async def test_a_tampered_form_is_refused(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        for value in ("accept", "accept:1:2:3", f"praise:1:{'0' * 64}:8841", f"accept:-1:{'0' * 64}:8841"):
            assert (await choose(browser, "export", value)).status_code == 400
        for revision in ("", "one", "0", "²", "9" * 30):
            fields = {"revision": revision, "content_hash": "0" * 64, "reason": "No."}
            assert (await browser.post("/commitments/8841/reject", data=fields)).status_code == 400
        other_hash = await choose(browser, "export", f"accept:1:{'0' * 64}:8841")
        assert other_hash.status_code == 409
    assert not await desk.published("decision.accepted")


async def test_no_answer_of_a_tampered_form_is_recorded(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        valid = choice(await browser.get(READY), "accept", "8841")
        refused = await choose(browser, "export", valid, f"accept:1:{'z' * 64}:8841", confirmed="yes")
    assert refused.status_code == 400
    assert "Your answer was not recorded." in words(refused)
    assert not await desk.published("decision.accepted")


async def test_accepting_on_the_page_takes_what_the_erp_asks_for(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get("/commitments/8841"), "/accept")
        typed = {"erp_code": "PO-7", "accounting_date": "2026-11-30", "note": "As agreed."}
        wrong = await browser.post("/commitments/8841/accept", data=fields | typed | {"accounting_date": "soon"})
        assert wrong.status_code == 422
        assert "Enter the accounting date as year-month-day" in words(wrong)
        assert 'value="PO-7"' in wrong.text
        assert "Accepted." in words(
            await landed(browser, await browser.post("/commitments/8841/accept", data=fields | typed))
        )
    (decision,) = await desk.published("decision.accepted")
    assert '"erp_code":"PO-7"' in decision
    assert '"accounting_date":"2026-11-30"' in decision
    assert '"note":"As agreed."' in decision


async def test_a_failed_export_is_retried_without_another_approval(desk: Desk) -> None:
    await desk.tell(
        sent(CONCRETE),
        company.accepted(CONCRETE),
        failed(CONCRETE, FailureClass.WAIT_FOR_DEPENDENCY, "QuickBooks has no vendor Acme Concrete.", code="3140"),
    )
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments?view=failed")
        assert "QuickBooks has no vendor Acme Concrete. 3140 Accounting approver" in words(page)
        fields = hidden_fields(page, "/retry")
        first = await landed(browser, await browser.post("/commitments/8841/retry", data=fields))
        assert "SC-014 will be tried again. No new approval is needed." in words(first)
        assert "No failed exports." in words(first)
        second = await landed(browser, await browser.post("/commitments/8841/retry", data=fields))
        assert "SC-014 will be tried again." in words(second)
    (decision,) = await desk.published("decision.accepted")
    assert '"round":2' in decision


async def test_a_commitment_to_be_corrected_can_only_be_rejected_with_the_reason_prefilled(desk: Desk) -> None:
    await desk.tell(
        sent(CONCRETE), company.accepted(CONCRETE), failed(CONCRETE, FailureClass.FIX_DATA, "The number is too long.")
    )
    async with desk.browser(DANA) as browser:
        assert "/retry" not in (await browser.get("/commitments?view=failed")).text
        page = await browser.get("/commitments/8841")
        assert "/retry" not in page.text
        assert ">The number is too long. Reject it, so that Sam Lee can correct it.</textarea>" in page.text
        fields = hidden_fields(page, "/reject") | {"reason": "The number is too long."}
        done = await landed(browser, await browser.post("/commitments/8841/reject", data=fields))
        assert "Rejected. SC-014 is editable again." in words(done)


async def test_an_export_in_doubt_is_settled_as_found(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE), company.accepted(CONCRETE), in_doubt(CONCRETE))
    async with desk.browser(DANA) as browser:
        listed = await browser.get("/commitments?view=exporting")
        assert "QuickBooks did not confirm SC-014." in words(listed)
        assert "Do not create it by hand." in words(listed)
        page = await browser.get("/commitments/8841")
        assert "/reject" not in page.text
        fields = hidden_fields(page, "/settle")
        nothing = await browser.post("/commitments/8841/settle", data=fields)
        assert "Choose whether it exists" in words(nothing)
        unnamed = await browser.post(
            "/commitments/8841/settle", data=fields | {"found": "yes", "evidence": "I saw it."}
        )
        assert "Enter the number of the document that you found" in words(unnamed)
        assert ">I saw it.</textarea>" in unnamed.text
        typed = {"found": "yes", "document_number": "PO 17", "evidence": "I opened PO 17."}
        done = await landed(browser, await browser.post("/commitments/8841/settle", data=fields | typed))
        assert "Recorded. SC-014 exists in QuickBooks as PO 17; this is being confirmed." in words(done)
        assert "/settle" not in (await browser.get("/commitments/8841")).text
    (decision,) = await desk.published("decision.resolved")
    assert '"number":"PO 17"' in decision
    assert '"note":"I opened PO 17."' in decision


async def test_an_export_in_doubt_is_settled_as_absent_only_once_that_is_confirmed(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE), company.accepted(CONCRETE), in_doubt(CONCRETE))
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get("/commitments/8841"), "/settle")
        typed = fields | {"found": "no", "evidence": "I searched for it."}
        unconfirmed = await browser.post("/commitments/8841/settle", data=typed)
        assert unconfirmed.status_code == 422
        assert not await desk.published("decision.accepted")
        done = await browser.post("/commitments/8841/settle", data=typed | {"confirmed": "yes"})
        assert "will be exported again" in words(await landed(browser, done))
    (decision,) = await desk.published("decision.accepted")
    assert '"round":2' in decision


async def test_a_list_has_fifty_rows_oldest_first_and_goes_on_by_its_address(desk: Desk) -> None:
    await desk.tell(*(sent(content(f"c{place:02}", f"SC-{place:03}")) for place in range(52)))
    async with desk.browser(DANA) as browser:
        first = await browser.get(READY)
        assert words(first).index("SC-000") < words(first).index("SC-001") < words(first).index("SC-049")
        assert "SC-050" not in first.text
        following = first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        second = await browser.get(following)
        assert "SC-051" in second.text
        assert "SC-049" not in second.text
        assert 'rel="next"' not in second.text
        assert (await browser.get("/commitments?after=yesterday")).status_code == 404


async def test_a_list_is_searched_by_number_title_vendor_and_project(desk: Desk) -> None:
    other = content(
        "b", "PO-7", title="Steel", vendor={"id": "v", "name": "Ironline"}, project={"id": "p", "name": "Pier 9"}
    )
    await desk.tell(sent(CONCRETE), sent(other))
    async with desk.browser(DANA) as browser:
        for wanted in ("po-7", "steel", "IRON", "pier"):
            page = await browser.get(f"{READY}&q={wanted}")
            assert "PO-7" in words(page)
            assert "SC-014" not in page.text
        nothing = await browser.get(f"{READY}&q=100%25")
        assert "No waiting commitment matches. Clear filters" in words(nothing)


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ("ready", "Nothing is waiting for your answer."),
        ("failed", "No failed exports."),
        ("exporting", "Nothing is exporting."),
    ],
)
async def test_an_empty_view_says_so(desk: Desk, view: str, told: str) -> None:
    async with desk.browser(DANA) as browser:
        assert told in words(await browser.get(f"/commitments?view={view}"))


async def test_an_erp_that_does_not_answer_is_told_once(desk: Desk) -> None:
    away = {"version": 2, "circuit_open_since": company.START, "queue_length": 14}
    await desk.tell(company.QUICKBOOKS.model_copy(update=away))
    async with desk.browser(DANA) as browser:
        page = words(await browser.get("/commitments?view=failed"))
    assert (
        "QuickBooks has not answered since Nov 16, 2026, 09:02 CST. 14 commitments wait and will go when it is back."
        in page
    )


async def test_the_directory_shows_the_badge_beside_accounting_approvers_of_the_company(desk: Desk) -> None:
    async with desk.browser(KIM) as browser:
        page = words(await browser.get("/directory"))
    assert "Dana Ruiz dana.ruiz@harbor-builders.example Standard America/Chicago Accounting approver" in page
    assert "Pat Moreau pat.moreau@harbor-builders.example Standard America/Chicago None" in page
    assert "Eve Stone" not in page


async def test_times_are_on_the_readers_clock(desk: Desk) -> None:
    await desk.tell(sent(CONCRETE), LEE.model_copy(update={"version": 2, "time_zone": "Europe/Berlin"}))
    async with desk.browser(DANA) as chicago, desk.browser(LEE) as berlin:
        assert "Nov 16, 2026, 09:02 CST" in words(await chicago.get("/commitments/8841"))
        assert "Nov 16, 2026, 16:02 CET" in words(await berlin.get("/commitments/8841"))


async def test_the_link_of_the_summary_asks_first_and_one_click_needs_no_cookie(desk: Desk) -> None:
    token = sign_unsubscribe(LINK_SECRET, company.COMPANY, DANA.person_id)
    async with desk.browser(sec_fetch_site="cross-site") as browser:
        assert "Stop the daily summary?" in words(await browser.get(f"/u/{token}"))
        assert not await desk.published("digest.preference")
        stopped = await browser.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
        assert stopped.status_code == 200
        for forged in (await browser.get("/u/forged"), await browser.post(f"/u/{token}x")):
            assert forged.status_code == 404
    (preference,) = await desk.published("digest.preference")
    assert '"person_id":"person-5"' in preference
    assert '"subscribed":false' in preference


async def test_what_was_typed_is_not_lost_when_the_sign_in_ran_out(desk: Desk) -> None:
    async with desk.browser() as browser:
        page = await browser.post("/commitments/8841/reject", data={"reason": "Ten minutes of thinking."})
    assert page.status_code == 401
    assert "Ten minutes of thinking." in page.text
    assert 'href="/sign-in"' in page.text


async def test_every_answer_has_the_headers_that_keep_it_safe(desk: Desk) -> None:
    async with desk.browser(DANA) as browser:
        for address, status in ((READY, 200), ("/commitments/none", 404), ("/nowhere", 404), ("/", 303)):
            answer = await browser.get(address)
            assert answer.status_code == status
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["cache-control"] == "no-store"
            assert " style=" not in answer.text
        style = await browser.get("/assets/desk.css")
        assert style.headers["content-type"].startswith("text/css")
        assert "no-store" not in style.headers["cache-control"]
