"""Every answer that two approvers could try on a commitment, each with the event that a grant publishes."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import product
from typing import cast

from schemas.envelope import Event
from schemas.events import DecisionAccepted, DecisionRejected, DecisionResolved
from schemas.examples.cast import DANA, KIM
from services.approval.rules import commands
from services.approval.rules.commitment import Commitment
from tests.unit.approval.rules.happenings import CHICAGO, NOW, A, B, document

Decision = DecisionAccepted | DecisionRejected | DecisionResolved
REVISIONS = (1, 2)
ROUNDS = (1, 2)


def granted(commitment: Commitment, now: datetime = NOW) -> Iterator[tuple[str, Commitment, Event[Decision]]]:
    """The name, the new state and the event of each answer that `commitment` permits."""
    for name, attempt in _attempts(commitment, now):
        answer = attempt()
        if isinstance(answer, commands.Granted):
            yield name, answer.decided.state, cast("Event[Decision]", answer.decided.publish[0])


def _attempts(commitment: Commitment, now: datetime) -> Iterator[tuple[str, Callable[[], commands.Answer]]]:
    for by, revision, content in product((DANA, KIM), REVISIONS, (A, B)):
        read = (commitment, revision, content.content_hash)
        yield "accept", partial(commands.accept, *read, by, now, zone=CHICAGO, snapshot=content)
        yield "reject", partial(commands.reject, *read, "Use 03-310.", by, now, zone=CHICAGO)
    approved = commitment.approved
    content = B if approved and approved.content_hash == B.content_hash else A
    for revision, export_round in product(REVISIONS, ROUNDS):
        failed = (commitment, revision, export_round)
        yield "retry", partial(commands.retry, *failed, DANA, now, zone=CHICAGO, snapshot=content)
        yield (
            "settle_as_absent",
            partial(commands.settle_as_absent, *failed, DANA, now, zone=CHICAGO, snapshot=content, note="None there."),
        )
        yield (
            "settle_as_present",
            partial(commands.settle_as_present, *failed, document(), DANA, now, zone=CHICAGO),
        )
