"""Reads messages of which a header's name is no UTF-8: at the first one, Faust's Kafka client would stop for good.

The Kafka protocol asks for UTF-8, but no broker checks it, and some clients write the bytes that they are given.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy

from schemas.message import Headers

_NO_UTF_8 = "\N{REPLACEMENT CHARACTER}"


def read_any_headers() -> None:
    """Let all clients of this process read such messages; what is no UTF-8 becomes U+FFFD."""
    fetcher.MemoryRecords = AnyRecords


def known_headers(headers: Headers) -> Headers:
    """Return `headers`, none if the name of one is no UTF-8: the services with another client cannot read them then.

    An event means the same to all services.
    """
    return [] if any(_NO_UTF_8 in name for name, _ in headers) else headers


class AnyRecords(_MemoryRecordsPy):
    """The batches in what a broker answered."""

    def next_batch(self, *given: Any) -> Any:
        """Return the next batch; None behind the last one."""
        content, batch = self._next_slice, super().next_batch(*given)
        return _Batch(batch, bytes(content or b"")) if isinstance(batch, DefaultRecordBatch) else batch


class _Batch:
    """A batch, which the fast reader reads up to what it cannot, and the plain one from there."""

    def __init__(self, batch: Any, content: bytes) -> None:
        self._batch = batch
        self._content = content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        passed = 0
        try:
            for record in self._batch:
                yield record
                passed += 1
        except (UnicodeDecodeError, CorruptRecordException):  # the latter where there is no fast reader
            yield from islice(_PlainBatch(self._content), passed, None)


class _PlainBatch(_DefaultRecordBatchPy):
    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _AnyText(self._buffer)


class _AnyText(bytearray):
    """Bytes of which each part can be read as text."""

    def __getitem__(self, place: Any) -> Any:
        part: Any = super().__getitem__(place)
        return _AnyText(part) if isinstance(place, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        del errors
        return super().decode(encoding, "replace")
