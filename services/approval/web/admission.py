"""Lets requests in, as many as their network and their sender may send, before anything is done for them."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from http import HTTPStatus

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.approval.identity.identity import Identity
from services.approval.identity.request_limits import address_of
from services.approval.identity.sign_in.errors import TooManyRequestsError
from services.approval.web.readers import SENDER
from services.approval.web.short_bodies import begun
from services.pipeline.places import NoPlaceError, Places
from services.pipeline.seldom import Seldom

AT_ONCE_OF_NETWORK = 64
STRANGERS_AT_ONCE_OF_NETWORK = 16
STRANGERS_AT_ONCE = 24
"""Of all networks: people who are signed in then wait for few of them."""
WAIT_SECONDS = 2.0
"""How long a request beyond these waits for its turn; of its body no more is read meanwhile."""
LONG_AT_ONCE_OF_NETWORK = 4
LONG_AT_ONCE = 8
"""Of strangers whose bodies are not short: they have places of their own, which they may hold for as long as they send.
No form of theirs is so long, but a person's token may be new to this process."""
REFUSAL_SECONDS = 1.0
"""How long a request that is one too many waits for its refusal: sent at once, it would lead to the next one."""
API, ASSETS = "/api/", "/assets/"
_ALL = ""
_NOT_COUNTED = ("/metrics", "/health/")

log = structlog.get_logger()


class Admission:
    """Answers 429 to what is too much of one network, of its strangers, or of one person on the desk.

    A stranger is whoever has not shown a valid session or token yet. They count for less, since what they send costs a
    look-up; those who are signed in at the same network are let in nevertheless. A place is for what we do: a stranger
    has none while a short body is on its way, nor while the answer is. `refusal` makes the response.
    """

    def __init__(
        self, app: ASGIApp, identity: Identity, refusal: Callable[[str, TooManyRequestsError], Response]
    ) -> None:
        self._app = app
        self._identity = identity
        self._refusal = refusal
        self._of_network = Places(AT_ONCE_OF_NETWORK, WAIT_SECONDS)
        self._strangers = _Strangers(STRANGERS_AT_ONCE_OF_NETWORK, STRANGERS_AT_ONCE)
        self._long_strangers = _Strangers(LONG_AT_ONCE_OF_NETWORK, LONG_AT_ONCE)
        self._seldom = Seldom()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app once the request may come in, or answer 429."""
        if scope["type"] != "http" or scope["path"].startswith(_NOT_COUNTED):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        person_id = self._identity.known_sender(request)
        async with AsyncExitStack() as places:
            try:
                await self._counted(request, person_id)
                receive, is_long = await begun(receive)
                await self._place(request, person_id, places, is_long=is_long)
            except TooManyRequestsError as error:
                await self._refused(scope["path"], error)(scope, receive, send)
                return
            except ClientDisconnect:
                await Response(status_code=HTTPStatus.BAD_REQUEST)(scope, receive, send)  # nobody reads it
                return
            sender = SENDER.set(person_id or self._identity.token_of(request) or address_of(request))
            try:
                await self._app(scope, receive, _leaving(places, send) if person_id is None else send)
            finally:
                SENDER.reset(sender)

    async def _counted(self, request: Request, person_id: str | None) -> None:
        try:
            await self._count(request, person_id)
        except TooManyRequestsError:
            await asyncio.sleep(REFUSAL_SECONDS)
            raise

    async def _count(self, request: Request, person_id: str | None) -> None:
        limits, path = self._identity.limits, request.scope["path"]
        if path.startswith(ASSETS):
            await limits.count_asset(request)
            return
        if path.startswith(API):  # which counts people itself
            await limits.count_address(request)
        else:
            await limits.count_desk_address(request)
        if person_id is None:
            await limits.count_stranger(request)
        elif not path.startswith(API):
            await limits.count_desk_request(person_id)

    async def _place(self, request: Request, person_id: str | None, places: AsyncExitStack, *, is_long: bool) -> None:
        network = address_of(request)
        try:
            # their own places first, so that strangers who wait take none from others
            if person_id is None:
                await (self._long_strangers if is_long else self._strangers).let_in(network, places)
            await places.enter_async_context(self._of_network.lent_to(network))
        except NoPlaceError:
            raise TooManyRequestsError(1, limit="at-once") from None

    def _refused(self, path: str, error: TooManyRequestsError) -> Response:
        """Say so in the log, each limit at most once a minute; return the response."""
        if (repeats := self._seldom.left_out(error.limit)) is not None:
            log.warning("request.refused", why="too_many_requests", limit=error.limit, repeats=repeats)
        return self._refusal(path, error)


class _Strangers:
    """The places of strangers: `of_network` for each network, and `of_all` together."""

    def __init__(self, of_network: int, of_all: int) -> None:
        self._of_network = Places(of_network, WAIT_SECONDS)
        self._of_all = Places(of_all, WAIT_SECONDS)

    async def let_in(self, network: str, places: AsyncExitStack) -> None:
        """Take a place of `network`, and one of all; NoPlaceError if there is none in time."""
        await places.enter_async_context(self._of_network.lent_to(network))
        await places.enter_async_context(self._of_all.lent_to(_ALL))


def _leaving(places: AsyncExitStack, send: Send) -> Send:
    """Return what sends an answer, and gives back the places first: the client may take its time to read."""

    async def send_afterwards(message: Message) -> None:
        await places.aclose()
        await send(message)

    return send_afterwards
