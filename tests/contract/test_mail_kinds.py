"""Approval's history has words for every kind of mail that the notifier sends about a commitment."""

import pytest

from schemas.events import DigestReady
from services.approval.rules.history import OCCASIONS
from services.notifier.rules.mails import MAIL_TYPES
from services.notifier.rules.mails.mail_type import MailType


@pytest.mark.parametrize("mail_type", MAIL_TYPES, ids=lambda each: each.kind)
def test_a_mail_about_a_commitment_has_words_in_the_history(mail_type: MailType) -> None:
    is_about_a_commitment = mail_type.data_type is not DigestReady

    assert (mail_type.kind in OCCASIONS) is is_about_a_commitment
