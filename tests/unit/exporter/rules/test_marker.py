"""Markers: making one, and reading the revision from one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exporter.rules.marker import marked_revision, marker_of


@given(st.text(min_size=1), st.integers(1, 1_000_000))
def test_a_revision_can_be_read_back_from_its_marker(commitment_id: str, revision: int) -> None:
    assert marked_revision(marker_of(commitment_id, revision, "0" * 64), commitment_id) == revision


@pytest.mark.parametrize(
    "marker",
    [None, "", "1", "1/", "1/2", "1/2/", "1/x/hash", "1/²/hash", "12/3/hash", "see 1/2/hash", f"1/{'9' * 5_000}/hash"],
)
def test_anything_else_is_not_our_marker(marker: str | None) -> None:
    assert marked_revision(marker, "1") is None
