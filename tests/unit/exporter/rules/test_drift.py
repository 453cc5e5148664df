"""What the ERP holds is compared with what was exported; what the ERP does not tell is no difference."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.commitment import Commitment
from services.exporter.connectors.types import ErpCopy, ErpLine, FoundDocument
from services.exporter.rules.drift import WrittenContent, differences, next_comparison, written_content
from services.exporter.rules.marker import marker_of
from tests.unit.exporter.builders import accepted_event

HASH = "0" * 64
MARKER = marker_of("c-1", 2, HASH)
WRITTEN = WrittenContent(MARKER, "USD", Decimal("100.00"), ((1, Decimal(80)), (2, Decimal(20))))
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def copy(marker: str | None = MARKER, **told: object) -> ErpCopy:
    return ErpCopy(FoundDocument("1001", "PO-1001", None, marker), **told)  # type: ignore[arg-type]


def found(**told: object) -> list[tuple[str, str, str]]:
    return [(each.field, each.before, each.after) for each in differences("c-1", WRITTEN, copy(**told))]


def lines(*amounts: str, positions: tuple[int | None, ...] = (1, 2, 3)) -> tuple[ErpLine, ...]:
    return tuple(ErpLine(Decimal(amount), place) for amount, place in zip(amounts, positions, strict=False))


def test_the_same_content_does_not_differ() -> None:
    assert found(total=Decimal(100), currency="USD", lines=lines("80", "20.00")) == []


def test_what_the_erp_does_not_tell_does_not_differ() -> None:
    assert found() == []


def test_a_changed_total_is_named_with_both_amounts() -> None:
    assert found(total=Decimal("90.5")) == [("Total", "USD 100.00", "USD 90.50")]


def test_another_currency_is_a_difference_of_its_own() -> None:
    assert found(total=Decimal(100), currency="EUR") == [("Currency", "USD", "EUR")]


def test_changed_added_and_removed_lines_are_named_by_position() -> None:
    changed = found(lines=lines("80", "25", "5"))
    removed = found(lines=lines("80"))

    assert changed == [("Line 2 amount", "USD 20.00", "USD 25.00"), ("Line 3 amount", "", "USD 5.00")]
    assert removed == [("Line 2 amount", "USD 20.00", "")]


def test_lines_in_another_order_are_the_same_if_the_erp_keeps_positions() -> None:
    assert found(lines=lines("20", "80", positions=(2, 1))) == []
    assert found(lines=lines("80", "20", positions=(None, None))) == []
    assert len(found(lines=lines("20", "80", positions=(None, None)))) == 2


@pytest.mark.parametrize(
    ("marker", "after"),
    [
        (marker_of("c-1", 1, HASH), "1"),
        (marker_of("c-1", 2, "1" * 64), "2, another content"),
        (marker_of("c-1", 3, HASH), "3"),
    ],
)
def test_an_erp_that_holds_another_revision_says_so(marker: str, after: str) -> None:
    assert found(marker=marker) == [("Revision", "2", after)]


@pytest.mark.parametrize("marker", [None, "", "by hand", marker_of("c-2", 1, HASH)])
def test_a_marker_that_is_not_ours_is_no_difference(marker: str | None) -> None:
    assert found(marker=marker) == []


def test_many_differences_are_bounded() -> None:
    written = WrittenContent(MARKER, "USD", Decimal(2000), tuple((place, Decimal(1)) for place in range(1, 2001)))

    assert len(differences("c-1", written, copy(lines=()))) == 100


def test_what_was_exported_is_what_was_approved() -> None:
    commitment: Commitment = accepted_event().data.commitment.commitment

    written = written_content(commitment, MARKER)

    assert (written.total, written.currency) == (Decimal(commitment.total), commitment.currency)
    assert [amount for _, amount in written.lines] == [Decimal(line.amount) for line in commitment.lines]


@given(
    st.text(min_size=1, max_size=40),
    st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is given
    st.times(),
    st.floats(min_value=0.1, max_value=24),
)
def test_the_next_night_is_within_a_day_and_in_its_window(
    commitment_id: str, now: datetime, begin: time, hours: float
) -> None:
    due = next_comparison(commitment_id, now, begin, hours)

    begins = datetime.combine(now.date(), begin, UTC)
    assert now < due <= now + timedelta(days=2)
    assert any(begins + timedelta(days=day) <= due <= begins + timedelta(days=day, hours=hours) for day in (-1, 0, 1))


def test_a_nights_comparisons_are_spread() -> None:
    dues = sorted(next_comparison(f"c-{n}", NOON, time(2), 4) for n in range(400))

    assert dues[0] < datetime(2026, 11, 23, 2, 10, tzinfo=UTC)
    assert dues[-1] > datetime(2026, 11, 23, 5, 50, tzinfo=UTC)
