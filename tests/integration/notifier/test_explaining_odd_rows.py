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


async def test_a_mail_whose_time_cannot_be_read_is_said_and_its_story_goes_on(notifier: Notifier) -> None:
    await notifier.consume(EVENT)
    odd = f"update notifier.mail set created_at = ANTIQUITY where recipient_id = '{SAM.id}'"  # noqa: S608 - ours
    await damage(notifier.database, "notifier", odd)

    part = await told(notifier)

    assert part.mails == ()
    assert part.unreadable == (f"notifier.mail has a row for {EVENT.commitment_id} that cannot be read",)
    assert (part.knows_it, [each.topic for each in part.traffic.readings] != []) == (True, True)
    assert NotifierPart.model_validate_json(part.model_dump_json()) == part


async def test_a_mail_with_an_infinite_time_is_left_out_alone(notifier: Notifier) -> None:
    await notifier.consume(EVENT)
    odd = f"update notifier.mail set created_at = 'infinity' where recipient_id = '{SAM.id}'"  # noqa: S608 - ours
    await damage(notifier.database, "notifier", odd)

    part = await told(notifier)

    assert {each.recipient for each in part.mails} == {"Ana Gil", "Dana Ruiz"}
    assert len(part.unreadable) == 1
