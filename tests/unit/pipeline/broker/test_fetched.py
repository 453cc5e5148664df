"""Batches have at most 500 records and about 8 MiB, in the order in which the records were read."""

from services.pipeline.broker.fetched import BATCH_BYTES, BATCH_RECORDS, Fetched
from services.pipeline.records import Partition
from tests.unit.pipeline.samples import TOPIC, record


def fetched(*records: object) -> Fetched:
    made = Fetched()
    made.add(records)  # type: ignore[arg-type] - records
    return made


def test_records_leave_in_the_order_in_which_they_came() -> None:
    some = fetched(record(0), record(1))
    some.add([record(2)])

    assert [each.offset for each in some.cut()] == [0, 1, 2]
    assert not some


def test_a_batch_has_at_most_500_records_and_the_others_stay() -> None:
    many = fetched(*(record(offset, value=b"{}") for offset in range(BATCH_RECORDS + 3)))

    assert many.room == 0
    assert len(many.cut()) == BATCH_RECORDS
    assert [each.offset for each in many.cut()] == [500, 501, 502]
    assert many.room == BATCH_RECORDS


def test_a_batch_ends_with_the_record_that_reaches_8_mib() -> None:
    two_mib = b"x" * (BATCH_BYTES // 4)
    large = fetched(*(record(offset, value=two_mib) for offset in range(6)))

    assert large.room == 0
    assert [each.offset for each in large.cut()] == [0, 1, 2, 3]
    assert large.room > 0
    assert [each.offset for each in large.cut()] == [4, 5]


def test_a_record_larger_than_a_batch_is_a_batch_of_its_own() -> None:
    large = fetched(record(0, value=b"x" * (BATCH_BYTES + 1)), record(1))

    assert [each.offset for each in large.cut()] == [0]


def test_records_that_are_put_back_come_first_again() -> None:
    some = fetched(record(0), record(1))
    cut = some.cut()
    some.add([record(2)])

    some.put_back(cut)

    assert [each.offset for each in some.cut()] == [0, 1, 2]


def test_the_records_of_a_dropped_partition_are_forgotten() -> None:
    some = fetched(record(0), record(7, partition=1), record(1))

    some.drop({Partition(TOPIC, 0)})

    assert [each.offset for each in some.cut()] == [7]
