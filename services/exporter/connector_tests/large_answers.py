"""Conformance: an answer of any size, also one that unpacks to it, takes little memory and no more time."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.exporter.connector_tests import faults
from services.exporter.connector_tests.bench import Bench, on_bench
from services.exporter.connector_tests.dialect import Call, Dialect
from services.exporter.connector_tests.expectations import expect, expect_answer
from services.exporter.connector_tests.faulty_server import Fault
from services.exporter.connectors.types import Landed, Transient, Unknown

MAX_PEAK_BYTES = 16_000_000
LARGE_SECONDS = 1.0
"""The deadline of a call whose answer does not end."""

LARGE: tuple[Fault, ...] = (faults.large_answer, faults.endless_answer)


@contextmanager
def little_memory() -> Iterator[None]:
    """Fail if the block needs more than MAX_PEAK_BYTES at any time."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        yield
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    expect(peak <= MAX_PEAK_BYTES, f"The call took {peak:,} bytes of memory, more than {MAX_PEAK_BYTES:,}.")


class LargeAnswerTests:
    """An ERP whose answers never end."""

    dialect: Dialect

    @pytest.mark.parametrize("fault", LARGE, ids=lambda fault: fault.__name__)
    @on_bench(timeout_seconds=LARGE_SECONDS)
    async def test_a_large_answer_takes_little_memory(self, bench: Bench, fault: Fault) -> None:
        """An answer that is read in full whatever its size ends the whole exporter."""
        bench.server.hit(fault, Call.FIND, Call.CREATE)
        with little_memory():
            found, created = await bench.find(), await bench.create()
        expect_answer(found, (tuple, Transient), "the ERP has answered, with more than anybody can read")
        expect_answer(created, (Landed, Unknown), "the ERP has stored the document, and answered with too much")
