"""Every limit of the ERP is held where the approver decides: on the list, on the page, and when the answer comes."""

from datetime import date
from http import HTTPStatus
from typing import Any

from schemas.events import ErpConnection, LimitsProfile
from tests.integration.approval import company
from tests.integration.approval.company import DANA, content, line, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import hidden_fields, text_of

CONCRETE = content("8841", "SC-014")
READY = "/commitments?view=ready"


def announced(version: int = 2, **limits: Any) -> ErpConnection:
    """Return the announcement of an ERP with these limits."""
    return company.QUICKBOOKS.model_copy(
        update={"version": version, "title": "Spectrum", "limits": LimitsProfile(**limits)}
    )


async def test_what_the_erp_refuses_blocks_on_list_and_page_with_line_and_value(desk: DeskUnderTest) -> None:
    limits = {"profile": "spectrum", "profile_version": date(2026, 11, 28), "one_cost_type_only": True}
    lines = [line(1, "03-100", "Formwork", "400000.00") | {"cost_type": "S", "unit": "square metres"}]
    lines.append(line(2, "03-300", "Concrete", "80250.00") | {"cost_type": "M"})
    await desk.receive(announced(**limits, unit_characters=6, needs_cost_code=True), sent(CONCRETE | {"lines": lines}))
    async with desk.browser(DANA) as browser:
        listed, page = text_of(await browser.get(READY)), await browser.get("/commitments/8841")

    for text in (
        "Spectrum takes one cost type for all lines; SC-014 has line 1 (S), line 2 (M). Reject it; the project has to",
        "Spectrum takes 6 characters in the unit of a line; SC-014 has more in line 1 (square metres). Reject it;",
    ):
        assert text in listed
        assert f"Blocks {text}" in text_of(page)
    assert "Against the limits of Spectrum (profile spectrum of 2026-11-28)" in text_of(page)
    assert "Cost codes 2 lines No line without a cost code OK" in text_of(page)
    assert 'action="/commitments/8841/accept"' not in page.text


async def test_an_order_to_export_what_the_erp_refuses_is_not_granted(desk: DeskUnderTest) -> None:
    """As when the connection announces a limit while the page is open."""
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get("/commitments/8841"), "/accept")
        await desk.receive(announced(needs_vendor_code=True))
        answer = await browser.post("/commitments/8841/accept", data=fields)

    assert answer.status_code == HTTPStatus.CONFLICT
    assert "Spectrum takes no vendor without a code; Acme Concrete, the vendor of SC-014, has none." in text_of(answer)
    assert not await desk.published("decision.accepted")


async def test_what_the_erp_cuts_in_silence_is_a_warning_that_may_be_accepted(desk: DeskUnderTest) -> None:
    await desk.receive(announced(title_characters=8, truncates_title=True), sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments/8841")
        await browser.post("/commitments/8841/accept", data=hidden_fields(page, "/accept"))

    assert (
        "Title 14 characters 8 characters; longer ones are cut Warning Spectrum takes 8 characters in the title; "
        "that of SC-014 (Concrete works) would become Concrete. Accepting it accepts this."
    ) in text_of(page)
    assert len(await desk.published("decision.accepted")) == 1
