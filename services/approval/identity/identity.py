"""Who sends a request, by session or bearer token, and what the directory allows them now."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import structlog
from starlette.requests import Request
from starlette.responses import Response

from schemas.events import DirectoryPerson
from services.approval.identity.known_senders import KnownSenders
from services.approval.identity.request_limits import RequestLimits
from services.approval.identity.sign_in.cookies import SAFE_METHODS, Cookies
from services.approval.identity.sign_in.errors import (
    APPROVERS_ONLY,
    CrossSiteRequestError,
    NotAllowedError,
    NotSignedInError,
)
from services.approval.identity.sign_in.flow import PENDING_LIFE, PendingSignIn, SignIn
from services.approval.identity.sign_in.kinds import require_access_token
from services.approval.identity.sign_in.provider import Provider, person_id_of
from services.approval.rules.rights import WHO_GIVES_RIGHTS
from services.approval.settings import ApprovalSettings
from services.approval.storage import directory
from services.approval.storage.sessions import NAME_SHOWN, Session, Sessions
from services.pipeline.database import Database

SESSION = "session"
PENDING = "sign-in-"
MAX_PENDING = 20
"""Sign-ins that one browser has in progress, each in a tab of its own; a further one forgets the oldest."""
_NAME_CHARACTERS = 16

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in with a browser; `person` is None if the directory does not list them."""

    person_id: str
    person: DirectoryPerson | None

    @property
    def name(self) -> str:
        """Their name in the directory, or else the id that the sign-in provider knows them by."""
        return self.person.name if self.person else self.person_id


class Identity:
    """Identifies the sender of a request; `require_viewer` and `require_approver` are FastAPI dependencies."""

    def __init__(self, settings: ApprovalSettings, database: Database) -> None:
        self._audience = settings.oidc_audience
        self._client_id = settings.oidc_client_id
        self._database = database
        self._provider = Provider(settings.oidc_issuer, leeway_seconds=settings.oidc_leeway_seconds)
        self.limits = RequestLimits(settings)
        self._known = KnownSenders()
        self.sessions = Sessions(database, timedelta(minutes=settings.session_idle_minutes))
        self.cookies = Cookies(settings.public_url)
        self.sign_in = SignIn(settings, self._provider, self.sessions)

    async def session(self, request: Request) -> Session | None:
        """Return the browser's session.

        Raises CrossSiteRequestError if the request is unsafe and was not sent from one of our pages.
        """
        found = await self._session(request)
        if found and not self.cookies.is_from_our_pages(request):
            raise CrossSiteRequestError("This request did not come from the approval desk's own pages.")
        return found

    async def end_session(self, request: Request, how: str = "signed_out") -> None:
        """End the browser's session, if it has one; raises as `session` does."""
        if (found := await self.session(request)) and await self.sessions.end(found):
            log.info("session.ended", person_id=found.person_id, session=found.short_name, how=how)

    async def end_named(self, person_id: str, name: str) -> None:
        """End the session that is called `name`, if it is one of the person's."""
        if await self.sessions.end_named(person_id, name):
            log.info("session.ended", person_id=person_id, session=name[:NAME_SHOWN], how="by_owner")

    async def pending(self, request: Request, state: str) -> Session | None:
        """Return the session of the sign-in that this browser began with `state`."""
        return await self.sessions.find(self.cookies.read(request, attempt(state)))

    def remember(self, answer: Response, request: Request, begun: PendingSignIn) -> None:
        """Let the browser keep the sign-in that has `begun`, besides its MAX_PENDING - 1 newest others.

        Of more, which another desk or host must have set, it forgets MAX_PENDING at a time.
        """
        for outdated in self.cookies.purposes(request, PENDING)[: 1 - MAX_PENDING][:MAX_PENDING]:
            self.cookies.clear(answer, outdated)
        self.cookies.write(answer, attempt(begun.state), begun.token, PENDING_LIFE)

    async def visitor(self, request: Request) -> Visitor | None:
        """Return who is signed in, for the head of a page; None if nobody is.

        Nothing may be done on the strength of it: it does not ask which page sent the request.
        """
        known: Visitor | None = getattr(request.state, "visitor", None)
        if known is not None:
            return known
        session = await self._session(request)
        if session is None or session.person_id is None:
            return None
        async with self._database.begin() as db:
            return Visitor(session.person_id, await directory.person(db, session.person_id))

    async def require_visitor(self, request: Request) -> Visitor:
        """Return who is signed in with this browser, whatever they may do; NotSignedInError if nobody is."""
        visitor = await self.visitor(request)
        if visitor is None:
            raise NotSignedInError("Sign in first.")
        return visitor

    async def person(self, request: Request) -> DirectoryPerson | None:
        """Return the sender of the request; None if the directory does not list that person.

        Raises NotSignedInError if nobody is signed in or the bearer token is not valid.
        """
        person_id = await self._person_id(request)
        async with self._database.begin() as db:
            person = await directory.person(db, person_id)
        request.state.visitor = Visitor(person_id, person)
        return person

    async def require_listed(self, request: Request) -> DirectoryPerson:
        """Return the sender, whom the directory lists, whatever it allows them; NotAllowedError otherwise."""
        person = await self.person(request)
        if person is None:
            raise NotAllowedError(
                f"Your company's directory does not list you, so you cannot view ERP Integrations. {WHO_GIVES_RIGHTS}"
            )
        return person

    async def require_viewer(self, request: Request) -> DirectoryPerson:
        """Return the sender, who may view their company's commitments; NotAllowedError otherwise."""
        person = await self.require_listed(request)
        if not person.may_view:
            raise NotAllowedError(f"You have no level on the ERP Integrations tool. {WHO_GIVES_RIGHTS}")
        return person

    async def require_watcher(self, request: Request) -> DirectoryPerson:
        """Return the sender as `require_viewer` does, for what a page asks by itself, which is no use of a session."""
        request.state.is_by_itself = True
        return await self.require_viewer(request)

    async def require_approver(self, request: Request) -> DirectoryPerson:
        """Return the sender, who is an accounting approver; NotAllowedError otherwise.

        Raises TooManyRequestsError if they send commands faster than a person or a program of theirs should.
        """
        person = await self.require_viewer(request)
        if not person.is_approver:
            raise NotAllowedError(APPROVERS_ONLY)
        if request.method not in SAFE_METHODS:
            await self.limits.count_command(request, person.person_id)
        return person

    def token_of(self, request: Request) -> str | None:
        """Return the token by which the sender would be identified, valid or not; None without one."""
        token = _bearer_token(request)
        return self.cookies.read(request, SESSION) if token is None else token

    def known_sender(self, request: Request) -> str | None:
        """Return the id of the person whose token the request has, to count it by; None while it was not looked up."""
        return self._known.person_of(self.token_of(request))

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self.sign_in.close()
        await self._provider.close()

    async def _person_id(self, request: Request) -> str:
        if (token := _bearer_token(request)) is not None:
            return await self._person_id_of(token)
        session = await self.session(request)
        if session is None or session.person_id is None:
            raise NotSignedInError("Sign in first.")
        return session.person_id

    async def _session(self, request: Request) -> Session | None:
        token = self.cookies.read(request, SESSION)
        found = await self.sessions.find(token, is_use=not getattr(request.state, "is_by_itself", False))
        self._known.note(token, found.person_id if found else None)
        return found

    async def _person_id_of(self, token: str) -> str:
        try:
            verified = await self._provider.verified(token, self._audience)
            require_access_token(verified, self._client_id)
            person_id = person_id_of(verified)
        except NotSignedInError:
            self._known.note(token, None)
            raise
        self._known.note(token, person_id)
        return person_id


def _bearer_token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def attempt(state: str) -> str:
    """Return the purpose of the cookie of one sign-in, so that tabs do not take each other's away."""
    return PENDING + sha256(state.encode(errors="surrogatepass")).hexdigest()[:_NAME_CHARACTERS]
