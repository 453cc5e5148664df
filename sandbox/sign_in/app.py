"""The provider's endpoints and its two pages: sign in, and signed out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from joserfc.errors import JoseError
from pydantic import BaseModel

from sandbox.pages import CLOSED, Pages, bare_app
from sandbox.people import JOBS, PEOPLE
from sandbox.sign_in.authorization import RefusedRequestError, UntrustedRequestError
from sandbox.sign_in.grants import GrantRefusedError
from sandbox.sign_in.provider import Provider, basic_credentials
from sandbox.sign_in.tokens import TOKEN_LIFE, Flaw

_NOT_STORED = {"cache-control": "no-store"}


class TokenRequest(BaseModel):
    """Whose access token is wanted, and what should be wrong with it."""

    person_id: str
    flaw: Flaw | None = None


def build_sign_in(provider: Provider, neighbours: Mapping[str, str] | None = None) -> FastAPI:
    """Build the application that serves `provider`."""
    app = bare_app("Sign in")
    pages = Pages("Sign in", "sign_in", {}, neighbours)
    _add_discovery(app, provider)
    _add_authorization(app, provider, pages)
    _add_token(app, provider)
    _add_userinfo(app, provider)
    _add_sign_out(app, provider, pages)
    _add_test_tokens(app, provider)
    return app


def _add_discovery(app: FastAPI, provider: Provider) -> None:
    @app.get("/.well-known/openid-configuration")
    async def configuration() -> dict[str, Any]:
        return provider.configuration

    @app.get("/jwks")
    async def jwks() -> dict[str, Any]:
        return provider.signer.public_keys


def _add_authorization(app: FastAPI, provider: Provider, pages: Pages) -> None:
    @app.exception_handler(UntrustedRequestError)
    async def untrusted(_request: Request, error: UntrustedRequestError) -> HTMLResponse:
        return pages.render("message.html", status=400, title="This sign-in cannot continue", message=str(error))

    @app.exception_handler(RefusedRequestError)
    async def refused(_request: Request, error: RefusedRequestError) -> RedirectResponse:
        return RedirectResponse(error.redirect, status_code=303)

    @app.get("/authorize")
    async def choose(request: Request) -> HTMLResponse:
        wanted = provider.authorization_request(request.query_params)
        # Chromium applies form-action to the redirect after the form as well, so the policy must name the application.
        policy = CLOSED.replace("form-action 'self'", f"form-action 'self' {_origin(wanted.redirect_uri)}")
        query = urlencode(request.query_params.multi_items())
        return pages.render("people.html", policy=policy, query=query, people=PEOPLE.values(), jobs=JOBS)

    @app.post("/authorize")
    async def chosen(request: Request, person_id: Annotated[str, Form()]) -> RedirectResponse:
        wanted = provider.authorization_request(request.query_params)
        if person_id not in PEOPLE:
            raise UntrustedRequestError("Nobody here has this id.")
        return RedirectResponse(provider.signed_in(person_id, wanted), status_code=303)


def _add_token(app: FastAPI, provider: Provider) -> None:
    @app.post("/token")
    async def token(
        request: Request,
        grant_type: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
        redirect_uri: Annotated[str, Form()] = "",
        code_verifier: Annotated[str, Form()] = "",
        client_id: Annotated[str, Form()] = "",
        client_secret: Annotated[str, Form()] = "",
    ) -> Response:
        header = request.headers.get("authorization", "")
        credentials = basic_credentials(header) if header else (client_id, client_secret)
        if not provider.is_client(*credentials):
            return _error("invalid_client", "unknown client or wrong secret", status=401)
        if grant_type != "authorization_code":
            return _error("unsupported_grant_type", "only authorization_code is supported")
        try:
            tokens = provider.redeem(code, redirect_uri=redirect_uri, verifier=code_verifier)
        except GrantRefusedError as error:
            return _error("invalid_grant", str(error))
        return JSONResponse(tokens, headers=_NOT_STORED)


def _add_userinfo(app: FastAPI, provider: Provider) -> None:
    @app.get("/userinfo")
    async def userinfo(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            person_id = provider.signer.bearer(token if scheme.lower() == "bearer" else "", datetime.now(UTC))
        except (JoseError, ValueError):
            return _error("invalid_token", "this access token is not valid", status=401)
        person = PEOPLE[person_id]
        return JSONResponse({"sub": person_id, "name": person.name, "email": person.email}, headers=_NOT_STORED)


def _add_sign_out(app: FastAPI, provider: Provider, pages: Pages) -> None:
    @app.get("/end_session")
    async def end_session(post_logout_redirect_uri: str = "", state: str | None = None) -> Response:
        if post_logout_redirect_uri in provider.client.post_logout_redirect_uris:
            query = f"?{urlencode({'state': state})}" if state is not None else ""
            return RedirectResponse(post_logout_redirect_uri + query, status_code=303)
        return pages.render("message.html", title="You are signed out", message="You can close this page.")


def _add_test_tokens(app: FastAPI, provider: Provider) -> None:
    @app.post("/sandbox/tokens")
    async def issue_test_token(wanted: TokenRequest) -> Response:
        if wanted.person_id not in PEOPLE:
            raise HTTPException(404, "Nobody here has this id.")
        token = provider.bearer_token(wanted.person_id, wanted.flaw)
        body = {"access_token": token, "token_type": "Bearer", "expires_in": int(TOKEN_LIFE.total_seconds())}
        return JSONResponse(body, headers=_NOT_STORED)


def _error(code: str, why: str, *, status: int = 400) -> JSONResponse:
    challenge = {"www-authenticate": f'{"Bearer" if code == "invalid_token" else "Basic"} realm="sandbox"'}
    headers = _NOT_STORED | (challenge if status == 401 else {})  # noqa: PLR2004 - the status that requires it
    return JSONResponse({"error": code, "error_description": why}, status_code=status, headers=headers)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
