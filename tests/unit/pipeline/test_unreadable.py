"""One row that cannot be read is left out, named once and counted until it can be read; the others are read."""

import orjson
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Column, MetaData, Table, Text
from structlog.testing import capture_logs

from services.pipeline.apart import apart
from services.pipeline.clock import utc_now
from services.pipeline.dead_letters import HANDLER_FAILED, dead_letter_of
from services.pipeline.errors import UnreadableRowError
from services.pipeline.records import Partition, Record
from services.pipeline.unreadable import (
    MAX_COUNTED,
    MAX_NOTED,
    noted,
    read_or_none,
    read_or_raise,
    readable,
)


@pytest.fixture
def table(unique_suffix: str) -> Table:
    return Table(f"item_{unique_suffix}", MetaData(schema="digest"), Column("id", Text, primary_key=True))


def counted(table: Table) -> float | None:
    return REGISTRY.get_sample_value("rows_unreadable", {"service": "digest", "table": table.name})


def numbers(table: Table, *texts: str) -> list[int]:
    return readable(table, texts, lambda text: text, int)


def test_the_others_are_read_in_their_order(table: Table) -> None:
    assert numbers(table, "3", "odd", "1", "", "2") == [3, 1, 2]


@pytest.mark.parametrize(
    "error", [ValueError(), TypeError(), KeyError(), IndexError(), OverflowError(), AttributeError(), RecursionError()]
)
def test_whatever_an_odd_value_raises_is_none(table: Table, error: Exception) -> None:
    def read() -> int:
        raise error

    assert read_or_none(table, "c-1", read) is None


def test_what_is_no_odd_value_is_raised(table: Table) -> None:
    def read() -> int:
        raise MemoryError

    with pytest.raises(MemoryError):
        read_or_none(table, "c-1", read)


def test_a_row_is_named_once_without_its_contents(table: Table) -> None:
    with capture_logs() as logged:
        for _ in range(3):
            read_or_none(table, "c-1", lambda: orjson.loads("{secret"))
    line = {"event": "rows.unreadable", "log_level": "error", "table": table.fullname, "key": "c-1"}
    assert logged == [line | {"cause": "JSONDecodeError"}]


def test_a_row_counts_until_it_can_be_read(table: Table) -> None:
    assert counted(table) is None
    numbers(table, "odd", "odder")
    assert counted(table) == 2
    read_or_none(table, "odd", lambda: 1)
    assert counted(table) == 1


def test_no_number_of_odd_rows_fills_the_memory_or_the_log(table: Table) -> None:
    with capture_logs() as logged:
        numbers(table, *(f"odd {number}" for number in range(MAX_COUNTED + 5)))
    assert (counted(table), len(logged)) == (MAX_COUNTED, MAX_COUNTED)


def test_an_event_about_such_a_row_is_a_dead_letter_that_no_release_is_blamed_for(table: Table) -> None:
    record = Record(Partition("commitment.sent", 0), 7, b"c-1", b"{}", [], utc_now())
    with pytest.raises(UnreadableRowError) as raised:
        read_or_raise(table, "c-1", lambda: orjson.loads("{"))
    letter = dead_letter_of(record, raised.value)
    assert (letter.reason, letter.is_of_row) == (HANDLER_FAILED, True)
    assert letter.why == f"UnreadableRowError: {table.fullname} has a row for c-1 that cannot be read"


def sentence(table: Table, key: str) -> str:
    return f"{table.fullname} has a row for {key} that cannot be read"


def test_whoever_tells_of_rows_is_told_which_were_left_out_each_once(table: Table) -> None:
    with noted() as before:
        assert numbers(table, "1") == [1]
    numbers(table, "outside")
    with noted() as unreadable:
        numbers(table, "odd", "2", "odder", "odd")
    assert (list(before), list(unreadable)) == ([], [sentence(table, "odd"), sentence(table, "odder")])


def test_a_row_that_was_noted_before_is_noted_for_the_next_one_as_well(table: Table) -> None:
    for _ in range(2):
        with noted() as unreadable:
            numbers(table, "odd")
        assert list(unreadable) == [sentence(table, "odd")]


def test_a_block_around_another_one_is_told_of_both(table: Table) -> None:
    with noted() as around:
        numbers(table, "first")
        with noted() as inside:
            numbers(table, "second")
        numbers(table, "third")
    assert list(inside) == [sentence(table, "second")]
    assert list(around) == [sentence(table, each) for each in ("first", "second", "third")]


def test_no_number_of_odd_rows_makes_what_is_told_long(table: Table) -> None:
    with noted() as unreadable:
        numbers(table, *(f"odd {number}" for number in range(MAX_NOTED + 5)))
    assert len(unreadable) == MAX_NOTED


async def test_what_is_read_beside_the_event_loop_is_noted(table: Table) -> None:
    with noted() as unreadable:
        await apart(lambda: numbers(table, "odd"))
    assert list(unreadable) == [sentence(table, "odd")]
