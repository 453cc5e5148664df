"""A code can be redeemed once, soon, and by its owner."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.sign_in.authorization import AuthorizationRequest
from sandbox.sign_in.grants import GrantRefusedError, Grants, challenge_of
from schemas.examples.cast import SAM

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
REQUEST = AuthorizationRequest("http://desk.example/callback", code_challenge=CHALLENGE)


def test_the_challenge_matches_the_example_in_the_standard() -> None:
    assert challenge_of(VERIFIER).decode() == CHALLENGE


def test_a_code_is_redeemed_once() -> None:
    grants = Grants()
    code = grants.issue(SAM.id, REQUEST, NOW)
    assert grants.redeem(code, redirect_uri=REQUEST.redirect_uri, verifier=VERIFIER, now=NOW).person_id == SAM.id
    with pytest.raises(GrantRefusedError, match="used before"):
        grants.redeem(code, redirect_uri=REQUEST.redirect_uri, verifier=VERIFIER, now=NOW)


@pytest.mark.parametrize(
    ("redirect_uri", "verifier", "seconds", "why"),
    [
        ("http://evil.example", VERIFIER, 0, "redirect_uri"),
        (REQUEST.redirect_uri, "another verifier", 0, "code_verifier"),
        (REQUEST.redirect_uri, "", 0, "code_verifier"),
        (REQUEST.redirect_uri, VERIFIER, 60, "expired"),
    ],
)
def test_a_code_that_does_not_match_is_refused_and_used_up(
    redirect_uri: str, verifier: str, seconds: int, why: str
) -> None:
    grants = Grants()
    code = grants.issue(SAM.id, REQUEST, NOW)
    later = NOW + timedelta(seconds=seconds)
    with pytest.raises(GrantRefusedError, match=why):
        grants.redeem(code, redirect_uri=redirect_uri, verifier=verifier, now=later)
    with pytest.raises(GrantRefusedError, match="used before"):
        grants.redeem(code, redirect_uri=REQUEST.redirect_uri, verifier=VERIFIER, now=NOW)
