"""Passwords of ERPs' clients: made at random, kept as hashes, compared in the same time whether right or wrong."""

import argon2
import pytest

from services.exporter.connectors.client_password import (
    MIN_PASSWORD_CHARACTERS,
    hashed,
    is_password,
    new_password,
    problem_with_hash,
)


def test_a_new_password_is_long_and_never_the_same() -> None:
    passwords = {new_password() for _ in range(100)}

    assert len(passwords) == 100
    assert all(len(each) == 32 >= MIN_PASSWORD_CHARACTERS for each in passwords)


def test_a_hash_belongs_to_its_password_only_and_is_never_the_same() -> None:
    one, another = hashed("p\u00e4ssword of mine"), hashed("p\u00e4ssword of mine")

    assert one != another
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_password("p\u00e4ssword of mine", one)
    assert not is_password("p\u00e4ssword of mine ", one)
    assert problem_with_hash(one) is None


def test_a_hash_by_stronger_parameters_is_taken() -> None:
    stronger = argon2.PasswordHasher.from_parameters(argon2.profiles.RFC_9106_LOW_MEMORY).hash("password")

    assert problem_with_hash(stronger) is None
    assert is_password("password", stronger)


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("the password itself", "is not the hash of a password"),
        ("", "is not the hash of a password"),
        ("$2b$12$abcdefghijklmnopqrstuv", "is not the hash of a password"),
        ("$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA", "another variant than Argon2id"),
        ("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA", "takes too much to compare"),
        ("$argon2id$v=19$m=19456,t=900,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA", "takes too much to compare"),
        ("$argon2id$v=19$m=19456,t=2,p=64$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA", "takes too much to compare"),
        ("$argon2id$v=19$m=19456,t=2,p=1$m2Q48+ToBYwAn/6nMtgkBA$9Y4n8q", "is not a whole hash"),
        ("=19=19456,t=2,p=1$WSlzM/tSvg", "is not the hash of a password"),  # what a shell makes of one without quotes
    ],
)
def test_what_is_no_hash_that_we_can_compare_is_told_with_what_to_do(token: str, words: str) -> None:
    problem = problem_with_hash(token)

    assert problem is not None
    assert words in problem
    assert "`countersign connections password`" in problem
    assert not token or token not in problem
