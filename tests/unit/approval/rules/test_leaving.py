"""A commitment leaves an ERP that is no longer configured by an approver's order, and goes where it is routed now."""

from schemas.commitment import ErpDocument
from schemas.events import CommitmentStatus, DecisionAccepted, ErpConnection
from schemas.examples.cast import DANA
from schemas.fields import Status
from services.approval.rules.answers import Conflict, Granted, Retry
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.erp import connection_name, next_erp, target_erp, target_reason
from services.approval.rules.leaving import objection_to_leaving
from services.approval.rules.rows import HistoryEntry
from tests.unit.approval.rules.event_builders import (
    CHICAGO,
    COMPANY,
    GONE,
    NOW,
    SYNCED,
    A,
    accepted,
    after,
    document,
    erp_left,
    failed,
    sent,
    succeeded,
)

LEFT = (*SYNCED, sent(2), accepted(2), erp_left())
CREATE_ANEW = Retry(revision=2, round=1, replaces="id-of-PO-1001")
BOOKS = ErpConnection(name="books", version=1, kind="http", title="Books", companies=(COMPANY,))
RENAMED = BOOKS.model_copy(update={"formerly": ("quickbooks",)})


def granted(answer: Retry = CREATE_ANEW) -> Granted:
    result = carry_out(after(*LEFT), answer, AnswerContext(DANA, CHICAGO, NOW), snapshot=A)
    assert isinstance(result, Granted)
    return result


def in_books(number: str = "PO-7") -> ErpDocument:
    return document(number).model_copy(update={"connection": "books"})


def synced_in_books(number: str = "PO-7") -> CommitmentFacts:
    landed = succeeded(2, 2)
    moved = landed.data.model_copy(update={"erp_document": in_books(number)})
    return after(type(landed)(landed.id, landed.source, landed.subject, NOW, moved), known=granted().decided.state)


def test_the_order_says_that_the_document_stays_in_an_erp_that_was_left() -> None:
    decided = granted().decided

    order = decided.publish[0].data
    assert isinstance(order, DecisionAccepted)
    assert (order.round, order.replaces, order.moves) == (2, document(), True)
    (line,) = (row for row in decided.rows if isinstance(row, HistoryEntry))
    assert line.text == "Dana Ruiz ordered a new document, since PO-1001 is in quickbooks, which is not configured."


def test_until_the_order_it_stays_bound_to_the_erp_of_its_document_and_afterwards_it_is_routed() -> None:
    before, ordered = after(*LEFT), granted().decided.state

    assert (target_erp(before, [BOOKS]), connection_name(before)) == (None, "quickbooks")
    assert next_erp(before, [BOOKS]) == BOOKS
    assert next_erp(before, []) is None
    assert target_erp(ordered, [BOOKS]) == BOOKS
    assert target_reason(ordered, [BOOKS, RENAMED]) == "no other one takes it"


def test_the_document_that_was_left_is_remembered_and_is_not_the_commitments() -> None:
    ordered, synced = granted().decided.state, synced_in_books()

    assert (ordered.document, ordered.left_documents) == (None, (document(),))
    assert (synced.document, synced.left_documents, len(synced.erp_ids)) == (in_books(), (document(),), 1)
    (status,) = (event.data for event in granted().decided.publish if isinstance(event.data, CommitmentStatus))
    assert (status.status, status.erp_document, status.locked_fields) == (Status.EXPORTING, None, ())


def test_a_document_that_was_written_there_after_all_is_the_commitments_again() -> None:
    facts = after(succeeded(2, 2), known=granted().decided.state)

    assert (facts.document, facts.left_documents) == (document(), ())


def test_a_document_that_was_found_under_the_new_name_of_its_erp_was_not_left() -> None:
    facts = synced_in_books("PO-1001")

    assert (facts.document, facts.left_documents) == (in_books("PO-1001"), ())


def test_a_retry_without_a_word_leaves_nothing() -> None:
    ordered = granted(Retry(revision=2, round=1)).decided

    assert isinstance(ordered.publish[0].data, DecisionAccepted)
    assert (ordered.publish[0].data.moves, ordered.state.document) == (False, document())


def test_an_erp_that_answers_to_that_name_again_is_not_left() -> None:
    facts = after(*LEFT)
    objection = objection_to_leaving(facts, [BOOKS, RENAMED])

    assert objection_to_leaving(facts, [BOOKS]) == ""
    assert objection == (
        "quickbooks is configured again: retry SC-014, and its document there is updated. Your answer was not recorded."
    )
    context = AnswerContext(DANA, CHICAGO, NOW)
    assert isinstance(carry_out(facts, CREATE_ANEW, context, snapshot=A, objection=objection), Conflict)


def test_a_document_that_was_deleted_in_an_erp_that_is_configured_may_be_created_anew_there() -> None:
    assert objection_to_leaving(after(*GONE), [RENAMED]) == ""
    assert objection_to_leaving(after(*SYNCED, sent(2), accepted(2), failed(2)), [RENAMED]) == ""
