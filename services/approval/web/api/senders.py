"""Who sends a request to the API, and how many more they may send now."""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.events import DirectoryPerson
from services.approval.identity.identity import Identity
from services.approval.identity.request_limits import rate_limit_headers


class Senders:
    """The dependencies by which routes of the API identify and count their sender."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def listed(self, request: Request) -> DirectoryPerson:
        """Return the sender, whom the directory lists, whatever it allows them."""
        person = await self._identity.require_listed(request)
        await self._identity.limits.count_request(request, person.person_id)
        return person

    async def viewer(self, request: Request) -> DirectoryPerson:
        """Return the sender, who may view their company's commitments."""
        person = await self._identity.require_viewer(request)
        await self._identity.limits.count_request(request, person.person_id)
        return person

    async def approver(self, request: Request) -> DirectoryPerson:
        """Return the sender, who is an accounting approver."""
        person = await self._identity.require_approver(request)
        await self._identity.limits.count_request(request, person.person_id)
        return person


class RateLimitHeaders:
    """Tells on every response to a counted request what its sender has left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, and add the headers once it responds."""

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(rate_limit_headers(Request(scope)))
            await send(message)

        await self._app(scope, receive, send_with_limits if scope["type"] == "http" else send)
