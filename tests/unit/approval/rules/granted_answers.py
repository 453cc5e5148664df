"""All answers that two approvers can give to a commitment, each with the event that it publishes if granted."""

from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import cast

from schemas.commitment import Person
from schemas.decision_chain import Decision
from schemas.envelope import Event
from schemas.examples.cast import DANA, KIM
from schemas.snapshot import Snapshot
from services.approval.rules.answers import (
    Accept,
    AcceptDrift,
    Answer,
    Confirm,
    ExportAgain,
    Granted,
    Reject,
    Retry,
    Settle,
)
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.controls import Mandate
from tests.unit.approval.rules.event_builders import CHICAGO, NOW, A, B, document

Given = tuple[str, CommitmentFacts, Event[Decision]]

REVISIONS = (1, 2)
ROUNDS = (1, 2)


def granted(facts: CommitmentFacts, now: datetime = NOW, *, needs_second: bool = False) -> Iterator[Given]:
    """The name, the new facts and the event of each answer that `facts` permit."""
    for name, by, answer, snapshot in _attempts(facts):
        context = AnswerContext(by, CHICAGO, now)
        result = carry_out(facts, answer, context, snapshot=snapshot, mandate=Mandate(needs_second))
        if isinstance(result, Granted):
            yield name, result.decided.state, cast("Event[Decision]", result.decided.publish[0])


def granted_to_two(facts: CommitmentFacts, now: datetime = NOW) -> Iterator[Given]:
    """As `granted`, where two approvers have to accept everything."""
    yield from granted(facts, now, needs_second=True)


def _attempts(facts: CommitmentFacts) -> Iterator[tuple[str, Person, Answer, Snapshot]]:
    for by, revision, content in product((DANA, KIM), REVISIONS, (A, B)):
        content_hash = content.content_hash
        yield "accept", by, Accept(revision=revision, content_hash=content_hash), content
        yield "reject", by, Reject(revision=revision, content_hash=content_hash, reason="Use 03-310."), content
    approved = facts.approved
    content = B if approved and approved.content_hash == B.content_hash else A
    unlinking = Reject(revision=1, content_hash=A.content_hash, reason="Not ours.", unlinks=document().id)
    yield "unlink", KIM, unlinking, A
    for version in (1, 2):
        yield "accept_drift", KIM, AcceptDrift(revision=1, version=version, note="Change order 1."), content
    for is_new in (True, False):
        again = ExportAgain(revision=1, reopened=0, document=document().id, replaces=is_new, note="Differs.")
        yield "export_again", KIM, again, content
    for revision, export_round in product(REVISIONS, ROUNDS):
        absent = Settle(revision=revision, round=export_round, note="None there.")
        present = Settle(revision=revision, round=export_round, document=document(), note="Seen.")
        yield "retry", DANA, Retry(revision=revision, round=export_round), content
        yield "create_anew", DANA, Retry(revision=revision, round=export_round, replaces=document().id), content
        yield "settle_as_absent", DANA, absent, content
        yield "settle_as_present", DANA, present, content
    for by, evidence, agrees in product((DANA, KIM), (1, 2), (True, False)):
        word = Confirm(revision=1, round=1, evidence=evidence, agrees=agrees, note="I looked as well.")
        yield "settle_by_confirming", by, word, content
