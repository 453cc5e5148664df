"""A list can be taken along: as CSV for a spreadsheet, and as a page to print."""

import csv
import io
import re
from datetime import timedelta

from schemas.fields import FailureClass
from services.pipeline.clock import utc_now
from tests.integration.approval import company
from tests.integration.approval.company import DANA, EVE, content, sent, succeeded
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of

SC = content("8841", "SC-014")
FORMULA = content("f", "=1+2", title="@SUM(A1)", vendor={"id": "v", "name": "-Acme"})


async def rows_of(desk: DeskUnderTest, query: str) -> list[dict[str, str]]:
    async with desk.browser(DANA) as browser:
        answer = await browser.get(f"/commitments.csv?{query}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_a_csv_has_all_rows_of_the_list_as_it_is_filtered(desk: DeskUnderTest) -> None:
    now = utc_now()
    many = [content(f"c{place}", f"PR-{place:03}", project={"id": "p", "name": "Pier 9"}) for place in range(205)]
    await desk.consumer.process(
        *(company.event(sent(each), now - timedelta(hours=place)) for place, each in enumerate(many))
    )
    await desk.receive(sent(SC))

    assert len(await rows_of(desk, "view=ready&project=Pier+9")) == 205
    (row,) = await rows_of(desk, "view=ready&q=SC-014")
    assert (row["Number"], row["Currency"], row["Total"], row["Status"]) == (
        "SC-014",
        "USD",
        "480250.00",
        "Ready to Export",
    )
    async with desk.browser(EVE) as browser:
        assert (await browser.get("/commitments.csv?view=all")).text.count("\n") == 1


async def test_no_cell_is_taken_for_a_formula_and_amounts_stay_numbers(desk: DeskUnderTest) -> None:
    credit = content("n", "SC-015", total="-5.00", lines=[company.line(1, "03-100", "Credit", "-5.00")])
    await desk.receive(sent(FORMULA), sent(credit))
    rows = {row["Id"]: row for row in await rows_of(desk, "view=all")}

    assert (rows["f"]["Number"], rows["f"]["Title"], rows["f"]["Vendor"]) == ("'=1+2", "'@SUM(A1)", "'-Acme")
    assert rows["n"]["Total"] == "-5.00"


async def test_a_cell_that_begins_with_a_line_end_is_not_taken_for_a_formula_either(desk: DeskUnderTest) -> None:
    titles = [f"{end}=1+1" for end in ("\t", "\r", "\n", "\u2028")]
    await desk.receive(*(sent(content(f"c{place}", "SC-1", title=each)) for place, each in enumerate(titles)))
    assert {row["Title"].replace("\r", "\n") for row in await rows_of(desk, "view=all")} == {
        "'\t'=1+1",
        "'\n'=1+1",
        " =1+1",
    }


async def test_no_part_of_a_cell_is_taken_for_a_formula_where_semicolons_divide_lines(desk: DeskUnderTest) -> None:
    titles = ["a;=1+1;b", 'a,";=1', "a\n=1+1", "a;-2+3", "a\r@x", "\uff1d1+1", "a; b - c", "-2;-3"]
    await desk.receive(*(sent(content(f"c{n}", "SC-1", title=each)) for n, each in enumerate(titles)))
    async with desk.browser(DANA) as browser:
        text = (await browser.get("/commitments.csv?view=all")).content.decode("utf-8-sig")
    begins = [part[:1] for line in re.split("[\r\n]+", text) for part in re.split("[;,]", line)]
    assert not {"=", "+", "-", "@", "\uff1d"} & {each.removeprefix('"') for each in begins}
    rows = {row["Id"]: row["Title"] for row in csv.DictReader(io.StringIO(text))}
    assert (rows["c0"], rows["c2"], rows["c6"], rows["c7"]) == ("a;'=1+1;b", "a\n'=1+1", "a; b - c", "'-2;'-3")


async def test_no_cell_of_any_column_is_taken_for_a_formula_whoever_wrote_it(desk: DeskUnderTest) -> None:
    words = {"title": "+1", "vendor": {"id": "v", "name": "=1"}, "project": {"id": "p", "name": "@x"}}
    odd = [content(f"{sign}{name}", f"{sign}N-{name}", **words) for sign in "=+-@" for name in ("1+2", "x|y!A0")]
    failure = company.failed(odd[0], FailureClass.FIX_DATA, "=HYPERLINK(1)", next_step="+Go.", code="@C")
    await desk.receive(*(sent(each) for each in odd), company.accepted(odd[0]), failure)
    await desk.receive(company.rejected(odd[1]).model_copy(update={"reason": "-Because"}))
    cells = [cell for row in await rows_of(desk, "view=all") for cell in row.values()]
    assert len(cells) == len(odd) * 21
    assert [each for each in cells if each.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))] == []


async def test_the_name_of_a_download_is_a_plain_name(desk: DeskUnderTest) -> None:
    await desk.receive(sent(content("f", '../../x\r\nSet-Cookie: a=b"; filename="\u202etxt.exe')))
    async with desk.browser(DANA) as browser:
        answers = [await browser.get(path) for path in ("/commitments/f/history.json", "/commitments.csv?view=all")]
    for each in answers:
        assert re.fullmatch(r'attachment; filename="[A-Za-z0-9-]+\.(json|csv)"', each.headers["content-disposition"])
        assert "set-cookie" not in each.headers


async def test_a_csv_says_what_became_of_each(desk: DeskUnderTest) -> None:
    await desk.receive(sent(SC), company.accepted(SC), succeeded(SC))
    (row,) = await rows_of(desk, "view=synced")
    assert (row["ERP"], row["ERP document"], row["Sent by"]) == ("QuickBooks", "SC-014", "Sam Lee")


async def test_a_page_to_print_has_the_rows_and_their_totals_and_no_controls(desk: DeskUnderTest) -> None:
    await desk.receive(sent(SC), sent(content("8842", "SC-015", currency="EUR")))
    async with desk.browser(DANA) as browser:
        page = await browser.get("/print?view=ready")
    assert "2 of 2 · EUR 480,250.00 · USD 480,250.00. Dana Ruiz, " in text_of(page)
    assert "<button" not in page.text.split("<main")[1]
