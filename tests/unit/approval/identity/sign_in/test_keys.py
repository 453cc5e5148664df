"""Every key of a provider is read on its own: what cannot verify a token is left out, and spoils no other key."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from services.approval.identity.sign_in.errors import ProviderUnavailableError
from services.approval.identity.sign_in.keys import MAX_KEYS, VerificationKeys, read_keys

RSA = RSAKey.generate_key(2048)
CURVE = ECKey.generate_key("P-256")
RSA_JWK = RSA.as_dict(private=False)
CURVE_JWK = CURVE.as_dict(private=False)


def token(key: Any, algorithm: str = "RS256", key_id: str | None = None) -> str:
    header = {"alg": algorithm} | ({} if key_id is None else {"kid": key_id})
    return jwt.encode(header, {"sub": "person-5"}, key, algorithms=[algorithm])


def subject(keys: VerificationKeys, signed: str) -> Any:
    return keys.decoded(signed).claims["sub"]


@pytest.mark.parametrize(
    ("jwk", "reason"),
    [
        ({**CURVE_JWK, "crv": "P-384"}, "other type"),
        ({**CURVE_JWK, "crv": "P-999"}, "other type"),
        ({**CURVE_JWK, "crv": ["P-256"]}, "other type"),
        (ECKey.generate_key("secp256k1").as_dict(private=False), "other type"),
        (OKPKey.generate_key("Ed25519").as_dict(private=False), "other type"),
        ({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}, "other type"),
        ({"kty": ["RSA"]}, "other type"),
        ({"kty": "RSA"}, "other type"),
        ({}, "other type"),
        ({**CURVE_JWK, "x": CURVE_JWK["y"]}, "unreadable"),
        ({**RSA_JWK, "n": "!" * 342}, "unreadable"),
        ({**RSA_JWK, "n": "\ud800" * 342}, "unreadable"),
        ({**RSA_JWK, "e": "AQ"}, "unreadable"),
        ("RSA", "unreadable"),
        (None, "unreadable"),
        ({**RSA_JWK, "n": "A" * 1_000_000}, "size"),
        ({**RSA_JWK, "n": RSA_JWK["n"][:171]}, "size"),
        ({**RSA_JWK, "use": "enc"}, "other use"),
        ({**RSA_JWK, "use": None}, "other use"),
        ({**RSA_JWK, "key_ops": ["sign", "encrypt"]}, "other use"),
        ({**RSA_JWK, "key_ops": "verify"}, "other use"),
        ({**RSA_JWK, "alg": "RS512"}, "other algorithm"),
        ({**RSA_JWK, "alg": "RSA-OAEP"}, "other algorithm"),
        (RSA.as_dict(private=True), "secret"),
        (OctKey.generate_key(256).as_dict(), "secret"),
        ({**RSA_JWK, "kty": "oct"}, "secret"),
    ],
)
def test_a_key_that_cannot_be_used_is_left_out_alone(jwk: Any, reason: str) -> None:
    keys = read_keys({"keys": [jwk, CURVE_JWK | {"kid": "good"}]})
    assert [each.id for each in keys.usable] == ["good"]
    assert keys.left_out == {reason: 1}
    assert subject(keys, token(CURVE, "ES256", "good")) == "person-5"


@pytest.mark.parametrize(
    "extra", [{"x5c": "?"}, {"x5t": 7}, {"kid": 7}, {"use": "sig"}, {"key_ops": ["verify"]}, {"new": {}}]
)
def test_a_member_that_we_do_not_need_spoils_no_key(extra: dict[str, Any]) -> None:
    assert subject(read_keys({"keys": [RSA_JWK | extra]}), token(RSA)) == "person-5"


@pytest.mark.parametrize(
    "document",
    [
        None,
        5,
        "<html>",
        [],
        {},
        {"keys": None},
        {"keys": {}},
        {"keys": []},
        {"keys": [None]},
        {"keys": [RSA.as_dict(private=True)]},
    ],
)
def test_an_answer_without_a_usable_key_is_a_failure_of_the_provider(document: Any) -> None:
    with pytest.raises(ProviderUnavailableError, match="keys cannot be read"):
        read_keys(document)


def test_keys_without_an_id_and_tokens_without_one_find_each_other() -> None:
    other = RSAKey.generate_key(2048)
    keys = read_keys({"keys": [other.as_dict(private=False), RSA_JWK, CURVE_JWK | {"kid": "curve"}]})
    assert subject(keys, token(RSA)) == "person-5"
    assert subject(keys, token(RSA, key_id="an id that only the token has")) == "person-5"
    assert subject(keys, token(CURVE, "ES256")) == "person-5"


def test_of_keys_that_share_an_id_the_right_one_is_found() -> None:
    other = RSAKey.generate_key(2048).as_dict(private=False)
    same = [other | {"kid": "1"}, CURVE_JWK | {"kid": "1"}, RSA_JWK | {"kid": "1"}]
    assert subject(read_keys({"keys": same}), token(RSA, key_id="1")) == "person-5"


def test_a_token_of_another_key_is_refused() -> None:
    keys = read_keys({"keys": [RSA_JWK | {"kid": "1"}]})
    for signed, error in (
        (token(RSA, key_id="2"), InvalidKeyIdError),
        (token(CURVE, "ES256", "1"), InvalidKeyIdError),
        (token(RSAKey.generate_key(2048), key_id="1"), BadSignatureError),
        (token(RSAKey.generate_key(2048)), BadSignatureError),
    ):
        with pytest.raises(error):
            keys.decoded(signed)


def test_of_a_huge_set_a_limited_number_of_keys_is_kept() -> None:
    assert len(read_keys({"keys": [RSA_JWK] * 3_000}).usable) == MAX_KEYS


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
jwks = st.builds(
    lambda base, changes: base | changes,
    st.sampled_from([RSA_JWK, CURVE_JWK, RSA.as_dict(private=True), {}]),
    st.dictionaries(
        st.sampled_from(["kty", "n", "e", "crv", "x", "y", "use", "key_ops", "alg", "kid", "d", "k"]), anything
    ),
)


@settings(deadline=None)  # a slow machine must not fail the test
@given(document=anything | st.fixed_dictionaries({"keys": anything | st.lists(anything | jwks, max_size=4)}))
def test_any_document_is_a_set_of_usable_keys_or_a_failure_of_the_provider(document: Any) -> None:
    try:
        keys = read_keys(document)
    except ProviderUnavailableError:
        return
    assert keys.usable
    for each in keys.usable:
        assert (each.algorithm, type(each.key)) in {("RS256", RSAKey), ("ES256", ECKey)}
        assert not each.key.is_private
