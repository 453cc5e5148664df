"""The OpenID provider, used by a real client library and by an attacker."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client
from httpx2 import AsyncClient, Response
from joserfc import jwt
from joserfc.jwk import KeySet
from pydantic import SecretStr

from sandbox.people import PEOPLE
from sandbox.sign_in import Client, Flaw, Provider, running_sign_in
from schemas.examples.cast import DANA, SAM

CALLBACK = "http://127.0.0.1:1/callback"
CLIENT = Client(
    id="countersign",
    secret=SecretStr("of:the tests"),
    redirect_uris=(CALLBACK,),
    audience="countersign-api",
    post_logout_redirect_uris=("http://127.0.0.1:1/",),
)
VERIFIER = generate_token(48)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running_sign_in(CLIENT) as running:
        yield running


@pytest.fixture
async def browser(provider: Provider) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(base_url=provider.issuer) as opened:
        yield opened


def application(provider: Provider, method: str = "client_secret_basic") -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        CLIENT.id,
        CLIENT.secret.get_secret_value(),
        token_endpoint_auth_method=method,
        redirect_uri=CALLBACK,
        scope="openid profile email",
        code_challenge_method="S256",
        token_endpoint=provider.configuration["token_endpoint"],
    )


async def sign_in(browser: AsyncClient, provider: Provider, person_id: str) -> Response:
    address, _state = application(provider).create_authorization_url(
        provider.configuration["authorization_endpoint"], code_verifier=VERIFIER, nonce="n1", state="s1"
    )
    assert (await browser.get(address)).status_code == 200
    return await browser.post(address, data={"person_id": person_id})


def code_in(answer: Response) -> str:
    (code,) = parse_qs(urlsplit(answer.headers["location"]).query)["code"]
    return code


async def redeem(browser: AsyncClient, code: str, **changes: str) -> Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": CLIENT.id,
        "client_secret": CLIENT.secret.get_secret_value(),
    }
    return await browser.post("/token", data=form | changes)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("person_id", list(PEOPLE))
async def test_a_client_library_signs_everybody_in(
    provider: Provider, browser: AsyncClient, person_id: str, method: str
) -> None:
    answer = await sign_in(browser, provider, person_id)
    assert answer.status_code == 303
    async with application(provider, method) as client:
        location = answer.headers["location"]
        tokens = await client.fetch_token(authorization_response=location, code_verifier=VERIFIER, state="s1")
        person = (await client.get(provider.configuration["userinfo_endpoint"])).json()
    keys = KeySet.import_key_set((await browser.get("/jwks")).json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    access = jwt.decode(tokens["access_token"], keys, algorithms=["RS256"]).claims
    assert person == {"sub": person_id, "name": PEOPLE[person_id].name, "email": PEOPLE[person_id].email}
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (provider.issuer, CLIENT.id, "n1")
    assert (access["iss"], access["aud"], access["sub"]) == (provider.issuer, CLIENT.audience, person_id)


async def test_discovery_names_endpoints_that_exist(provider: Provider, browser: AsyncClient) -> None:
    published = (await browser.get("/.well-known/openid-configuration")).json()
    assert published["issuer"] == provider.issuer
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"):
        assert (await browser.get(published[name])).status_code != 404


async def test_the_page_lists_everybody_with_their_job(provider: Provider, browser: AsyncClient) -> None:
    address, _state = application(provider).create_authorization_url(
        provider.configuration["authorization_endpoint"], code_verifier=VERIFIER, state='"><script>'
    )
    page = await browser.get(address)
    for text in ("Sign in as", "Sam Lee", "Project manager", "Dana Ruiz", "Accounting approver", "Kim Osei"):
        assert text in page.text
    assert "<script" not in page.text
    assert "form-action 'self' http://127.0.0.1:1;" in page.headers["content-security-policy"]


async def test_a_code_is_redeemed_once(provider: Provider, browser: AsyncClient) -> None:
    code = code_in(await sign_in(browser, provider, SAM.id))
    assert (await redeem(browser, code)).status_code == 200
    again = await redeem(browser, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"code_verifier": "somebody else's"}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"redirect_uri": "http://evil.example/"}, 400, "invalid_grant"),
        ({"client_secret": "guessed"}, 401, "invalid_client"),
        ({"client_id": "another"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_stolen_code_cannot_be_redeemed(
    provider: Provider, browser: AsyncClient, changes: dict[str, str], status: int, error: str
) -> None:
    answer = await redeem(browser, code_in(await sign_in(browser, provider, SAM.id)), **changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert "no-store" in answer.headers["cache-control"]


async def test_a_malformed_authorization_header_is_refused(browser: AsyncClient) -> None:
    answer = await browser.post("/token", headers={"authorization": "Basic ???"}, data={"grant_type": "x"})
    assert answer.status_code == 401


async def test_an_unknown_redirect_uri_gets_a_page_and_no_redirect(browser: AsyncClient) -> None:
    answer = await browser.get("/authorize", params={"client_id": "countersign", "redirect_uri": "http://evil.example"})
    assert answer.status_code == 400
    assert "not registered" in answer.text


async def test_a_request_without_pkce_goes_back_as_an_error(browser: AsyncClient) -> None:
    parameters = {"client_id": CLIENT.id, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid"}
    answer = await browser.get("/authorize", params=parameters)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{CALLBACK}?error=invalid_request")


async def test_nobody_signs_in_as_an_unknown_person(provider: Provider, browser: AsyncClient) -> None:
    assert (await sign_in(browser, provider, "p-nobody")).status_code == 400


async def test_userinfo_accepts_a_test_token_and_refuses_flawed_ones(browser: AsyncClient) -> None:
    async def status(flaw: Flaw | None) -> int:
        issued = await browser.post("/sandbox/tokens", json={"person_id": DANA.id, "flaw": flaw})
        bearer = {"authorization": f"Bearer {issued.json()['access_token']}"}
        return (await browser.get("/userinfo", headers=bearer)).status_code

    assert await status(None) == 200
    assert {await status(flaw) for flaw in Flaw} == {401}
    assert (await browser.get("/userinfo")).status_code == 401
    assert (await browser.post("/sandbox/tokens", json={"person_id": "p-nobody"})).status_code == 404


async def test_signing_out_redirects_to_registered_addresses_only(browser: AsyncClient) -> None:
    back = {"post_logout_redirect_uri": "http://127.0.0.1:1/", "state": "s1"}
    registered = await browser.get("/end_session", params=back)
    stranger = await browser.get("/end_session", params={"post_logout_redirect_uri": "http://evil.example/"})
    assert registered.headers["location"] == "http://127.0.0.1:1/?state=s1"
    assert stranger.status_code == 200
    assert "You are signed out" in stranger.text
