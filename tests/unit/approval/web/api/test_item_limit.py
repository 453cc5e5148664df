"""A body with very many members and items is refused before each of them is looked at."""

from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from services.approval.web.api.item_limit import MAX_ITEMS, ItemLimit, count_items


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


APP = Starlette(
    routes=[Route("/api/x", echo, methods=["POST"]), Route("/x", echo, methods=["POST"])],
    middleware=[Middleware(ItemLimit, prefix="/api/")],
)


async def status(path: str, content: Any) -> int:
    async with AsyncClient(transport=ASGITransport(APP), base_url="http://x") as client:
        return (await client.post(path, content=content)).status_code


async def in_pieces(body: bytes) -> Any:
    for begin in range(0, len(body), 1_000):
        yield body[begin : begin + 1_000]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[" + b"1," * 300_000 + b"1]", 422),
        (b"[" + b"{}," * 100_000 + b"{}]", 422),
        (b'{"a":[' + b"[]," * MAX_ITEMS + b"[]]}" + b" " * 20_000, 422),
        (b'{"a":"' + b"," * 300_000 + b'"}', 200),
        (b"[" + b"1," * (MAX_ITEMS - 1) + b"1]" + b" " * 20_000, 200),
        (b"[" * 100_000, 400),
        (b"no JSON" * 10_000, 400),
        (b"no JSON", 200),  # a small body is left to what reads it
    ],
)
async def test_a_body_of_the_api_has_so_many_items_at_most(body: bytes, expected: int) -> None:
    assert await status("/api/x", body) == expected
    assert await status("/api/x", in_pieces(body)) == expected
    assert await status("/x", body) == 200


def test_items_are_counted_at_all_depths() -> None:
    assert count_items({"a": [1, {"b": 2}], "c": "text"}, 100) == 5
    assert count_items([[1] * 50] * 50, 60) > 60
