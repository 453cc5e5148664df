"""As what somebody gets a mail, and what a mail server answered, without addresses."""

import pytest

from services.notifier.rules.mails.mail_type import MailData
from services.notifier.rules.telling import role_of, without_addresses
from tests.unit.notifier.event_builders import (
    ANA,
    DANA,
    SAM,
    SUMMARY,
    answered,
    export_failed,
    question,
    rejected,
    resent,
)


@pytest.mark.parametrize(
    ("data", "recipient_id", "role"),
    [
        (rejected(), ANA.id, "creator"),
        (rejected(), SAM.id, "sender"),
        (rejected(summary=SUMMARY.model_copy(update={"creator": SAM})), SAM.id, "sender"),
        (export_failed(), DANA.id, "approver"),
        (resent(), DANA.id, "approver"),
        (question(), SAM.id, "sender"),
        (answered(), DANA.id, "approver"),
        (rejected(), "somebody else", None),
    ],
)
def test_a_role_is_where_the_event_names_the_reader(data: MailData, recipient_id: str, role: str | None) -> None:
    assert role_of(recipient_id, data.model_dump_json(by_alias=True)) == role


@pytest.mark.parametrize("data", ["", "{}", '{"summary": null}', '{"decided_by": "text"}'])
def test_where_the_event_names_nobody_there_is_no_role(data: str) -> None:
    assert role_of(SAM.id, data) is None


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("550 5.1.1 <sam.lee@pm.example>: unknown", "550 5.1.1 <(address)>: unknown"),
        ("to a+b@x.example, c@y.example", "to (address), (address)"),
        ("451 4.7.1 Try again later", "451 4.7.1 Try again later"),
        (None, None),
    ],
)
def test_addresses_are_taken_out_of_an_answer(answer: str | None, told: str | None) -> None:
    assert without_addresses(answer) == told
