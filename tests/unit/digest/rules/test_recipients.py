"""Who gets a summary."""

from datetime import timedelta

import pytest

from schemas.fields import ToolLevel
from services.digest.rules.recipients import DigestOutcome, Recipient, outcome_for
from tests.unit.digest.rules.samples import NOW, recipient


def decided(who: Recipient, **given_: object) -> DigestOutcome:
    plain: dict[str, object] = {"was_sent": False, "waiting_since": NOW - timedelta(days=2), "until": NOW}
    return outcome_for(who, **(plain | given_))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        ({"erp_tool": ToolLevel.STANDARD}, DigestOutcome.SENT),
        ({"erp_tool": ToolLevel.ADMIN}, DigestOutcome.SENT),
        ({"erp_tool": ToolLevel.READ_ONLY}, DigestOutcome.NOT_AN_APPROVER),
        ({"erp_tool": ToolLevel.NONE}, DigestOutcome.NOT_AN_APPROVER),
        ({"erp_tool": ToolLevel.ADMIN, "can_push_to_accounting": False}, DigestOutcome.NOT_AN_APPROVER),
        ({"is_subscribed": False}, DigestOutcome.UNSUBSCRIBED),
    ],
)
def test_only_subscribed_approvers_get_a_summary(rights: dict[str, object], expected: DigestOutcome) -> None:
    assert decided(recipient(**rights)) is expected


def test_nobody_gets_two_summaries_for_one_date() -> None:
    assert decided(recipient(), was_sent=True) is DigestOutcome.ALREADY_SENT


def test_nobody_gets_a_summary_while_nothing_waits() -> None:
    assert decided(recipient(), waiting_since=None) is DigestOutcome.NOTHING_WAITS


def test_what_arrived_after_the_due_time_counts_only_for_an_ordered_summary() -> None:
    late = NOW + timedelta(seconds=1)
    assert decided(recipient(), waiting_since=NOW) is DigestOutcome.SENT
    assert decided(recipient(), waiting_since=late) is DigestOutcome.NOTHING_WAITS
    assert decided(recipient(), waiting_since=late, until=None) is DigestOutcome.SENT
