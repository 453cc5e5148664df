"""Tests of the bound on what is read of an answer that a server may compress."""

import gzip
from collections.abc import AsyncIterator

import httpx2
import pytest

from services.pipeline.bounded_answer import MAX_ANSWER_BYTES, AnswerTooLargeError, bound_gzipped_answer


class Chunks(httpx2.AsyncByteStream):
    def __init__(self, content: bytes, size: int) -> None:
        self._chunks = [content[at : at + size] for at in range(0, len(content), size)]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


async def read(content: bytes, size: int = 7) -> bytes:
    """Return what a client reads of an answer that claims to be compressed."""
    response = httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=Chunks(content, size))
    await bound_gzipped_answer(response)
    return await response.aread()


@pytest.mark.parametrize("size", [1, 2, 7, 100_000])
async def test_a_compressed_answer_is_unpacked(size: int) -> None:
    text = b"".join(b"%d," % number for number in range(50_000))

    assert await read(gzip.compress(text), size) == text


@pytest.mark.parametrize("text", [b"", b"{", b'{"id": 1, "result": []}'])
async def test_a_plain_answer_that_claims_to_be_compressed_is_read_as_it_is(text: bytes) -> None:
    assert await read(text, 1) == text


async def test_a_small_answer_that_unpacks_to_a_huge_one_is_not_read() -> None:
    with pytest.raises(AnswerTooLargeError, match="more than"):
        await read(gzip.compress(b"\0" * (MAX_ANSWER_BYTES + 1)), 1_000)


@pytest.mark.parametrize("end", [b"x", gzip.compress(b"")], ids=["bytes", "a stream"])
async def test_what_follows_the_end_of_a_compressed_answer_counts_as_well(end: bytes) -> None:
    with pytest.raises(AnswerTooLargeError, match="more than"):
        await read(gzip.compress(b"{}") + end * (MAX_ANSWER_BYTES // len(end) + 1), 1_000)


async def test_a_damaged_answer_cannot_be_read() -> None:
    with pytest.raises(AnswerTooLargeError, match="damaged"):
        await read(b"\x1f\x8b" + b"\xff" * 50)
