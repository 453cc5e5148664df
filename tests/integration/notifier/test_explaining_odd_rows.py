"""What the notifier tells of a commitment with a mail that cannot be read: which one, and all the others."""

import pytest

from schemas.story import NotifierPart
from services.notifier.explaining import explain
from services.pipeline.explaining import no_tails
from tests.damaging import damage
from tests.integration.notifier.notifier_process import Notifier
from tests.unit.notifier.event_builders import SAM, export_failed

EVENT = export_failed()


async def told(notifier: Notifier) -> NotifierPart:
    return await explain(notifier.database, EVENT.commitment_id, no_tails, notifier.clock)


@pytest.mark.parametrize("content", ["{", "[" * 2000 + "]" * 2000])
async def test_a_mail_whose_event_cannot_be_read_is_named_and_the_others_are_told(
    notifier: Notifier, content: str
) -> None:
    await notifier.consume(EVENT)
    odd = f"update notifier.mail set event_data = '{content}' where recipient_id = '{SAM.id}'"  # noqa: S608 - ours
    await damage(notifier.database, "notifier", odd)

    part = await told(notifier)

    (sentence,) = part.unreadable
    assert sentence.startswith(f"notifier.mail has a row for {EVENT.commitment_id} ")
    assert sentence.endswith(f" {SAM.id} that cannot be read")
    assert {each.recipient for each in part.mails} == {"Ana Gil", "Dana Ruiz"}
    assert "@" not in part.model_dump_json()


@pytest.mark.parametrize("time", ["ANTIQUITY", "'infinity'", "'-infinity'", "'200000-01-01'"])
async def test_a_mail_of_a_time_that_no_calendar_has_is_told_with_the_others(notifier: Notifier, time: str) -> None:
    await notifier.consume(EVENT)
    odd = f"update notifier.mail set created_at = {time} where recipient_id = '{SAM.id}'"  # noqa: S608 - ours
    await damage(notifier.database, "notifier", odd)

    part = await told(notifier)

    assert {each.recipient for each in part.mails} == {"Ana Gil", "Dana Ruiz", "Sam Lee"}
    assert part.unreadable == ()
    assert NotifierPart.model_validate_json(part.model_dump_json()) == part
