"""The triage page: groups, marks that nothing loses, the review of all of them, and what sending them does."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.snapshot import Snapshot
from services.pipeline.clock import utc_now
from tests.integration.approval import company
from tests.integration.approval.answering import READY, choose, confirm, mark, send
from tests.integration.approval.company import DANA, KIM, LEE, content, resent, retrieved, sent, succeeded
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import accepts, choice, follow, hidden_fields, text_of

CONCRETE = content("8841", "SC-014")
STEEL = content("8842", "SC-015", title="Steel", currency="EUR")
# another amount, so that nobody is warned of the same order twice
THIRD = content("8843", "SC-016", total="1250.00", lines=[company.line(1, "03-100", "Formwork", "1250.00")])
CHEAPER = CONCRETE | {
    "total": "400000.00",
    "lines": [company.line(1, "03-100", "Formwork, slabs and core walls", "400000.00")],
}


def value_of(received: dict[str, Any], verb: str = "accept", revision: int = 1) -> str:
    return f"{verb}:{revision}:{Snapshot.of(received).content_hash}:{received['id']}"


async def test_a9_rows_are_in_groups_by_what_an_approver_has_to_do_first(desk: DeskUnderTest) -> None:
    """Routine items go as a block; a blocked one offers no Accept."""
    await desk.receive(
        sent(content("w", "SC-020", total="480300.00")), sent(STEEL, note="Please hurry."), sent(CONCRETE)
    )
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)

    assert "Commitments - Ready to be Exported" in page.text
    text = text_of(page)
    assert text.index("Ready to accept 1") < text.index("SC-014") < text.index("Look first 1") < text.index("SC-015")
    assert text.index("SC-015") < text.index("Blocked 1") < text.index("SC-020")
    assert {value.rpartition(":")[2] for value in accepts(page)} == {"8841", "8842"}
    assert "1\N{EN DASH}3 of 3" in text
    assert "USD 961 k" in text
    assert "EUR 480 k" in text


async def test_a_row_says_in_chips_what_is_not_as_usual(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), company.accepted(CONCRETE), succeeded(CONCRETE))
    await desk.receive(resent(CHEAPER, note="Fewer lines."), at=utc_now() - timedelta(days=11))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)

    row = page.text.split('id="row-8841"')[1].split("</tr>")[0]
    assert "rev 2" in row
    assert "\N{MINUS SIGN}16.7 %" in row
    assert ">note<" in row
    assert "updates SC-014" in row
    assert 'class="age age-old"' in row
    assert "11 days" in row


async def test_the_pane_shows_what_needs_eyes_and_what_it_does_in_the_erp(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), sent(STEEL))
    async with desk.browser(DANA) as browser:
        first, second = await browser.get(READY), await browser.get(f"{READY}&item=8842")
        await desk.receive(company.accepted(CONCRETE), succeeded(CONCRETE), resent(CHEAPER))
        update = await browser.get(f"{READY}&item=8841")

    assert "SC-014 Concrete works USD 480,250.00 Creates a new subcontract in QuickBooks" in text_of(first)
    assert "SC-015 Steel EUR 480,250.00 Creates a new subcontract in QuickBooks" in text_of(second)
    assert "Updates SC-014 in QuickBooks · revision 2" in text_of(update)
    assert "Changes since the last revision" in text_of(update)
    assert '<details class="more"><summary>' in update.text
    assert "checks passed" in update.text


async def test_what_changed_is_marked_where_it_stands(desk: DeskUnderTest) -> None:
    corrected = CONCRETE | {
        "lines": [CONCRETE["lines"][0], company.line(2, "03-310", "Cast-in-place concrete", "80250.00")]
    }
    await desk.receive(sent(CONCRETE), resent(corrected))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)

    assert 'class=" changed"><span class="hidden">Changed: </span>03-310</td>' in page.text
    assert page.text.count(' changed"><span') == 1


async def test_a10_two_accepts_and_a_typed_rejection_are_all_reviewed_and_sent(
    desk: DeskUnderTest,
) -> None:
    """Nothing that was chosen is lost on the way, whichever button was pressed last."""
    await desk.receive(sent(CONCRETE), sent(STEEL), sent(THIRD))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        await mark(browser, choice(page, "accept", "8841"))
        await mark(browser, value_of(THIRD, "reject"), reason="Line 2: cost code 03-300 is closed.")
        await mark(browser, value_of(STEEL))
        bar = await browser.get(READY)
        assert "2 accepted: EUR 480 k, USD 480 k · 1 rejected Review and send" in text_of(bar)
        assert not await desk.published("decision.accepted")
        review = await send(browser)
        text = text_of(review)
        assert "Check before export" in text
        assert "✓ Accept SC-014" in text
        assert "✕ Reject SC-016" in text
        assert "Line 2: cost code 03-300 is closed." in text
        assert "To export: EUR 480,250.00 and USD 480,250.00" in text
        assert "Export 2, reject 1" in text
        done = await follow(browser, await confirm(browser, review))
    assert "3 of 3 answers recorded" in text_of(done)
    assert "Nothing is marked." in text_of(done) or "Nothing is waiting" in text_of(done)
    assert len(await desk.published("decision.accepted")) == 2
    assert len(await desk.published("decision.rejected")) == 1


async def test_a_mark_survives_searches_another_session_and_accept_all(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), sent(STEEL), sent(THIRD))
    async with desk.browser(DANA) as browser:
        await mark(browser, value_of(CONCRETE, "reject"), reason="My reason.", list="view=ready&q=SC-014")
        assert "1 rejected" in text_of(await browser.get(f"{READY}&q=steel"))
    async with desk.browser(DANA) as browser:
        page = await browser.get(READY)
        assert "1 rejected" in text_of(page)
        await browser.post("/marks", data=hidden_fields(page, "/marks") | {"all": "accept"})
        assert "2 accepted" in text_of(await browser.get(READY))
        review = text_of(await send(browser))
        assert "Export 2, reject 1" in review
        assert "My reason." in review
    async with desk.browser(LEE) as browser:
        assert "Nothing is marked." in text_of(await browser.get(READY))


async def test_an_answer_leads_to_the_next_one_of_the_same_search(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), sent(STEEL), sent(THIRD))
    async with desk.browser(DANA) as browser:
        page = await browser.get(f"{READY}&q=works&item=8841")
        fields = hidden_fields(page, "/marks")
        answer = page.text.split('class="foot"')[1]
        assert 'name="next" value="8843"' in answer
        marked = await mark(browser, value_of(CONCRETE), list=fields["list"], next="8843")
    assert marked.headers["location"] == "/commitments?view=ready&q=works&item=8843"


async def test_one_mark_is_taken_back_and_all_others_stay(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), sent(STEEL))
    async with desk.browser(DANA) as browser:
        await mark(browser, value_of(CONCRETE))
        await mark(browser, value_of(STEEL))
        await browser.post("/marks", data={"clear": "8841"})
        page = await browser.get(READY)
    assert "1 accepted" in text_of(page)
    assert 'aria-pressed="true"' in page.text.split('id="row-8842"')[1]
    assert 'aria-pressed="true"' not in page.text.split('id="row-8841"')[1].split("</tr>")[0]


async def test_a20_a21_a_decision_of_somebody_else_is_named_and_loses_nothing(desk: DeskUnderTest) -> None:
    """Who decided and when; what was typed stays until one takes it back."""
    await desk.receive(sent(CONCRETE), sent(STEEL))
    async with desk.browser(DANA) as dana, desk.browser(LEE) as lee:
        await mark(dana, value_of(CONCRETE, "reject"), reason="I had typed this.")
        await mark(dana, value_of(STEEL))
        await choose(lee, value_of(CONCRETE))
        await desk.receive(retrieved(STEEL))
        review = await dana.get("/review")
        text = text_of(review)
        assert "SC-014 is left out. Lee Park accepted SC-014 at " in text
        assert "Your answer was not recorded. You had typed: I had typed this." in text
        assert "SC-015 is left out. Sam Lee retrieved SC-015 at " in text
        assert 'action="/review"' not in review.text
        forced = await dana.post("/review", data={"choice-1": value_of(CONCRETE, "reject")})
        assert "Lee Park accepted SC-014 at " in text_of(await follow(dana, forced))
        assert "2 changed or answered since you marked them" in text_of(await dana.get(READY))
    assert not await desk.published("decision.rejected")


async def test_a22_a_newer_revision_is_never_sent_unread(desk: DeskUnderTest) -> None:
    """The mark stays with the revision that was read; the pane shows what has changed since."""
    await desk.receive(sent(CONCRETE), sent(STEEL))
    async with desk.browser(DANA) as browser:
        await mark(browser, value_of(CONCRETE, "reject"), reason="Too expensive.")
        await mark(browser, value_of(STEEL))
        await desk.receive(resent(CHEAPER))
        assert "mark-outdated" in (await browser.get(READY)).text
        review = text_of(await browser.get("/review"))
        assert "SC-014 is now revision 2; you read revision 1. Nothing was exported." in review
        page = await browser.get(f"{READY}&item=8841")
        assert "Changes since revision 1, which you read" in text_of(page)
        assert "You marked revision 1; this is revision 2. Answer again." in text_of(page)
        assert ">Too expensive.</textarea>" in page.text
    assert not await desk.published("decision.rejected")


async def test_a23_a_double_click_gets_the_first_result_again(desk: DeskUnderTest) -> None:
    """For one fresh commitment, and for a review."""
    await desk.receive(sent(CONCRETE), sent(STEEL), sent(THIRD))
    async with desk.browser(DANA) as browser:
        await mark(browser, value_of(THIRD))
        form = hidden_fields(await browser.get(READY), "/review")
        pages = [text_of(await follow(browser, await browser.post("/review", data=form))) for _ in range(2)]
        assert pages[0] == pages[1]
        assert "Accepted. SC-016 is being exported to QuickBooks; this usually takes a few minutes." in pages[0]
        await mark(browser, value_of(CONCRETE))
        await mark(browser, value_of(STEEL))
        review = await send(browser)
        pages = [text_of(await follow(browser, await confirm(browser, review))) for _ in range(2)]
        assert pages[0] == pages[1]
        assert "2 of 2 answers recorded" in pages[0]
    assert len(await desk.published("decision.accepted")) == 3


async def test_a12_a_failed_answer_comes_back_as_a_banner_with_its_row(desk: DeskUnderTest) -> None:
    """Decided one by one; what was refused is on top, and still marked."""
    await desk.receive(sent(CONCRETE), sent(STEEL))
    async with desk.browser(DANA) as dana, desk.browser(LEE) as lee:
        await mark(dana, value_of(CONCRETE))
        await mark(dana, value_of(STEEL))
        review = await send(dana)
        await choose(lee, value_of(CONCRETE))
        done = await follow(dana, await confirm(dana, review))
    text = text_of(done)
    assert "1 of 2 answers recorded" in text
    assert "SC-014 Not recorded Lee Park accepted SC-014 at " in text
    assert "What became of each SC-015 Accepted. SC-015" in text
    assert "1 accepted" in text


async def test_a12_several_are_rejected_for_one_reason_after_a_confirmation(desk: DeskUnderTest) -> None:
    """Bulk reject has one reason and a page that confirms it."""
    await desk.receive(sent(CONCRETE), sent(STEEL))
    async with desk.browser(DANA) as browser:
        listed = await browser.get("/reject-several?group=ready")
        chosen = {f"choice-{key}": choice(listed, "reject", key) for key in ("8841", "8842")}
        fields = hidden_fields(listed, "/reject-several") | chosen
        assert "Choose at least one commitment" in text_of(
            await browser.post("/reject-several", data=hidden_fields(listed, "/reject-several"))
        )
        empty = await browser.post("/reject-several", data=fields | {"reason": " "})
        assert empty.status_code == 422
        assert "Enter a reason for rejecting 2 commitments" in text_of(empty)
        marked = await browser.post("/reject-several", data=fields | {"reason": "The period is closed."})
        assert "2 rejected" in text_of(await follow(browser, marked))
        review = await send(browser)
        assert "Reject 2 commitments" in text_of(review)
        assert text_of(review).count("The period is closed.") == 2
        await confirm(browser, review)
    assert len(await desk.published("decision.rejected")) == 2


async def test_a11_sending_nothing_is_a_problem(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        refused = await browser.post("/review", data=hidden_fields(await browser.get(READY), "/review"))
    assert refused.status_code == 422
    assert "<title>Error: " in refused.text
    assert '<a href="#choices">Choose Accept for at least one commitment</a>' in refused.text


async def test_a_tampered_mark_is_refused(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        for value in ("", "accept", "accept:1:2:3", f"praise:1:{'0' * 64}:8841", f"accept:-1:{'0' * 64}:8841"):
            assert (await mark(browser, value)).status_code == 400
        other = await mark(browser, f"accept:1:{'0' * 64}:8841")
        assert other.status_code == 409
        assert "The content of SC-014 is not the one that you read." in text_of(other)
        assert (
            await browser.post(
                "/marks",
                data={"all": "accept"} | {f"choice-{place}": f"accept:1:{'0' * 64}:c{place}" for place in range(51)},
            )
        ).status_code == 400
        assert "Nothing is marked." in text_of(await browser.get(READY))


async def test_a18_what_is_asked_of_the_erp_is_checked_when_it_is_marked_and_kept(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        wrong = await mark(browser, value_of(CONCRETE), erp_code="PO-777777777", note="As agreed.")
        assert wrong.status_code == 422
        assert "QuickBooks takes 11 characters in the document number; PO-777777777 has 12" in text_of(wrong)
        assert 'value="As agreed."' in wrong.text
        await mark(browser, value_of(CONCRETE), erp_code="PO-7", note="As agreed.")
        assert 'value="PO-7"' in (await browser.get(READY)).text
        await choose(browser, value_of(CONCRETE), erp_code="PO-7", note="As agreed.")
    (decision,) = await desk.published("decision.accepted")
    assert '"erp_code":"PO-7"' in decision
    assert '"note":"As agreed."' in decision


async def test_only_blocked_ones_are_listed_on_request(desk: DeskUnderTest) -> None:
    await desk.receive(*(sent(content(f"c{place}", f"SC-1{place:02}")) for place in range(52)))
    await desk.receive(sent(content("w", "SC-900", total="480300.00")))
    async with desk.browser(DANA) as browser:
        page = await browser.get(f"{READY}&blocked=yes")
    assert "Blocked 1" in text_of(page)
    assert "SC-900" in page.text
    assert "SC-100" not in page.text


async def test_news_tell_the_counts_and_how_many_have_come(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(KIM) as browser:
        page = await browser.get(READY)
        address = page.text.split('data-news="')[1].split('"')[0].replace("&amp;", "&")
        assert (await browser.get(address)).json()["words"] == ""
        await desk.receive(sent(STEEL), at=utc_now())
        news = (await browser.get(address)).json()
        await desk.receive(sent(THIRD), at=utc_now() - timedelta(hours=1))
        late = (await browser.get(address)).json()
    assert news["words"] == "1 new, show"
    assert late["words"] == "2 new, show"
    assert news["counts"]["ready"] == "2"
    assert news["address"].startswith("/commitments?view=ready")


async def test_a_filtered_list_is_told_only_the_counts(desk: DeskUnderTest) -> None:
    """What is new in its view may not be in the list."""
    async with desk.browser(DANA) as browser:
        page = await browser.get(f"{READY}&project=Pier+9")
        address = page.text.split('data-news="')[1].split('"')[0].replace("&amp;", "&")
        await desk.receive(sent(CONCRETE), at=utc_now() + timedelta(seconds=1))
        news = (await browser.get(address)).json()

    assert news["words"] == ""
    assert news["counts"]["ready"] == "1"


@pytest.mark.parametrize("view", ["ready", "failed", "all"])
async def test_a14_clearing_the_filters_of_an_empty_list_is_one_click(desk: DeskUnderTest, view: str) -> None:
    async with desk.browser(DANA) as browser:
        page = await browser.get(f"/commitments?view={view}&project=Nowhere&min=5")
    assert "Clear filters" in text_of(page)
    assert f'href="/commitments?view={view}"' in page.text


async def test_a_kept_reason_is_used_beside_the_list_and_for_several(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), sent(STEEL))
    async with desk.browser(DANA) as browser:
        await browser.post("/reasons", data={"title": "Closed", "text": "The period is closed."})
        page = await browser.get(READY)
        name = page.text.split('name="reason_template" value="')[2].split('"')[0]
        await mark(browser, value_of(CONCRETE, "reject"), reason="Send it again in May.", reason_template=name)
        chosen = {"choice-8842": value_of(STEEL, "reject")}
        await browser.post("/reject-several", data={"all": "reject", "reason_template": name} | chosen)
        await mark(browser, value_of(STEEL), reason_template=name, reason="not used")
        review = text_of(await send(browser))
    assert "The period is closed. Send it again in May." in review
    assert "Export 1, reject 1" in review


async def test_what_cannot_be_sent_any_more_is_not_counted_as_accepted(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), sent(STEEL), sent(THIRD))
    async with desk.browser(DANA) as browser, desk.browser(LEE) as colleague:
        for received in (CONCRETE, STEEL, THIRD):
            await mark(browser, value_of(received))
        await choose(colleague, value_of(STEEL))
        await desk.receive(resent(CHEAPER))
        page = await browser.get(READY)
    assert "1 accepted: USD 1.2 k \N{MIDDLE DOT} 2 changed or answered since you marked them" in text_of(page)
    row = page.text.split('id="row-8841"')[1].split("</tr>")[0]
    assert "mark-outdated" in row
    assert '<span class="tag tag-warning">changed since marked</span>' in row


async def test_the_review_shows_what_was_to_be_read_and_stays_when_one_is_taken_back(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), company.rejected(CONCRETE), sent(STEEL))
    await desk.receive(resent(CHEAPER, note="Fewer lines."))
    async with desk.browser(DANA) as browser:
        await mark(browser, value_of(CHEAPER, revision=2), note="Freight agreed by phone.")
        await mark(browser, value_of(STEEL))
        review = await browser.get("/review")
        words = text_of(review)
        back = await browser.post("/marks", data=hidden_fields(review, "/marks") | {"clear": "8842"})
    assert "Dana Ruiz rejected revision 1: Use 03-310." in words
    assert "Note from Sam Lee: Fewer lines." in words
    assert "Your note: Freight agreed by phone." in words
    assert back.headers["location"].startswith("/review?")


async def test_the_whole_page_leads_back_to_its_list_and_asks_the_sender(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        listed = await browser.get(f"{READY}&q=concrete")
        address = listed.text.split('class="full" href="')[1].split('"')[0].replace("&amp;", "&")
        page = await browser.get(address)
        back = page.text.split('<p class="back"><a href="')[1].split('"')[0].replace("&amp;", "&")
        assert "q=concrete" in back
        assert "item=8841" in back
        fields = hidden_fields(page, "/questions") | {"ask": value_of(CONCRETE, "reject"), "question": "Is it firm?"}
        done = await follow(browser, await browser.post("/questions", data=fields))
    assert "Asked. Sam Lee gets a mail about SC-014, which still waits." in text_of(done)


async def test_many_answers_are_told_in_short(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), sent(STEEL), sent(THIRD))
    async with desk.browser(DANA) as browser:
        await mark(browser, value_of(CONCRETE))
        await mark(browser, value_of(STEEL))
        await mark(browser, value_of(THIRD, "reject"), reason="Wrong vendor.")
        done = await follow(browser, await confirm(browser, await browser.get("/review")))
    assert "3 of 3 answers recorded: 2 accepted, 1 rejected" in text_of(done)
