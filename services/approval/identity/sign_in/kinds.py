"""Tells ID tokens from access tokens, which one provider signs with one key (RFC 8725, section 3.11)."""

from joserfc import jwt

from services.approval.identity.sign_in.errors import NotSignedInError

_ANY_JWT = frozenset({"", "jwt"})
ID_TYPES = _ANY_JWT
ACCESS_TYPES = _ANY_JWT | {"at+jwt", "application/at+jwt"}
"""What the header may say of an access token; many providers do not tell (RFC 9068, section 4)."""
_OF_ID_TOKENS = ("at_hash", "c_hash")


def require_access_token(token: jwt.Token, client_id: str) -> None:
    """Raise NotSignedInError if a verified `token` says who signed in to the desk, `client_id`, or is no access token.

    Every ID token for the desk names it as an audience (OpenID Connect Core 1.0, section 2).
    """
    _require_type(token, ACCESS_TYPES)
    audience = token.claims.get("aud")
    if client_id in (audience if isinstance(audience, list) else [audience]):
        cause = f"a bearer token is also for {client_id}, as ID tokens are: give the API an audience of its own"
        raise NotSignedInError("The token is not valid here.", cause=cause)
    if not token.claims.keys().isdisjoint(_OF_ID_TOKENS):
        raise NotSignedInError("The token is not valid here.", cause="a bearer token is an ID token")


def require_id_token(token: jwt.Token) -> None:
    """Raise NotSignedInError if the header of a verified `token` says that it is something else."""
    _require_type(token, ID_TYPES)


def _require_type(token: jwt.Token, allowed: frozenset[str]) -> None:
    if str(token.header.get("typ", "")).lower() not in allowed:
        raise NotSignedInError("The token is not valid here.", cause="a token is of another type than is asked for")
