"""Who sends a request, by session or bearer token, and what the directory allows them now."""

from starlette.requests import Request

from schemas.events import DirectoryPerson
from services.approval.identity.sign_in.cookies import Cookies
from services.approval.identity.sign_in.errors import (
    APPROVERS_ONLY,
    CrossSiteRequestError,
    NotAllowedError,
    NotSignedInError,
)
from services.approval.identity.sign_in.flow import SignIn
from services.approval.identity.sign_in.provider import Provider
from services.approval.settings import ApprovalSettings
from services.approval.storage import directory
from services.approval.storage.sessions import Session, Sessions
from services.pipeline.database import Database

SESSION = "session"
PENDING = "sign-in"


class Identity:
    """Identifies the sender of a request; `require_viewer` and `require_approver` are FastAPI dependencies."""

    def __init__(self, settings: ApprovalSettings, database: Database) -> None:
        self._audience = settings.oidc_audience
        self._database = database
        self._provider = Provider(settings.oidc_issuer)
        self.sessions = Sessions(database)
        self.cookies = Cookies(settings.public_url)
        self.sign_in = SignIn(settings, self._provider, self.sessions)

    async def session(self, request: Request) -> Session | None:
        """Return the browser's session.

        Raises CrossSiteRequestError if the request is unsafe and was not sent from one of our pages.
        """
        found = await self.sessions.find(self.cookies.read(request, SESSION))
        if found and not self.cookies.is_from_our_pages(request):
            raise CrossSiteRequestError("This request did not come from the approval desk's own pages.")
        return found

    async def pending(self, request: Request) -> Session | None:
        """Return the session of the browser's sign-in that is in progress."""
        return await self.sessions.find(self.cookies.read(request, PENDING))

    async def person(self, request: Request) -> DirectoryPerson | None:
        """Return the sender of the request; None if the directory does not list that person.

        Raises NotSignedInError if nobody is signed in or the bearer token is not valid.
        """
        person_id = await self._person_id(request)
        async with self._database.begin() as db:
            return await directory.person(db, person_id)

    async def require_viewer(self, request: Request) -> DirectoryPerson:
        """Return the sender, who may view their company's commitments; NotAllowedError otherwise."""
        person = await self.person(request)
        if person is None:
            raise NotAllowedError("Your company's directory does not list you, so you cannot view ERP Integrations.")
        if not person.may_view:
            raise NotAllowedError(
                "You have no level on the ERP Integrations tool. Ask your company's administrator for one."
            )
        return person

    async def require_approver(self, request: Request) -> DirectoryPerson:
        """Return the sender, who is an accounting approver; NotAllowedError otherwise."""
        person = await self.require_viewer(request)
        if not person.is_approver:
            raise NotAllowedError(APPROVERS_ONLY)
        return person

    async def _person_id(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return str((await self._provider.verified(token.strip(), self._audience)).claims["sub"])
        session = await self.session(request)
        if session is None or session.person_id is None:
            raise NotSignedInError("Sign in first.")
        return session.person_id
