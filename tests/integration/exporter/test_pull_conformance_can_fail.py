"""Every test of pull connectors fails, for its own reason, for one that makes the mistake which it is about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ledgerly.desktop import Desk, LedgerlyDesktop
from test_ledgerly_desktop import LedgerlyDesktopDialect

from services.exporter.connector_tests import Call, PullBooks, PullConnectorTests, ReadTests
from services.exporter.connector_tests.round_trips import ODD_REFERENCES
from tests.integration.exporter import careless_pull_connectors as careless
from tests.integration.exporter.test_conformance_can_fail import WholeSuite as EverySuiteOfCalls
from tests.integration.exporter.test_conformance_can_fail import cases_of, conformance_tests


@dataclass(frozen=True)
class Mistake:
    """`connector` fails `test` with words that match `reason`; `of` is the case, or every one."""

    test: str
    connector: type[LedgerlyDesktop] | type[Desk]
    reason: str
    of: str = ""


SAME = "test_the_same_replies_lead_to_the_same_questions"
ONE_ATTEMPT = "test_a_search_and_the_write_after_it_are_one_attempt"
OWN_IDS = "test_every_write_has_a_message_set_of_its_own"
PART_BY_PART = "test_a_list_is_read_part_by_part_to_its_end"
KNOWN_LISTS = "test_the_lists_are_those_that_the_desk_knows"
NO_PART = "test_an_odd_answer_is_no_part_of_a_list"
MISTAKES = (
    Mistake(SAME, careless.NeverAsksAlike, "led to other questions", of="create"),
    Mistake(SAME, careless.CountsAnswers, "led to Result.*and then to", of="create"),
    Mistake(SAME, careless.AwaitsSomethingElse, "may await nothing but its questions"),
    Mistake(ONE_ATTEMPT, careless.WritesOnlyAtFirst, "update answered Transient"),
    Mistake(ONE_ATTEMPT, careless.TakesEveryNumber, "The document is 1001"),
    Mistake("test_a_question_writes_once_at_most", careless.WritesTwice, "has written 2 times"),
    Mistake("test_a_question_writes_once_at_most", careless.HasNoId, "has no message set id"),
    Mistake(OWN_IDS, careless.ReusesTheId, "have one id"),
    Mistake(SAME, careless.WritesByQuestions, "stores nothing, and has a message set id", of="find"),
    Mistake(OWN_IDS, careless.HasAnIdOfItsOwn, "another id than the attempt"),
    Mistake(OWN_IDS, careless.HasALongId, "has 24 characters"),
    Mistake(OWN_IDS, careless.HidesTheId, "not in the text"),
    Mistake(
        "test_the_search_after_a_lost_write_asks_what_became_of_it", careless.ForgetsTheLost, "does not ask what became"
    ),
    Mistake(
        "test_a_lost_write_is_found_though_its_number_was_changed", careless.ForgetsTheLost, "has told of the document"
    ),
    Mistake("test_a_lost_write_that_never_arrived_is_not_found", careless.BelievesTheLost, "was never stored"),
    Mistake(
        "test_an_odd_answer_about_a_lost_write_is_never_nothing", careless.FindsNothingLost, "the answer is nothing"
    ),
    Mistake(
        "test_a_document_of_another_commitment_with_our_number_is_none_of_ours",
        careless.TakesEveryNumber,
        "was taken for ours",
    ),
    Mistake("test_a_known_document_is_found_whatever_its_number_is", careless.IgnoresIds, "was left out"),
    Mistake(
        "test_an_odd_text_shows_no_document_and_takes_little_memory",
        careless.BelievesAnything,
        "must be Unknown.*is Landed",
    ),
    Mistake(
        "test_an_odd_text_shows_no_document_and_takes_little_memory",
        careless.SwallowsErrors,
        r"no list of documents; it is \(\)",
    ),
    Mistake(
        "test_an_odd_text_shows_no_document_and_takes_little_memory",
        careless.KeepsEverything,
        "bytes of memory",
        of="2 MB of letters",
    ),
    Mistake("test_close_leaves_attempts_alone", careless.ClosesAttempts, "find raised RuntimeError"),
    Mistake("test_what_was_not_passed_on_has_stored_nothing", careless.DoubtsEverything, "has done nothing"),
    Mistake("test_what_was_not_passed_on_has_stored_nothing", careless.CallsNotReachedReached, "was not reached"),
    Mistake("test_a_search_that_was_not_passed_on_is_never_nothing", careless.SwallowsErrors, r"it is \(\)"),
    Mistake("test_a_failure_that_nobody_knows_leaves_a_write_in_doubt", careless.CallsUnknownTransient, "be Unknown"),
    Mistake("test_why_the_erp_is_not_reached_is_said_in_words", careless.SaysNothing, "Nothing is said"),
    Mistake("test_an_erp_that_answers_is_reached", careless.IsAlwaysAway, "connector says: It is away"),
    Mistake(KNOWN_LISTS, careless.ListsAccounts, "Only vendor, item, job"),
    Mistake(KNOWN_LISTS, careless.ListsTwice, "comes twice"),
    Mistake(PART_BY_PART, careless.ReadsOnePart, "703 entries of the list vendor are missing"),
    Mistake(PART_BY_PART, careless.DropsClosed, "172 entries of the list vendor are missing"),
    Mistake(PART_BY_PART, careless.ReadsTwice, "has 1203 entries, not 2406"),
    Mistake(PART_BY_PART, careless.NeverEnds, "did not end"),
    Mistake(PART_BY_PART, careless.NeverAsksForListsAlike, "is another one each time"),
    Mistake(PART_BY_PART, careless.WritesLists, "as a write has"),
    Mistake("test_an_empty_list_ends_at_once", careless.InventsAnEntry, "is empty, not"),
    Mistake(NO_PART, careless.TakesOddForEmpty, "is no part of a list"),
    Mistake(NO_PART, careless.Raises, "list_page raised ValueError"),
    Mistake(
        "test_a_list_that_was_not_asked_for_has_no_part", careless.TakesOddForEmpty, "must be Refused or Transient"
    ),
)
TWICE = '{"twice": true, '


class WholeSuite(PullConnectorTests, ReadTests):
    """Every test of pull connectors; pytest does not collect a class of this name."""


class ObedientDialect(LedgerlyDesktopDialect):
    """Carries a text out twice if it says so."""

    def call_about(self, text: str) -> Call:
        return super().call_about(text.replace(TWICE, "{"))

    def answer_to(self, text: str, books: PullBooks) -> str:
        if text.startswith(TWICE):
            super().answer_to(text.replace(TWICE, "{"), books)
        return super().answer_to(text.replace(TWICE, "{"), books)


def failures() -> Iterator[Any]:
    """Yield each mistake with each case of its test that it is about."""
    for mistake in MISTAKES:
        for name, case in cases_of(conformance_tests(WholeSuite)[mistake.test]):
            if mistake.of in name:
                label = f"{mistake.connector.__name__}-{mistake.test.removeprefix('test_')}-{name}"
                yield pytest.param(mistake, case, id=label)


@pytest.mark.parametrize(("mistake", "case"), [*failures()])
def test_a_careless_pull_connector_fails(mistake: Mistake, case: dict[str, Any]) -> None:
    suite, dialect = WholeSuite(), ObedientDialect()
    dialect.kind = careless.with_desk(mistake.connector) if issubclass(mistake.connector, Desk) else mistake.connector
    suite.dialect = dialect

    with pytest.raises(AssertionError, match=re.compile(mistake.reason, re.DOTALL)):
        getattr(suite, mistake.test)(**case)


def test_a_reference_that_the_erp_does_not_keep_must_be_refused() -> None:
    suite, dialect = WholeSuite(), LedgerlyDesktopDialect()
    dialect.refused_references = frozenset({ODD_REFERENCES["other than ASCII"]})
    suite.dialect = dialect

    with pytest.raises(AssertionError, match="must be Refused, since the ERP does not keep these characters"):
        suite.test_a_marker_comes_back_unchanged(characters="other than ASCII")


def test_every_test_of_pull_connectors_can_fail() -> None:
    added = conformance_tests(WholeSuite).keys() - conformance_tests(EverySuiteOfCalls).keys()
    assert added == {mistake.test for mistake in MISTAKES}
