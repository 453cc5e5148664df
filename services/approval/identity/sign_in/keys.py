"""The provider's published keys (RFC 7517): reads those that can verify a token, and leaves the others out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, RSAKey

from services.approval.identity.sign_in.errors import ProviderUnavailableError

ALGORITHMS = ("RS256", "ES256")
"""The signatures that we accept: never `none`, and none with a shared secret."""

MAX_KEYS = 100
_MAX_LISTED = 1_000
_RSA_BITS = range(2_048, 16_384 + 1)
_MODULUS_CHARACTERS = range(342, 2_731 + 1)
"""Of so many bits in base64url: what is shorter or longer is not even read."""
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

PublicKey: TypeAlias = RSAKey | ECKey


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One key, for signatures with `algorithm`; some providers give their keys no id."""

    id: str | None
    algorithm: str
    key: PublicKey


@dataclass(frozen=True, slots=True)
class VerificationKeys:
    """The usable keys of a provider, and how many were left out for which reason."""

    usable: tuple[VerificationKey, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def decoded(self, token: str) -> jwt.Token:
        """Return `token`, decoded, if one of the keys that it may mean has signed it.

        Raises InvalidKeyIdError if there is no such key, and BadSignatureError, JoseError or ValueError otherwise.
        """
        header = jws.extract_compact(token.encode()).headers()
        if header["alg"] not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        refused: JoseError = InvalidKeyIdError()
        for each in self._meant(header["alg"], header.get("kid")):
            try:
                return jwt.decode(token, each.key, algorithms=ALGORITHMS)
            except BadSignatureError as error:
                refused = error
        raise refused

    def _meant(self, algorithm: str, key_id: Any) -> Iterator[VerificationKey]:
        """Yield the keys that a token may mean: those of its id and those without one, or all if it names none."""
        for each in self.usable:
            is_meant = key_id is None or each.id is None or each.id == key_id
            if is_meant and each.algorithm == algorithm:
                yield each


def read_keys(document: Any) -> VerificationKeys:
    """Return the usable keys of a key set, at most MAX_KEYS.

    Raises ProviderUnavailableError if there are none: an answer without keys is a failure of the provider, for which
    nobody's sign-in should end.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    read = [_read(jwk) for jwk in listed[:_MAX_LISTED]] if isinstance(listed, list) else []
    usable = [each for each in read if isinstance(each, VerificationKey)]
    if not usable:
        raise ProviderUnavailableError(
            "The sign-in provider's keys cannot be read.",
            cause=f"the provider publishes no key for {' or '.join(ALGORITHMS)} at its jwks_uri",
        )
    return VerificationKeys(tuple(usable[:MAX_KEYS]), Counter(each for each in read if isinstance(each, str)))


def _read(jwk: Any) -> VerificationKey | str:
    """Return the key, or why it is left out."""
    if not isinstance(jwk, dict):
        return "unreadable"
    if jwk.get("kty") == "oct" or not _PRIVATE_MEMBERS.isdisjoint(jwk):
        return "secret"  # whoever reads it could sign as well
    if jwk.get("use", "sig") != "sig" or not _may_verify(jwk.get("key_ops")):
        return "other use"
    match jwk:
        case {"kty": "RSA", "n": str(), "e": str()}:
            return _usable(jwk, "RS256", ("n", "e"))
        case {"kty": "EC", "crv": "P-256", "x": str(), "y": str()}:
            return _usable(jwk, "ES256", ("crv", "x", "y"))
        case _:
            return "other type"


def _may_verify(operations: Any) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _usable(jwk: dict[str, Any], algorithm: str, members: tuple[str, ...]) -> VerificationKey | str:
    """Return the key of these `members`; no other is read, so that none can spoil it."""
    if jwk.get("alg", algorithm) != algorithm:
        return "other algorithm"
    if algorithm == "RS256" and len(jwk["n"]) not in _MODULUS_CHARACTERS:
        return "size"
    try:
        key = _imported({name: jwk[name] for name in ("kty", *members)})
    except (JoseError, ArithmeticError, LookupError, TypeError, ValueError):
        return "unreadable"
    if isinstance(key, RSAKey) and key.public_key.key_size not in _RSA_BITS:
        return "size"
    key_id = jwk.get("kid")
    return VerificationKey(key_id if isinstance(key_id, str) else None, algorithm, key)


def _imported(members: dict[str, Any]) -> PublicKey:
    return RSAKey.import_key(members) if members["kty"] == "RSA" else ECKey.import_key(members)
