"""Lets nobody keep a service busy with its probes, which are answered to whoever asks."""

import asyncio
from collections.abc import Callable

from limits import RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from services.pipeline.minute_counts import MinuteCounts
from services.pipeline.networks import network_of

AT_ONCE_PER_MINUTE = 1_200
"""Of one network: many times what Kubernetes and Prometheus ask."""
LATER_SECONDS = 5.0


class PacedProbes:
    """Answers what `is_probe` says to be one, of a network that asks for very many only after LATER_SECONDS."""

    def __init__(self, app: ASGIApp, is_probe: Callable[[Scope], bool]) -> None:
        self._app = app
        self._is_probe = is_probe
        self._limiter = FixedWindowRateLimiter(MinuteCounts())
        self._at_once = RateLimitItemPerMinute(AT_ONCE_PER_MINUTE, namespace="probes")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, if need be later."""
        if scope["type"] == "http" and self._is_probe(scope):
            address = scope["client"][0] if scope.get("client") else ""
            if not await self._limiter.hit(self._at_once, network_of(address)):
                await asyncio.sleep(LATER_SECONDS)
        await self._app(scope, receive, send)
