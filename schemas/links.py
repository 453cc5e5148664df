"""Signed links in mails: who holds one may do what it says, and nobody can make one for somebody else."""

from hashlib import sha256
from typing import NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import SecretStr


class Unsubscriber(NamedTuple):
    """The person whom a link takes off the daily summary of their company."""

    company_id: str
    person_id: str


class QuestionLink(NamedTuple):
    """The question that a link answers."""

    company_id: str
    commitment_id: str
    revision: int
    number: int


def sign_question(secret: SecretStr, link: QuestionLink) -> str:
    """Return the token of /q/TOKEN; it is of use while the revision waits, which is looked up and not signed."""
    return str(_serializer(secret, "countersign.question").dumps(list(link)))


def read_question(secret: SecretStr, token: str) -> QuestionLink | None:
    """Return the question that `token` answers, None where it was not signed with `secret`."""
    try:
        company_id, commitment_id, revision, number = _serializer(secret, "countersign.question").loads(token)
    except (BadSignature, ValueError):
        return None
    return QuestionLink(company_id, commitment_id, revision, number)


def sign_unsubscribe(secret: SecretStr, company_id: str, person_id: str) -> str:
    """Return the token of /u/TOKEN; the same for every mail, and valid for good, since old mails keep their links."""
    return str(_serializer(secret, "countersign.unsubscribe").dumps([company_id, person_id]))


def read_unsubscribe(secret: SecretStr, token: str) -> Unsubscriber | None:
    """Return whom `token` stands for, None where it was not signed with `secret`."""
    try:
        company_id, person_id = _serializer(secret, "countersign.unsubscribe").loads(token)
    except (BadSignature, ValueError):
        return None
    return Unsubscriber(company_id, person_id)


def _serializer(secret: SecretStr, purpose: str) -> URLSafeSerializer:
    # the salt keeps links of different purposes apart
    return URLSafeSerializer(secret.get_secret_value(), salt=purpose, signer_kwargs={"digest_method": sha256})
