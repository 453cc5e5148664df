"""Keeps a server that we call from filling our memory with an endless or huge answer."""

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import cast

import httpx2

MAX_ANSWER_BYTES = 1_048_576
ASK_UNPACKED = {"accept-encoding": "identity"}
"""Headers of a request whose answer may not be compressed, since a few bytes may unpack to gigabytes."""

_GZIP = b"\x1f\x8b"
_GZIP_BITS = 31
_PIECE_BYTES = 65_536


class AnswerTooLargeError(httpx2.ReadError):
    """An answer has more than MAX_ANSWER_BYTES, or is compressed in a way that we did not ask for or cannot read."""


async def bound_answer(response: httpx2.Response) -> None:
    """Bound what is read of `response`; an event hook of clients, which call it before they read."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise AnswerTooLargeError("the answer is compressed, although we asked for it unpacked")
    response.stream = _BoundedStream(cast("httpx2.AsyncByteStream", response.stream))


async def bound_gzipped_answer(response: httpx2.Response) -> None:
    """As `bound_answer`, for a server that may compress: what counts is the size before and after unpacking.

    Before as well, since what follows the end of what is compressed unpacks to nothing, and is kept nevertheless.
    The body decides whether it is compressed, since some servers claim so in the header of a plain one.
    """
    response.headers.pop("content-encoding", None)
    packed = _BoundedStream(cast("httpx2.AsyncByteStream", response.stream))
    response.stream = _BoundedStream(_Unpacked(packed))


class _Unpacked(httpx2.AsyncByteStream):
    """Unpacks a stream that begins as gzip does, in pieces that no compression can make large."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        beginning, unpacker = b"", None
        async for chunk in self._stream:
            packed, beginning = beginning + chunk, b""
            if unpacker is None and len(packed) < len(_GZIP):
                beginning = packed
                continue
            unpacker = unpacker or (zlib.decompressobj(wbits=_GZIP_BITS) if packed.startswith(_GZIP) else _Plain())
            for piece in _pieces(unpacker, packed):
                yield piece
        yield beginning
        if unpacker is not None:
            yield unpacker.flush()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Plain:
    """Unpacks what is not packed."""

    unconsumed_tail = b""

    def decompress(self, packed: bytes, _max_length: int) -> bytes:
        return packed

    def flush(self) -> bytes:
        return b""


def _pieces(unpacker: "zlib._Decompress | _Plain", packed: bytes) -> Iterator[bytes]:
    """Unpack piece by piece; AnswerTooLargeError for what is damaged, as it cannot be read either."""
    while packed:
        try:
            yield unpacker.decompress(packed, _PIECE_BYTES)
        except zlib.error as error:
            raise AnswerTooLargeError("its compression is damaged") from error
        packed = unpacker.unconsumed_tail


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read_bytes = 0
        async for chunk in self._stream:
            read_bytes += len(chunk)
            if read_bytes > MAX_ANSWER_BYTES:
                raise AnswerTooLargeError(f"the answer has more than {MAX_ANSWER_BYTES:,} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
