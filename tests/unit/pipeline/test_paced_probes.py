"""Probes are always answered; whoever asks for very many is answered later."""

from time import monotonic

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from services.pipeline import paced_probes
from services.pipeline.http import add_health


async def ready() -> bool:
    return True


async def seconds_of(app: FastAPI, address: str, path: str) -> float:
    began = monotonic()
    transport = ASGITransport(app, client=(address, 50_000))
    async with AsyncClient(transport=transport, base_url="http://service.example") as client:
        assert (await client.get(path)).status_code in (200, 404)
    return monotonic() - began


async def test_a_network_that_asks_for_very_many_probes_is_answered_later_and_no_other_one() -> None:
    app = FastAPI()
    add_health(app, is_live=lambda: True, is_ready=ready)
    for _ in range(paced_probes.AT_ONCE_PER_MINUTE):
        await seconds_of(app, "203.0.113.7", "/health/live")
    assert await seconds_of(app, "203.0.113.8", "/health/ready") < 1
    assert await seconds_of(app, "203.0.113.7", "/no-probe") < 1
    assert await seconds_of(app, "203.0.113.7", "/health/ready") >= paced_probes.LATER_SECONDS
