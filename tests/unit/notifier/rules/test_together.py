"""Which mails go out as one message."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.commitment import ErpDocument
from services.notifier.rules.mails.mail import mails_of
from services.notifier.rules.mails.mail_type import MailData
from services.notifier.rules.together import WAIT, first_attempt_at, occasion_of
from tests.unit.notifier.event_builders import (
    ANA,
    DANA,
    NOW,
    ONE_OF_EACH,
    SAM,
    SUMMARY,
    event_of,
    mail_of,
    rejected,
    rejections,
)

OTHER_ADDRESS = ANA.model_copy(update={"email": "ana@elsewhere.example"})


def test_rejections_by_one_approver_for_one_reason_are_one_occasion_for_each_person() -> None:
    mails = [mail for data in rejections(3) for mail in mails_of(event_of(data), NOW)]

    assert len({(mail.recipient.id, occasion_of(mail)) for mail in mails}) == 2
    assert len({occasion_of(mail) for mail in mails}) == 2


@pytest.mark.parametrize(
    "other",
    [
        rejected(reason="Another one."),
        rejected(decided_by=SAM),
        rejected(company_id="c-2"),
        rejected(SUMMARY.model_copy(update={"creator": SAM})),
        rejected(SUMMARY.model_copy(update={"creator": OTHER_ADDRESS})),
        rejected(SUMMARY.model_copy(update={"creator": ANA.model_copy(update={"email": None})})),
    ],
    ids=["reason", "approver", "company", "recipient", "address", "no address"],
)
def test_another_reason_approver_company_or_recipient_is_another_occasion(other: MailData) -> None:
    assert occasion_of(mail_of(other)) not in {occasion_of(mail_of(rejected())), None}


def test_the_parts_of_an_occasion_cannot_run_into_each_other() -> None:
    one = rejected(decided_by=DANA.model_copy(update={"id": "p", "email": "d@a.example"}), reason="b@a.example\nc")
    other = rejected(decided_by=DANA.model_copy(update={"id": "p", "email": "d@a.example\nb@a.example"}), reason="c")

    assert occasion_of(mail_of(one)) != occasion_of(mail_of(other))


def test_a_rejection_that_unlinks_a_document_goes_alone() -> None:
    unlinking = rejected(unlinks=ErpDocument(connection="quickbooks", id="80-1"), reopened=1)

    assert occasion_of(mail_of(unlinking)) is None


def test_only_rejections_wait_for_others() -> None:
    waits = {mail_of(data).kind: first_attempt_at(mail_of(data)) - NOW for data in ONE_OF_EACH}

    assert {kind for kind, wait in waits.items() if wait} == {"rejected"}
    assert waits["rejected"] == WAIT


def test_it_waits_from_when_it_is_queued_however_long_ago_it_happened() -> None:
    late = replace(mail_of(rejected()), occurred_at=NOW - timedelta(hours=1))

    assert first_attempt_at(late) == NOW + WAIT
