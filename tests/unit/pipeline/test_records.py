"""Which records make up a batch, and which offsets it advances."""

from datetime import UTC, datetime

import pytest

from services.pipeline.clock import utc_now
from services.pipeline.records import Batch, Partition, batch_of, moment_of
from tests.unit.pipeline.samples import TOPIC, record

FIRST, SECOND = Partition(TOPIC, 0), Partition(TOPIC, 1)


def test_a_batch_advances_each_partition_from_its_position_past_its_last_record() -> None:
    records = [record(5), record(3, partition=1), record(6), record(9)]
    batch = batch_of(records, {FIRST: 5, SECOND: 3})
    assert list(batch.records) == records
    assert batch.begins == {FIRST: 5, SECOND: 3}
    assert batch.ends == {FIRST: 10, SECOND: 4}


def test_a_partition_without_records_is_not_advanced() -> None:
    batch = batch_of([record(5)], {FIRST: 5, SECOND: 3})
    assert (batch.begins, batch.ends) == ({FIRST: 5}, {FIRST: 6})


def test_records_from_before_a_seek_are_left_out() -> None:
    batch = batch_of([record(3), record(4), record(5)], {FIRST: 5})
    assert [each.offset for each in batch.records] == [5]


def test_records_of_revoked_partitions_are_left_out() -> None:
    batch = batch_of([record(5), record(7, partition=1)], {SECOND: 7})
    assert [each.partition for each in batch.records] == [SECOND]
    assert batch.begins == {SECOND: 7}


def test_a_partition_that_was_never_read_begins_at_none() -> None:
    batch = batch_of([record(120)], {FIRST: None})
    assert (batch.begins, batch.ends) == ({FIRST: None}, {FIRST: 121})


def test_offset_zero_is_a_position_and_not_none() -> None:
    assert batch_of([record(0)], {FIRST: 0}).begins == {FIRST: 0}


def test_a_batch_of_old_records_only_is_empty() -> None:
    batch = batch_of([record(1)], {FIRST: 5})
    assert (list(batch.records), batch.begins, batch.ends) == ([], {}, {})


def test_the_records_of_a_batch_advance_the_offsets_one_by_one_as_they_do_together() -> None:
    batch = batch_of([record(5), record(3, partition=1), record(9)], {FIRST: 5, SECOND: None})
    singles = list(batch.one_by_one())
    assert [list(single.records) for single in singles] == [[each] for each in batch.records]
    assert [single.begins for single in singles] == [{FIRST: 5}, {SECOND: None}, {FIRST: 6}]
    assert [single.ends for single in singles] == [{FIRST: 6}, {SECOND: 4}, {FIRST: 10}]


def test_a_batch_without_offsets_advances_none_also_one_by_one() -> None:
    batch = Batch.without_offsets([record(5), record(6)])
    assert (batch.begins, batch.ends) == ({}, {})
    assert list(batch.one_by_one()) == [Batch.without_offsets([each]) for each in batch.records]


def test_a_position_names_topic_partition_and_offset() -> None:
    assert record(1207, partition=3).position == "commitment.retrieved/3/1207"


def test_a_timestamp_in_milliseconds_is_that_moment() -> None:
    assert moment_of(1_795_000_000_123) == datetime(2026, 11, 18, 11, 6, 40, 123000, UTC)


@pytest.mark.parametrize(
    "timestamp", [None, 0, -1, -(2**63), 1_795_000_000, 1_795_000_000_123_000, 1_795_000_000_123_000_000, 2**63 - 1]
)
def test_a_timestamp_that_is_no_time_in_milliseconds_is_now(timestamp: int | None) -> None:
    before = utc_now()
    assert before <= moment_of(timestamp) <= utc_now()
