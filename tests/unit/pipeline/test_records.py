"""Which records make a batch, and between which offsets it lies."""

from services.pipeline.records import Partition, batch_of
from tests.unit.pipeline.given import TOPIC, record

FIRST, SECOND = Partition(TOPIC, 0), Partition(TOPIC, 1)


def test_a_batch_lies_between_where_each_partition_stood_and_behind_its_last_record() -> None:
    records = [record(5), record(3, partition=1), record(6), record(9)]
    batch = batch_of(records, {FIRST: 5, SECOND: 3})
    assert list(batch.records) == records
    assert batch.begins == {FIRST: 5, SECOND: 3}
    assert batch.ends == {FIRST: 10, SECOND: 4}


def test_a_partition_without_records_has_no_part_in_the_batch() -> None:
    batch = batch_of([record(5)], {FIRST: 5, SECOND: 3})
    assert (batch.begins, batch.ends) == ({FIRST: 5}, {FIRST: 6})


def test_records_from_before_a_seek_are_left_out() -> None:
    batch = batch_of([record(3), record(4), record(5)], {FIRST: 5})
    assert [each.offset for each in batch.records] == [5]


def test_records_of_partitions_that_are_not_ours_any_more_are_left_out() -> None:
    batch = batch_of([record(5), record(7, partition=1)], {SECOND: 7})
    assert [each.partition for each in batch.records] == [SECOND]
    assert batch.begins == {SECOND: 7}


def test_a_partition_that_nobody_ever_read_begins_nowhere() -> None:
    batch = batch_of([record(120)], {FIRST: None})
    assert (batch.begins, batch.ends) == ({FIRST: None}, {FIRST: 121})


def test_offset_zero_is_a_position_and_not_none() -> None:
    assert batch_of([record(0)], {FIRST: 0}).begins == {FIRST: 0}


def test_a_batch_of_left_overs_is_empty() -> None:
    batch = batch_of([record(1)], {FIRST: 5})
    assert (list(batch.records), batch.begins, batch.ends) == ([], {}, {})
