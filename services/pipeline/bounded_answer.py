"""Keeps a server that we call from filling our memory with an endless or huge answer."""

from collections.abc import AsyncIterator
from typing import cast

import httpx2

MAX_ANSWER_BYTES = 1_048_576
ASK_UNPACKED = {"accept-encoding": "identity"}
"""Headers of a request whose answer may not be compressed, since a few bytes may unpack to gigabytes."""


class AnswerTooLargeError(httpx2.ReadError):
    """An answer has more than MAX_ANSWER_BYTES, or is compressed although we asked for it unpacked."""


async def bound_answer(response: httpx2.Response) -> None:
    """Bound what is read of `response`; an event hook of clients, which call it before they read."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise AnswerTooLargeError("the answer is compressed, although we asked for it unpacked")
    response.stream = _BoundedStream(cast("httpx2.AsyncByteStream", response.stream))


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
