"""Only the registered application may ask for a sign-in, and only for a code with PKCE."""

import pytest

from sandbox.sign_in.authorization import AuthorizationRequest, RefusedRequestError, UntrustedRequestError, parse

PARAMETERS = {
    "client_id": "countersign",
    "redirect_uri": "http://desk.example/callback",
    "response_type": "code",
    "scope": "openid email",
    "state": "s&1",
    "nonce": "n1",
    "code_challenge": "c1",
    "code_challenge_method": "S256",
}


def request(**changes: str) -> AuthorizationRequest:
    return parse(PARAMETERS | changes, client_id="countersign", redirect_uris=("http://desk.example/callback",))


def test_a_valid_request_is_parsed() -> None:
    assert request() == AuthorizationRequest("http://desk.example/callback", "s&1", "n1", "c1")


def test_the_answer_carries_the_state_back() -> None:
    assert request().answer(code="x") == "http://desk.example/callback?code=x&state=s%261"


@pytest.mark.parametrize(
    "changes", [{"client_id": "other"}, {"redirect_uri": "http://evil.example"}, {"redirect_uri": ""}]
)
def test_an_unknown_client_is_not_redirected(changes: dict[str, str]) -> None:
    with pytest.raises(UntrustedRequestError):
        request(**changes)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_anything_but_a_code_with_pkce_is_refused(changes: dict[str, str], error: str) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        request(**changes)
    assert refused.value.redirect.startswith(f"http://desk.example/callback?error={error}&")
    assert refused.value.redirect.endswith("&state=s%261")
