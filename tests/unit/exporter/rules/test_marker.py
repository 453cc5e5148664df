"""Markers: written into a document, and recognised in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exporter.rules.marker import marked_revision, marker_of


@given(st.text(min_size=1), st.integers(1, 1_000_000))
def test_a_marker_names_its_revision_to_its_own_commitment(commitment_id: str, revision: int) -> None:
    assert marked_revision(marker_of(commitment_id, revision, "0" * 64), commitment_id) == revision


@pytest.mark.parametrize(
    "marker", [None, "", "1", "1/", "1/2", "1/2/", "1/x/hash", "1/²/hash", "12/3/hash", "see 1/2/hash"]
)
def test_anything_else_is_no_marker_of_ours(marker: str | None) -> None:
    assert marked_revision(marker, "1") is None
