"""Publishes records as no client of ours would: enormous once they are unpacked, or with headers of any bytes.

The batch is written by hand, since a client would hold what it packs in memory, and takes only texts as names.
Source: Apache Kafka's protocol guide, Produce version 3 and record batches with magic 2.
"""

import socket
import struct
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

Headers = Sequence[tuple[bytes, bytes]]
NONE, MESSAGE_TOO_LARGE = 0, 10
"""Kafka's error codes."""
_GZIP = 1
_PIECE = b" " * 1_048_576
_GZIP_BITS = 31
_CASTAGNOLI = 0x82F63B78


def publish_packed(bootstrap_server: str, topic: str, partition: int, key: bytes, value_bytes: int) -> int:
    """Publish a record whose value is `value_bytes` blanks, packed by gzip; return the broker's error code. Blocks."""
    return _publish(bootstrap_server, topic, partition, _batch(_packed(_record(key, value_bytes)), _GZIP))


def publish_record(
    bootstrap_server: str, topic: str, partition: int, key: bytes, value: bytes, headers: Headers
) -> int:
    """Publish one record as it is; return the broker's error code. Blocks."""
    return _publish(bootstrap_server, topic, partition, plain_batch([(key, value, headers)]))


def plain_batch(records: Sequence[tuple[bytes, bytes, Headers]]) -> bytes:
    """Return a batch that is not packed, with `records` of key, value and headers."""
    return _batch(b"".join(_plain_record(place, *record) for place, record in enumerate(records)), 0, len(records))


def _publish(bootstrap_server: str, topic: str, partition: int, records: bytes) -> int:
    body = struct.pack("!hhih", 0, 3, 1, -1) + struct.pack("!hhi", -1, -1, 30_000)
    body += struct.pack("!ih", 1, len(topic)) + topic.encode() + struct.pack("!ii", 1, partition)
    body += struct.pack("!i", len(records)) + records
    host, _, port = bootstrap_server.rpartition(":")
    with socket.create_connection((host, int(port)), 60) as connection:
        connection.sendall(struct.pack("!i", len(body)) + body)
        with connection.makefile("rb") as answer:
            (length,) = struct.unpack("!i", answer.read(4))
            told = answer.read(length)
    place = 4 + 4 + 2 + len(topic) + 4 + 4  # correlation id, one topic with its name, one partition with its number
    (code,) = struct.unpack_from("!h", told, place)
    return int(code)


def set_compression(config: Mapping[str, Any], topic: str, compression: str) -> None:
    """Set how the topic keeps messages, `producer` for as they came, and wait until the broker goes by it. Blocks."""
    entry = ConfigEntry("compression.type", compression, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient(dict(config))
    admin.incremental_alter_configs([resource])[resource].result(30)
    deadline = time.monotonic() + 60
    while admin.describe_configs([resource])[resource].result(30)["compression.type"].value != compression:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _batch(records: bytes, codec: int, count: int = 1) -> bytes:
    now = int(time.time() * 1000)
    checked = struct.pack("!hiqqqhii", codec, count - 1, now, now, -1, -1, -1, count) + records
    return struct.pack("!qiibI", 0, len(checked) + 9, -1, 2, _crc32c(checked)) + checked


def _packed(pieces: Iterator[bytes]) -> bytes:
    packing = zlib.compressobj(9, zlib.DEFLATED, _GZIP_BITS)
    return b"".join([*map(packing.compress, pieces), packing.flush()])


def _plain_record(place: int, key: bytes, value: bytes, headers: Headers) -> bytes:
    parts = [b"\x00", _varint(0), _varint(place), _sized(key), _sized(value), _varint(len(headers))]
    record = b"".join([*parts, *(_sized(part) for header in headers for part in header)])
    return _sized(record)


def _sized(content: bytes) -> bytes:
    return _varint(len(content)) + content


def _record(key: bytes, value_bytes: int) -> Iterator[bytes]:
    """One record without headers: its length, no deltas, key, value."""
    head = b"\x00" + _varint(0) + _varint(0) + _varint(len(key)) + key + _varint(value_bytes)
    yield _varint(len(head) + value_bytes + 1) + head
    for begin in range(0, value_bytes, len(_PIECE)):
        yield _PIECE[: value_bytes - begin]
    yield _varint(0)


def _varint(number: int) -> bytes:
    zigzag, parts = number * 2, bytearray()
    while zigzag > 0x7F:
        parts.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    return bytes([*parts, zigzag])


def _crc32c(content: bytes) -> int:
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (_CASTAGNOLI if number & 1 else 0)  # noqa: PLW2901 - the table's usual form
        table.append(number)
    checksum = 0xFFFFFFFF
    for byte in content:
        checksum = checksum >> 8 ^ table[(checksum ^ byte) & 0xFF]
    return checksum ^ 0xFFFFFFFF
