"""The list of what is blocked, which no column says: its pages, its count, its copies."""

from datetime import timedelta

from tests.integration.approval import company
from tests.integration.approval.company import DANA, content, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import hidden_fields, text_of

BLOCKED = "/commitments?view=ready&blocked=yes"


async def receive(desk: DeskUnderTest, blocked: int) -> None:
    """One commitment that can be accepted, then so many whose total is not that of their lines."""
    many = [content(f"b{place}", f"SC-{place:03}", total="1.00") for place in range(1, blocked + 1)]
    await desk.consumer.process(
        *(
            company.event(sent(each), company.START + timedelta(minutes=place))
            for place, each in enumerate([content("8841", "SC-000"), *many])
        )
    )


async def test_its_count_and_its_copies_have_only_what_is_blocked(desk: DeskUnderTest) -> None:
    await receive(desk, 1)
    async with desk.browser(DANA) as browser:
        shown = text_of(await browser.get(BLOCKED))
        csv = (await browser.get(BLOCKED.replace("/commitments", "/commitments.csv"))).text
        printed = text_of(await browser.get(BLOCKED.replace("/commitments", "/print")))

    assert "1\N{EN DASH}1 of 1 " in shown
    assert "SC-000" not in csv
    assert "SC-001" in csv
    assert "SC-000" not in printed
    assert "1 of 1 · USD 1.00. Dana Ruiz, " in printed


async def test_a_page_of_it_ends_after_50_rows_and_the_next_one_continues_it(desk: DeskUnderTest) -> None:
    await receive(desk, 98)
    async with desk.browser(DANA) as browser:
        first = await browser.get(BLOCKED)
        address = first.text.split('<a rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        second = await browser.get(address)
        several = await browser.get("/reject-several?list=view%3Dready%26blocked%3Dyes")
        chosen = [part.split('"')[0] for part in several.text.split('name="choice-')[1:]]
        values = [part.split('"')[0] for part in several.text.split('" value="reject:')[1:]]
        form = {f"choice-{name}": f"reject:{value}" for name, value in zip(chosen, values, strict=True)}
        sent_form = hidden_fields(several, "/reject-several") | form | {"reason": "Totals."}
        answer = await browser.post("/reject-several", data=sent_form)
        copied = (await browser.get(BLOCKED.replace("/commitments", "/commitments.csv"))).text

    assert "1\N{EN DASH}50 of at least 50" in text_of(first)
    assert "51\N{EN DASH}98 of 98" in text_of(second)
    assert [number in first.text for number in ("SC-001", "SC-050", "SC-051")] == [True, True, False]
    assert [number in second.text for number in ("SC-050", "SC-051", "SC-098")] == [False, True, True]
    assert answer.status_code == 303
    assert copied.count("\n") == 99
