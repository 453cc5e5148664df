"""Lines about one job have its ids, and lines after it do not."""

import pytest
from structlog.contextvars import get_contextvars

from services.pipeline.log_context import telling_of, trace_id

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_ids_are_there_while_the_block_runs_and_unknown_ones_are_left_out() -> None:
    with telling_of({"commitment_id": "c-1", "trace_id": None}):
        with telling_of({"commitment_id": "c-2"}):
            assert get_contextvars()["commitment_id"] == "c-2"
        assert get_contextvars()["commitment_id"] == "c-1"
        assert "trace_id" not in get_contextvars()
    assert "commitment_id" not in get_contextvars()


@pytest.mark.parametrize(
    ("traceparent", "id_"),
    [(f"00-{TRACE}-00f067aa0ba902b7-01", TRACE), ("00-zz", None), ("Dana Ruiz", None), (None, None)],
)
def test_a_trace_id_is_taken_from_a_valid_traceparent_only(traceparent: str | None, id_: str | None) -> None:
    assert trace_id(traceparent) == id_
