"""How often somebody may ask for what costs us something: sign-ins by address, commands by person, in this process."""

import time
from math import ceil

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.requests import Request

from services.approval.identity.sign_in.errors import TooManyRequestsError
from services.pipeline.networks import network_of


class RequestLimits:
    """Counts per minute; each raises TooManyRequestsError beyond its limit."""

    def __init__(self, *, sign_ins_per_minute: int, commands_per_minute: int) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._sign_ins = RateLimitItemPerMinute(sign_ins_per_minute, namespace="sign-ins")
        self._commands = RateLimitItemPerMinute(commands_per_minute, namespace="commands")

    async def count_sign_in(self, request: Request) -> None:
        """Count a request that anybody may send, by the address that it comes from."""
        await self._count(self._sign_ins, network_of(request.client.host if request.client else ""))

    async def count_command(self, person_id: str) -> None:
        """Count an answer to a commitment, by its approver."""
        await self._count(self._commands, person_id)

    async def _count(self, limit: RateLimitItem, sender: str) -> None:
        if not await self._limiter.hit(limit, sender):
            window = await self._limiter.get_window_stats(limit, sender)
            raise TooManyRequestsError(max(1, ceil(window.reset_time - time.time())))
