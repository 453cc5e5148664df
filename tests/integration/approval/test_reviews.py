"""Findings on many submissions at once, each against the limits of the ERP that it goes to."""

from typing import Any

import pytest

from schemas.events import ErpConnection, LimitsProfile
from schemas.fields import FailureClass
from services.approval.storage import directory, queries, reviews, submissions
from services.approval.storage.reviews import CheckedSubmission
from services.pipeline.clock import utc_now
from tests.integration.approval import company
from tests.integration.approval.company import COMPANY, content
from tests.integration.approval.desk import DeskUnderTest

TWIN = "waits too and would get the same number: accept one only."
UNLINKED = "Acme Concrete has no ERP code, so nobody knows which vendor in QuickBooks it is."
SHORT = ErpConnection(
    name="a-short-erp",
    version=1,
    kind="http",
    title="Short ERP",
    companies=(COMPANY,),
    limits=LimitsProfile(number_characters=4, truncates_number=True),
)


async def checked(desk: DeskUnderTest, *commitments: dict[str, Any], revision: int = 1) -> list[CheckedSubmission]:
    """Return the checked submissions of `commitments`, computed at once."""
    async with desk.database.begin() as db:
        submitted = []
        for each in commitments:
            stored = await queries.find(db, COMPANY, each["id"])
            assert stored
            submitted += [(stored.facts, row) for row in await submissions.of_revision(db, each["id"], revision)]
        return await reviews.check(db, COMPANY, await directory.erps_of_company(db, COMPANY), submitted)


def collisions(found: list[CheckedSubmission]) -> list[str]:
    return [finding.text for each in found for finding in each.findings if finding.rule == "number"]


async def test_many_submissions_get_the_same_findings_as_one_by_one(desk: DeskUnderTest) -> None:
    commitments = [content(f"c-{n}", f"RIV-SC-2026-{n:03}", total=f"{480250 + n}.00") for n in range(5)]
    await desk.receive(*map(company.sent, commitments))

    together = await checked(desk, *commitments)

    assert together == [each for one in commitments for each in await checked(desk, one)]
    assert len(collisions(together)) == 5


async def test_a_number_collides_with_another_commitment_and_never_with_itself(desk: DeskUnderTest) -> None:
    first, second, alone = (
        content("a", "RIV-SC-2026-1"),
        content("b", "RIV-SC-2026-2"),
        content("c", "OTHER-NUMBERS-1"),
    )
    await desk.receive(*map(company.sent, (first, second, alone)))

    keeps = "QuickBooks keeps 11 characters."
    assert collisions(await checked(desk, first, second, alone)) == [
        f"{keeps} RIV-SC-2026-1 would become RIV-SC-2026. RIV-SC-2026-2 {TWIN}",
        f"{keeps} RIV-SC-2026-2 would become RIV-SC-2026. RIV-SC-2026-1 {TWIN}",
        "QuickBooks keeps 11 characters. OTHER-NUMBERS-1 would become OTHER-NUMBE.",
    ]


async def test_two_commitments_with_one_number_collide(desk: DeskUnderTest) -> None:
    twins = [content("a", "RIV-SC-2026-1"), content("b", "RIV-SC-2026-1")]
    await desk.receive(*map(company.sent, twins))

    assert all("RIV-SC-2026-1 waits too" in text for text in collisions(await checked(desk, *twins)))


async def test_only_a_number_that_stands_in_the_erp_or_is_about_to_blocks_another_one(desk: DeskUnderTest) -> None:
    mine, other = content("a", "RIV-SC-2026-1"), content("b", "RIV-SC-2026-2")
    await desk.receive(company.sent(mine), company.sent(other), company.rejected(other))
    alone = "QuickBooks keeps 11 characters. RIV-SC-2026-1 would become RIV-SC-2026."
    assert collisions(await checked(desk, mine)) == [alone]

    third = content("c", "RIV-SC-2026-3")
    await desk.receive(company.sent(third), company.accepted(third))
    taken = f"{alone.removesuffix('.')}, already used by RIV-SC-2026-3."
    assert collisions(await checked(desk, mine)) == [taken]

    await desk.receive(company.succeeded(third), company.resent(third | {"title": "Concrete, corrected"}))
    assert collisions(await checked(desk, mine)) == [taken]


async def test_what_the_erp_refused_once_is_said_of_the_next_revision_until_it_is_corrected(
    desk: DeskUnderTest,
) -> None:
    first = content("a", "SC-1")
    again, corrected = first | {"title": "Concrete, phase 2"}, first | {"vendor": first["vendor"] | {"erp_code": "V-9"}}
    await desk.receive(
        company.sent(first),
        company.accepted(first),
        company.failed(first, FailureClass.WAIT_FOR_DEPENDENCY, UNLINKED),
    )
    await desk.receive(company.rejected(first, export_round=1), company.resent(again))

    (found,) = await checked(desk, again, revision=2)
    assert [(each.rule, each.text, each.is_blocking) for each in found.findings] == [
        ("refused before", f"QuickBooks refused revision 1 for this: {UNLINKED}", False)
    ]

    await desk.receive(company.rejected(again, revision=2), company.resent(corrected, revision=3))
    (found,) = await checked(desk, corrected, revision=3)
    assert found.findings == ()


async def test_what_the_erp_refused_of_one_is_said_of_all_that_have_it_too(desk: DeskUnderTest) -> None:
    closed = "Line 2: cost code 03-300 is closed. Nothing was written."
    failed, alike = content("a", "SC-1"), content("b", "SC-2", total="480251.00")
    other = content("c", "SC-3", total="1250.00", lines=[company.line(1, "03-100", "Formwork", "1250.00")])
    await desk.receive(
        *map(company.sent, (failed, alike, other)),
        company.accepted(failed),
        company.failed(failed, FailureClass.FIX_DATA, closed),
        at=utc_now(),
    )

    def told(found: list[CheckedSubmission]) -> list[list[str]]:
        return [[each.text for each in one.findings if each.rule == "refused before"] for one in found]

    warning = f"QuickBooks refused SC-1, which has cost code 03-300 too: {closed}"
    assert told(await checked(desk, failed, alike, other)) == [[], [warning], []]

    await desk.receive(company.rejected(failed, export_round=1), at=utc_now())
    assert told(await checked(desk, alike)) == [[warning]]

    corrected = failed | {"lines": other["lines"], "total": "1250.00"}
    await desk.receive(company.resent(corrected), company.succeeded(corrected, revision=2), at=utc_now())
    assert told(await checked(desk, alike)) == [[]]


async def test_a_refusal_whose_retry_was_written_is_said_of_no_other_whatever_became_of_the_next_revision(
    desk: DeskUnderTest,
) -> None:
    mended, alike = content("a", "SC-1"), content("b", "SC-2", total="480251.00")
    again = mended | {"title": "Concrete, phase 2"}
    await desk.receive(
        *map(company.sent, (mended, alike)),
        company.accepted(mended),
        company.failed(mended, FailureClass.FIX_DATA, "Acme Concrete is not in QuickBooks."),
        at=utc_now(),
    )
    (found,) = await checked(desk, alike)
    assert [each.rule for each in found.findings if each.rule == "refused before"] == ["refused before"]

    await desk.receive(company.accepted(mended, 1, 2), company.succeeded(mended), at=utc_now())
    await desk.receive(company.resent(again), company.rejected(again, revision=2), at=utc_now())
    (found,) = await checked(desk, alike)
    assert [each for each in found.findings if each.rule == "refused before"] == []


@pytest.mark.parametrize(
    ("message", "is_told"),
    [
        ("Acme Concrete is on hold.", True),
        ("The vendor is on hold.", True),  # it names nobody, but the vendor is the same
        ("The supplier is inactive.", True),
        ("The period is closed.", False),
        ("Cost code 03-3000 is closed.", False),
    ],
)
async def test_the_words_of_a_refusal_decide_what_else_it_is_about(
    desk: DeskUnderTest, message: str, *, is_told: bool
) -> None:
    failed, alike = content("a", "SC-1"), content("b", "SC-2", total="480251.00")
    other_vendor = content("c", "SC-3", vendor={"id": "vendor-9", "name": "Ironline"})
    await desk.receive(
        *map(company.sent, (failed, alike, other_vendor)),
        company.accepted(failed),
        company.failed(failed, FailureClass.WAIT_FOR_DEPENDENCY, message),
        at=utc_now(),
    )
    found = await checked(desk, alike, other_vendor)
    told = [any(each.rule == "refused before" for each in one.findings) for one in found]
    assert told == [is_told, False]


async def test_one_number_in_two_projects_is_a_warning(desk: DeskUnderTest) -> None:
    here, there, alone = content("a", "SC-1"), content("b", "SC-1", title="Structural steel"), content("c", "SC-10")
    await desk.receive(*map(company.sent, (here, there, alone)))

    found = await checked(desk, here, there, alone)

    assert ["Structural steel of" in text for text in collisions(found)] == [True, False]
    assert not any(finding.is_blocking for each in found for finding in each.findings)


async def test_each_commitment_is_checked_against_its_own_erp(desk: DeskUnderTest) -> None:
    """One has a document in QuickBooks; the other was never exported and goes to the company's first connection."""
    synced, new = content("s", "RIV-SC-2026-1"), content("n", "RIV-SC-2026-2")
    corrected = synced | {"title": "Concrete works, corrected"}
    await desk.receive(SHORT, company.sent(synced), company.accepted(synced), company.succeeded(synced))
    await desk.receive(company.resent(corrected), company.sent(new))

    (of_synced,), (of_new,) = await checked(desk, corrected, revision=2), await checked(desk, new)

    assert (of_synced.erp and of_synced.erp.title, of_new.erp and of_new.erp.title) == ("QuickBooks", "Short ERP")
    assert collisions([of_synced, of_new]) == [
        f"QuickBooks keeps 11 characters. RIV-SC-2026-1 would become RIV-SC-2026. RIV-SC-2026-2 {TWIN}",
        "Short ERP keeps 4 characters. RIV-SC-2026-2 would become RIV-, already used by RIV-SC-2026-1.",
    ]


async def test_lengths_of_several_erps_are_looked_up_together(desk: DeskUnderTest) -> None:
    synced, new = content("s", "RIV-SC-2026-1"), content("n", "RIV-SC-2026-2")
    await desk.receive(
        SHORT, company.sent(synced), company.accepted(synced), company.succeeded(synced), company.sent(new)
    )

    assert await checked(desk, synced, new) == [*await checked(desk, synced), *await checked(desk, new)]


async def test_an_export_in_doubt_is_checked_against_the_erp_that_it_went_to(desk: DeskUnderTest) -> None:
    doubtful = content("d", "RIV-SC-2026-1")
    await desk.receive(SHORT, company.sent(doubtful), company.accepted(doubtful), company.in_doubt(doubtful))

    (found,) = await checked(desk, doubtful)

    assert found.erp
    assert found.erp.title == "QuickBooks"


@pytest.mark.parametrize("commitments", [[], [content("x", "SC-1")]])
async def test_valid_commitments_have_no_findings(desk: DeskUnderTest, commitments: list[dict[str, Any]]) -> None:
    await desk.receive(*map(company.sent, commitments))

    assert [each.findings for each in await checked(desk, *commitments)] == [()] * len(commitments)


async def test_the_same_order_twice_and_an_amount_out_of_all_proportion_are_warnings(desk: DeskUnderTest) -> None:
    usual = [
        content(f"u-{n}", f"SC-{n}", project={"id": "p-2", "name": "Harbor Bridge"}, total="100.00") for n in range(3)
    ]
    twin, mine = content("t", "SC-20"), content("m", "SC-21")
    await desk.receive(*map(company.sent, [*usual, twin, mine]))

    (found,) = await checked(desk, mine)

    assert [(each.rule, each.is_blocking) for each in found.findings] == [("usual amount", False), ("similar", False)]
    assert found.findings[0].text.endswith("times what commitments of Acme Concrete usually amount to, USD 100.00.")
    assert found.findings[1].text.startswith("SC-21 has the same vendor, project and amount as SC-20.")

    await desk.receive(company.rejected(twin))
    (found,) = await checked(desk, mine)
    assert [each.rule for each in found.findings] == ["usual amount"]
