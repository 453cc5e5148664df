"""The password with which an ERP's client signs in to us: how it is made, hashed, and compared with its hash.

We keep only the hash, by Argon2id with the least that OWASP's "Password Storage Cheat Sheet" asks for.
"""

import secrets

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

MIN_PASSWORD_CHARACTERS = 16
"""Of a password that a person chooses: guessed as fast as we verify, even a weak one of this length outlives us."""
MAX_PASSWORD_CHARACTERS = 256
MAX_MEMORY_KIB = 65_536
MAX_PASSES = 10
MAX_LANES = 4
MAKE_A_HASH = (
    "Make one with `countersign connections password`, and put the hash there; the Web Connector gets the password."
)

_RANDOM_BYTES = 24
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)


def new_password() -> str:
    """Return a password that nobody guesses: 32 letters, digits, hyphens and underscores."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def hashed(password: str) -> str:
    """Return the hash to keep of `password`; it takes some 30 ms and 19 MiB."""
    return _HASHER.hash(password)


def is_password(password: str, hashed_password: str) -> bool:
    """Whether `hashed_password` was made of `password`; it takes as long as making it, whatever the answer is."""
    try:
        return _HASHER.verify(hashed_password, password)
    except VerificationError:
        return False


def problem_with_hash(text: str) -> str | None:
    """What is wrong with `text` as the hash of a password, and what to do; None if it can be used."""
    try:
        parameters = extract_parameters(text)
    except InvalidHashError:
        return f"the token is not the hash of a password. {MAKE_A_HASH}"
    if parameters.type is not Type.ID:
        return f"the token is a hash by another variant than Argon2id. {MAKE_A_HASH}"
    if (
        parameters.memory_cost > MAX_MEMORY_KIB
        or parameters.time_cost > MAX_PASSES
        or parameters.parallelism > MAX_LANES
    ):
        return (
            f"the token is a hash that takes too much to compare: at most {MAX_MEMORY_KIB // 1024} MiB, "
            f"{MAX_PASSES} passes and {MAX_LANES} lanes. {MAKE_A_HASH}"
        )
    return None if _can_be_compared(text) else f"the token is not a whole hash of a password. {MAKE_A_HASH}"


def _can_be_compared(text: str) -> bool:
    try:
        return _HASHER.verify(text, "")
    except VerifyMismatchError:
        return True
    except (InvalidHashError, VerificationError):
        return False
