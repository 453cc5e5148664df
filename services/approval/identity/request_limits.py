"""How often somebody may ask for what costs us something, by address and by person, in this process."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.requests import Request

from services.approval.identity.sign_in.errors import TooManyRequestsError
from services.approval.settings import ApprovalSettings
from services.pipeline.minute_counts import MinuteCounts
from services.pipeline.networks import network_of

MAX_ASSETS_PER_ADDRESS = 6_000
"""In a minute; a browser loads them once a day, and whoever asks for them need not be signed in."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of one limit for the sender of a request."""

    name: str
    per_minute: int
    remaining: int
    reset_seconds: int


class RequestLimits:
    """Counts per minute; each raises TooManyRequestsError beyond its limit."""

    def __init__(self, settings: ApprovalSettings) -> None:
        self._limiter = FixedWindowRateLimiter(MinuteCounts())
        self._sign_ins = RateLimitItemPerMinute(settings.sign_ins_per_minute, namespace="sign-ins")
        self._sign_in_ends = RateLimitItemPerMinute(settings.sign_ins_per_minute, namespace="sign-in-ends")
        self._commands = RateLimitItemPerMinute(settings.commands_per_minute, namespace="answers")
        self._requests = RateLimitItemPerMinute(settings.api_requests_per_minute, namespace="person")
        self._addresses = RateLimitItemPerMinute(settings.api_requests_per_address_per_minute, namespace="address")
        of_desk = settings.desk_requests_per_address_per_minute
        self._desk_addresses = RateLimitItemPerMinute(of_desk, namespace="desk-address")
        self._assets = RateLimitItemPerMinute(min(of_desk, MAX_ASSETS_PER_ADDRESS), namespace="assets")
        self._desk_requests = RateLimitItemPerMinute(settings.desk_requests_per_minute, namespace="desk-person")
        self._strangers = RateLimitItemPerMinute(settings.stranger_requests_per_minute, namespace="strangers")

    async def count_sign_in(self, request: Request) -> None:
        """Count a sign-in that begins, by the address that it comes from."""
        await self._count(self._sign_ins, address_of(request))

    async def count_sign_in_end(self, request: Request) -> None:
        """Count the end of a sign-in by itself: whoever was let in to begin one can end it."""
        await self._count(self._sign_in_ends, address_of(request))

    async def count_command(self, request: Request, person_id: str, answers: int = 1) -> None:
        """Count answers to commitments, by their approver."""
        await self._tell(request, self._commands, person_id, answers)

    async def count_request(self, request: Request, person_id: str) -> None:
        """Count a request to the API, by the person who sent it."""
        await self._tell(request, self._requests, person_id)

    async def count_address(self, request: Request) -> None:
        """Count a request to the API, by the address that it comes from."""
        await self._tell(request, self._addresses, address_of(request))

    async def count_desk_address(self, request: Request) -> None:
        """Count a request to the desk, by the address that it comes from."""
        await self._count(self._desk_addresses, address_of(request))

    async def count_asset(self, request: Request) -> None:
        """Count a request for what pages load, so that it takes nothing from the pages."""
        await self._count(self._assets, address_of(request))

    async def count_desk_request(self, person_id: str) -> None:
        """Count a request to the desk, by the person who sent it."""
        await self._count(self._desk_requests, person_id)

    async def count_stranger(self, request: Request) -> None:
        """Count a request without a token that is known to be valid, by the address that it comes from."""
        await self._count(self._strangers, address_of(request))

    async def _tell(self, request: Request, limit: RateLimitItem, sender: str, cost: int = 1) -> None:
        """Count, and keep what is left where the response finds it."""
        try:
            await self._count(limit, sender, cost)
        finally:
            window = await self._limiter.get_window_stats(limit, sender)
            allowance = Allowance(limit.namespace, limit.amount, window.remaining, _seconds_until(window.reset_time))
            _allowances(request)[limit.namespace] = allowance

    async def _count(self, limit: RateLimitItem, sender: str, cost: int = 1) -> None:
        if not await self._limiter.hit(limit, sender, cost=cost):
            window = await self._limiter.get_window_stats(limit, sender)
            raise TooManyRequestsError(_seconds_until(window.reset_time), limit=limit.namespace)


def rate_limit_headers(request: Request) -> Mapping[str, str]:
    """Return the headers that tell the sender of `request` their limits; none if it was not counted.

    As in the IETF's draft "RateLimit header fields for HTTP": `q` in `w` seconds; `r` are left for `t` seconds.
    """
    counted = list(_allowances(request).values())
    if not counted:
        return {}
    return {
        "ratelimit-policy": ", ".join(f'"{each.name}";q={each.per_minute};w=60' for each in counted),
        "ratelimit": ", ".join(f'"{each.name}";r={each.remaining};t={each.reset_seconds}' for each in counted),
    }


def _allowances(request: Request) -> dict[str, Allowance]:
    if not hasattr(request.state, "allowances"):
        request.state.allowances = {}
    allowances: dict[str, Allowance] = request.state.allowances
    return allowances


def address_of(request: Request) -> str:
    """Return the address, or its network, by which the sender of `request` is counted."""
    return network_of(request.client.host if request.client else "")


def _seconds_until(reset_time: float) -> int:
    return max(1, ceil(reset_time - time.time()))
