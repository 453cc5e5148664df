"""Lists are filtered, sorted, continued, counted and added up."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from schemas.fields import FailureClass
from services.approval.storage import candidates, queries, tallies
from services.approval.storage.queries import Cursor, Facet, ListFilter, Page, Sort, Tally, parse_cursor
from services.approval.storage.views import DeskView, Listed
from tests.integration.approval import company
from tests.integration.approval.company import (
    COMPANY,
    OTHER_COMPANY,
    START,
    accepted,
    content,
    drifted,
    failed,
    in_doubt,
    resent,
    retrieved,
    sent,
    succeeded,
)
from tests.integration.approval.desk import DeskUnderTest

NOW = START + timedelta(days=10)


def of(
    number: str, total: str, vendor: str = "Acme", project: str = "Tower", currency: str = "USD"
) -> dict[str, object]:
    named = {"vendor": {"id": vendor, "name": vendor}, "project": {"id": project, "name": project}}
    return content(number.lower(), number, total=total, currency=currency, **named)


COMMITMENTS = (
    of("A", "100.00"),
    of("B", "900.00", vendor="Müller"),
    of("C", "500.50", project="Pier"),
    of("D", "500.50", vendor="Müller", project="Pier", currency="EUR"),
    of("E", "20.00"),
)


@pytest.fixture
async def filled(desk: DeskUnderTest) -> DeskUnderTest:
    """A desk on which A to E wait, each for a day less than the one before; D in its second revision."""
    for place, each in enumerate(COMMITMENTS):
        await desk.receive(sent(each), at=START + timedelta(days=place))
    await desk.receive(resent(COMMITMENTS[3] | {"title": "Other works"}), at=START + timedelta(days=3, hours=1))
    return desk


async def page(desk: DeskUnderTest, only: ListFilter, sort: Sort | None = None, after: Cursor | None = None) -> Page:
    async with desk.database.begin() as db:
        return await queries.page(db, COMPANY, DeskView.READY, only=only, sort=sort, after=after, limit=2, now=NOW)


async def listed(desk: DeskUnderTest, only: ListFilter, sort: Sort | None = None) -> str:
    """The numbers of all pages of a list, which have two rows each."""
    found, after = "", None
    while True:
        some = await page(desk, only, sort, after)
        found += "".join(each.current.summary.number for each in some.commitments)
        assert not some.is_partial
        if some.next_after is None:
            return found
        after = parse_cursor(str(some.next_after), some.next_after.sort)
        assert after == some.next_after


async def tallied(desk: DeskUnderTest, only: ListFilter, view: DeskView = DeskView.READY) -> Tally:
    async with desk.database.begin() as db:
        return await queries.tally(db, COMPANY, view, only, now=NOW)


FILTERS: Mapping[str, tuple[ListFilter, str]] = {
    "nothing": (ListFilter(), "ABCDE"),
    "project": (ListFilter(projects=("Pier",)), "CD"),
    "several projects": (ListFilter(projects=("Pier", "Tower")), "ABCDE"),
    "vendor": (ListFilter(vendors=("Müller",)), "BD"),
    "project and vendor": (ListFilter(projects=("Pier",), vendors=("Müller",)), "D"),
    "name of nobody": (ListFilter(vendors=("Muller",)), ""),
    "waited": (ListFilter(waited_days=8), "ABC"),
    "at least": (ListFilter(min_total=Decimal("500.5")), "BCD"),
    "at least nothing": (ListFilter(min_total=Decimal(0), max_total=Decimal(0)), ""),
    "at most": (ListFilter(max_total=Decimal(100)), "AE"),
    "between": (ListFilter(min_total=Decimal(90), max_total=Decimal(600)), "ACD"),
    "changed": (ListFilter(is_changed=True), "D"),
    "search": (ListFilter(search="MULLER"), "BD"),
    "search and more": (ListFilter(search="muller", projects=("Pier",), max_total=Decimal(600)), "D"),
    "waited and vendor": (ListFilter(waited_days=8, vendors=("Acme",)), "AC"),
    "character that no text has": (ListFilter(projects=("\x00",)), ""),
}


async def test_a_list_has_what_fulfils_all_filters_in_every_order(filled: DeskUnderTest) -> None:
    by_total = "EACDB"
    for name, (only, found) in FILTERS.items():
        assert await listed(filled, only) == found, name
        assert await listed(filled, only, Sort.NEWEST) == found[::-1], name
        smallest = "".join(each for each in by_total if each in found)
        assert await listed(filled, only, Sort.SMALLEST) == smallest, name
        assert await listed(filled, only, Sort.LARGEST) == smallest[::-1], name


async def test_what_is_looked_up_in_an_index_is_what_the_list_has(filled: DeskUnderTest) -> None:
    for name, (only, found) in FILTERS.items():
        for sort in Sort:
            wanted = Listed(COMPANY, DeskView.READY, only, sort, NOW)
            if only.given and not only.is_impossible:
                async with filled.database.begin() as db:
                    positions = await candidates.look_up(db, wanted, None, 5)
                    counted = await candidates.count(db, wanted)
                assert positions is not None, name
                assert "".join(each.id.upper() for each in positions) == await listed(filled, only, sort), name
                assert (counted.count, counted.is_complete) == (len(found), True), name


async def test_a_list_is_counted_and_added_up_by_currency(filled: DeskUnderTest) -> None:
    for name, (only, found) in FILTERS.items():
        chosen = [each for each in COMMITMENTS if str(each["number"]) in found]
        sums: dict[str, Decimal] = {}
        for each in chosen:
            currency = str(each["currency"])
            sums[currency] = sums.get(currency, Decimal()) + Decimal(str(each["total"]))
        assert await tallied(filled, only) == Tally(len(found), sums), name


@pytest.mark.parametrize("is_folded", [False, True])
async def test_numbers_follow_every_change(filled: DeskUnderTest, *, is_folded: bool) -> None:
    a, b, c, d, e = COMMITMENTS
    await filled.receive(accepted(a), accepted(b), accepted(c), in_doubt(c), retrieved(e))
    await filled.receive(succeeded(a), drifted(a), failed(b, FailureClass.FIX_DATA, "Too long."))
    if is_folded:
        await fold(filled)
    await filled.receive(retrieved(d, revision=2))
    async with filled.database.begin() as db:
        assert await queries.counts(db, COMPANY) == {
            DeskView.READY: 0,
            DeskView.FAILED: 1,
            DeskView.EXPORTING: 1,
            DeskView.SYNCED: 1,
            DeskView.DIFFERING: 1,
            DeskView.REJECTED: 2,
            DeskView.ALL: 5,
        }
        assert set((await queries.counts(db, OTHER_COMPANY)).values()) == {0}
    everything = {"USD": Decimal("1520.50"), "EUR": Decimal("500.50")}
    assert await tallied(filled, ListFilter(), DeskView.ALL) == Tally(5, everything)
    assert await tallied(filled, ListFilter(is_changed=True), DeskView.REJECTED) == Tally(1, {"EUR": Decimal("500.50")})
    assert await tallied(filled, ListFilter(), DeskView.DIFFERING) == Tally(1, {"USD": Decimal("100.00")})


async def test_folding_leaves_no_change_behind_and_changes_no_number(filled: DeskUnderTest) -> None:
    before = await numbers(filled)
    assert await fold(filled) > 0
    assert await fold(filled) == 0
    assert await numbers(filled) == before


async def test_a_name_that_is_given_twice_lists_each_commitment_once(filled: DeskUnderTest) -> None:
    async with filled.database.begin() as db:
        for only in (ListFilter(projects=("Pier", "Pier")), ListFilter(vendors=("Müller",) * 3)):
            found = await queries.page(db, COMPANY, DeskView.READY, only=only, now=NOW)
            assert len(found.commitments) == 2
            assert (await queries.tally(db, COMPANY, DeskView.READY, only)).count == 2


async def test_the_most_frequent_projects_and_vendors_come_first(filled: DeskUnderTest) -> None:
    async with filled.database.begin() as db:
        found = await queries.facets(db, COMPANY, DeskView.READY)
        assert found.projects == [Facet("Tower", 3), Facet("Pier", 2)]
        assert found.vendors == [Facet("Acme", 3), Facet("Müller", 2)]
        assert not (await queries.facets(db, COMPANY, DeskView.SYNCED)).projects


async def test_what_came_since_a_page_was_loaded_is_counted(filled: DeskUnderTest) -> None:
    async with filled.database.begin() as db:
        assert await queries.newer(db, COMPANY, DeskView.READY, START + timedelta(days=2)) == 2
        assert await queries.newer(db, COMPANY, DeskView.ALL, NOW) == 0


async def test_what_was_retrieved_is_among_what_was_given_back(filled: DeskUnderTest) -> None:
    await filled.receive(retrieved(COMMITMENTS[0]))
    async with filled.database.begin() as db:
        (given_back,) = (await queries.page(db, COMPANY, DeskView.REJECTED)).commitments
    assert given_back.current.summary.number == "A"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "oldest",
        "oldest|0|2026-11-16T15:02:00+00:00",
        "oldest|NaN|2026-11-16T15:02:00+00:00|c-1",
        "newest|0|2026-11-16T15:02:00+00:00|c-1",
        "oldest|0|2026|c-1",
        "oldest|0|2026-11-16T15:02:00+00:00|\x00",
        "oldest|1E+999999|2026-11-16T15:02:00+00:00|c-1",
        "oldest|1E-999999|2026-11-16T15:02:00+00:00|c-1",
        "oldest|0|0001-01-01T00:00:00+14:00|c-1",
    ],
)
def test_a_cursor_that_is_none_of_this_list_is_no_cursor(text: str) -> None:
    assert parse_cursor(text, Sort.OLDEST) is None


def test_a_cursor_is_read_as_it_was_written() -> None:
    cursor = Cursor(Sort.LARGEST, datetime(2026, 1, 2, 3, 4, 5, 678, UTC), "a|b", Decimal("-12.345"))
    assert parse_cursor(str(cursor), Sort.LARGEST) == cursor


async def fold(desk: DeskUnderTest) -> int:
    async with desk.database.begin() as db:
        return await tallies.fold(db)


async def numbers(desk: DeskUnderTest) -> Sequence[object]:
    """Everything that is counted or added up."""
    async with desk.database.begin() as db:
        facets = [await queries.facets(db, COMPANY, view) for view in DeskView]
        sums = [await queries.tally(db, COMPANY, view, ListFilter(), now=NOW) for view in DeskView]
        return [await queries.counts(db, COMPANY), facets, sums]


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("min=100000&max=", {"SC-014"}),
        ("min=100,000.00", {"SC-014"}),
        ("min=100k&max=0.5 M", {"SC-014"}),
        ("min=&max=100 000", {"SC-2"}),
        ("min=&max=", {"SC-014", "SC-2"}),
    ],
)
async def test_amounts_are_taken_as_people_type_them(desk: DeskUnderTest, typed: str, numbers: set[str]) -> None:
    small = content("s", "SC-2", total="1250.00", lines=[company.line(1, "03-100", "Formwork", "1250.00")])
    await desk.receive(sent(content("8841", "SC-014")), sent(small))
    async with desk.browser(company.KIM) as browser:
        for view in ("ready", "all"):
            page = await browser.get(f"/commitments?view={view}&{typed}")
            assert {number for number in ("SC-014", "SC-2") if f">{number}</a>" in page.text} == numbers


async def test_an_amount_that_cannot_be_read_is_a_problem_of_its_field(desk: DeskUnderTest) -> None:
    await desk.receive(sent(content("8841", "SC-014")))
    async with desk.browser(company.KIM) as browser:
        for view in ("ready", "synced"):
            page = await browser.get(f"/commitments?view={view}&min=many&max=5")
            assert '<a href="#min">Enter an amount, such as 100,000 or 250k</a>' in page.text
            assert 'value="many" aria-invalid="true"' in page.text
