"""Whatever a stranger writes into the header of a token, it is refused at once and by one kind of error."""

import time
from base64 import urlsafe_b64encode

import pytest
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from services.approval.identity.sign_in.keys import MAX_KEYS, read_keys

KEY = RSAKey.generate_key(2048).as_dict(private=False)
KEYS = read_keys({"keys": [KEY | {"kid": str(number)} for number in range(MAX_KEYS)]})


def encoded(part: str) -> str:
    return urlsafe_b64encode(part.encode("utf-8", "surrogateescape")).decode().rstrip("=")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "\udcff\udcfe",
        "[]",
        "1",
        "null",
        "{}",
        "[" * 20_000,
        '{"a":' * 4_000,
        '{"alg":null}',
        '{"alg":["RS256"]}',
        '{"alg":{"RS256":1}}',
        '{"alg":"none"}',
        '{"alg":"None"}',
        '{"alg":"HS256"}',
        '{"alg":"RS512"}',
        '{"alg":"ES256"}',
        '{"alg":"none","alg":"RS256"}',
        '{"alg":"RS256"}',
        '{"alg":"RS256","kid":"unknown"}',
        '{"alg":"RS256","kid":["0"]}',
        '{"alg":"RS256","kid":{}}',
        '{"alg":"RS256","crit":["x"]}',
        '{"alg":"RS256","crit":["b64"],"b64":false}',
        '{"alg":"RS256","zip":"DEF"}',
        '{"alg":"RS256","jwk":{"kty":"oct","k":"eA"}}',
        '{"alg":"RS256","jku":"https://evil.example/keys"}',
        '{"alg":"RS256","x":' + "9" * 20_000 + "}",
        '{"alg":"RS256","kid":"' + "x" * 20_000 + '"}',
    ],
)
def test_a_token_with_an_odd_header_is_refused_at_once(header: str) -> None:
    for payload, signature in (("{}", "x" * 342), ("[" * 8_000, ""), ("", "x" * 20_000)):
        began = time.process_time()
        with pytest.raises((JoseError, ValueError)):
            KEYS.decoded(f"{encoded(header)}.{encoded(payload)}.{signature}")
        assert time.process_time() - began < 0.1
