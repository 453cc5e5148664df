"""Signed links in mails: who holds one may do what it says, and nobody can make one for somebody else."""

from hashlib import sha256
from typing import NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import SecretStr


class Unsubscriber(NamedTuple):
    """The person whom a link takes off the daily summary of their company."""

    company_id: str
    person_id: str


def sign_unsubscribe(secret: SecretStr, company_id: str, person_id: str) -> str:
    """Return the token of /u/TOKEN; the same for every mail, and valid for good, since old mails keep their links."""
    return str(_serializer(secret).dumps([company_id, person_id]))


def read_unsubscribe(secret: SecretStr, token: str) -> Unsubscriber | None:
    """Return whom `token` stands for, None where it was not signed with `secret`."""
    try:
        company_id, person_id = _serializer(secret).loads(token)
    except (BadSignature, ValueError):
        return None
    return Unsubscriber(company_id, person_id)


def _serializer(secret: SecretStr) -> URLSafeSerializer:
    # the salt keeps links of other purposes apart, should there ever be any
    return URLSafeSerializer(
        secret.get_secret_value(), salt="countersign.unsubscribe", signer_kwargs={"digest_method": sha256}
    )
