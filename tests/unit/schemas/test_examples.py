"""The examples cover every topic, status and outcome, and are consistent."""

from collections import Counter
from decimal import Decimal

import pytest

from schemas.commitment import Commitment
from schemas.events import CommitmentStatus, DecisionAccepted, ExportFailed, MailSettled
from schemas.examples import EXAMPLES
from schemas.examples.cast import CONCRETE_1, CONCRETE_2, STEEL_1, STEEL_2, STEEL_3
from schemas.fields import FailureClass, MailOutcome, Ribbon, Status
from schemas.topics import BY_NAME

DATA = [example.event.data for example in EXAMPLES]


def test_every_topic_has_examples_with_unique_names() -> None:
    assert {data.topic for data in DATA} == set(BY_NAME)
    assert set(Counter((one.event.data.topic, one.name) for one in EXAMPLES).values()) == {1}


def test_there_is_one_example_of_every_status_with_its_ribbon() -> None:
    ribbons = {data.status: data.ribbon for data in DATA if isinstance(data, CommitmentStatus)}
    yellow = {Status.REJECTED, Status.RETRIEVED}
    assert ribbons.keys() == set(Status)
    assert {status for status, ribbon in ribbons.items() if ribbon is Ribbon.YELLOW} == yellow
    assert {status for status, ribbon in ribbons.items() if ribbon is Ribbon.GREEN} == {Status.SYNCED}


def test_there_are_examples_of_every_failure_class_and_mail_outcome() -> None:
    assert {data.failure.failure_class for data in DATA if isinstance(data, ExportFailed)} == set(FailureClass)
    assert {data.kind for data in DATA if isinstance(data, MailSettled)} == {
        "rejected",
        "export_failed",
        "resent",
        "digest",
    }
    assert {data.outcome for data in DATA if isinstance(data, MailSettled)} == set(MailOutcome)


@pytest.mark.parametrize("commitment", [CONCRETE_1, CONCRETE_2, STEEL_1, STEEL_2, STEEL_3], ids=lambda one: one.title)
def test_the_lines_of_a_commitment_add_up_to_the_cent(commitment: Commitment) -> None:
    assert sum(Decimal(line.amount) for line in commitment.lines) == Decimal(commitment.total)
    for line in commitment.lines:
        assert Decimal(line.quantity) * Decimal(line.unit_cost) == Decimal(line.amount)


def test_the_commitments_have_the_documented_numbers_and_totals() -> None:
    assert (CONCRETE_1.number, CONCRETE_1.total) == ("SC-014", "480250.00")
    assert (STEEL_1.number, STEEL_1.total) == ("PO-099", "144820.00")


def test_an_accepted_example_carries_the_hash_of_its_snapshot() -> None:
    accepted = [data for data in DATA if isinstance(data, DecisionAccepted)]
    assert accepted
    assert all(data.content_hash == data.commitment.content_hash for data in accepted)
