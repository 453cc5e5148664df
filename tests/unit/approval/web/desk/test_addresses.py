"""The address of a list says all of it, so that a link, a form and the way back lead to the same list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.approval.storage.queries import Sort
from services.approval.storage.views import DeskView
from services.approval.web.desk.addresses import ListQuery

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@given(
    st.builds(
        ListQuery,
        view=st.sampled_from(DeskView),
        q=TEXTS,
        project=st.lists(TEXTS.filter(bool), max_size=3).map(tuple),
        vendor=st.lists(TEXTS.filter(bool), max_size=3).map(tuple),
        age=st.integers(0, 100),
        min=TEXTS,
        changed=st.booleans(),
        blocked=st.booleans(),
        sort=st.none() | st.sampled_from(Sort),
        after=TEXTS,
        at=st.integers(1, 1000),
        item=TEXTS,
    )
)
def test_an_address_reads_back_as_the_same_list(query: ListQuery) -> None:
    assert ListQuery.read(query.text) == query


def test_an_address_leaves_out_what_is_as_usual() -> None:
    assert ListQuery().address == "/commitments?view=ready"
    query = ListQuery(q="SC 014", project=("Riverside Tower",), min="1000", changed=True)
    assert query.address == "/commitments?view=ready&q=SC+014&project=Riverside+Tower&min=1000&changed=yes"


@pytest.mark.parametrize("text", ["age=soon", "view=none", "sort=backwards", "at=0", "q=" + "x" * 201])
def test_what_no_address_of_ours_says_is_the_whole_view(text: str) -> None:
    assert ListQuery.read(text, DeskView.FAILED) == ListQuery(view=DeskView.FAILED)


def test_another_filter_begins_at_the_first_page_and_keeps_the_others() -> None:
    query = ListQuery(q="concrete", after="x", at=51, item="c-1", vendor=("Acme",))
    assert query.toggled("vendor", "Best") == ListQuery(q="concrete", vendor=("Acme", "Best"))
    assert query.toggled("vendor", "Acme") == ListQuery(q="concrete")
    assert query.showing("c-2") == query.model_copy(update={"item": "c-2"})
