"""The digest reads messages whose headers have names that are no UTF-8, and all those around them."""

import pytest

from services.digest.any_headers import AnyRecords, known_headers
from tests.packed_messages import plain_batch

ODD, PLAIN = (b"Gr\xf6\xdfe", b"x"), (b"content-type", b"application/json")


@pytest.mark.parametrize("odd_at", [[], [0], [1], [0, 1, 2], [2]])
def test_every_record_is_read_once_whatever_its_headers_are_called(odd_at: list[int]) -> None:
    headers = [[PLAIN, *([ODD] if place in odd_at else [])] for place in range(3)]
    records = [(b"key-%d" % place, b"%d" % place, each) for place, each in enumerate(headers)]
    found = AnyRecords(plain_batch(records) * 2)

    read = []
    while found.has_next():
        batch = found.next_batch()
        assert (batch.validate_crc(), batch.is_control_batch, batch.next_offset) == (True, False, 3)
        read += [(each.offset, each.key, each.value, dict(each.headers)) for each in batch]

    own = {"content-type": b"application/json"}
    odd = own | {"Gr\ufffd\ufffde": b"x"}
    wanted = [(place, b"key-%d" % place, b"%d" % place, odd if place in odd_at else own) for place in range(3)]
    assert read == wanted * 2
    assert found.next_batch() is None


def test_an_event_has_all_its_headers_or_as_for_the_other_services_none() -> None:
    own = ("content-type", b"application/json")
    assert known_headers([own, ("größe", b"x")]) == [own, ("größe", b"x")]
    assert known_headers([own, ("Gr\ufffd", b"x")]) == []
