"""Every conformance test fails, for its own reason, for a connector that makes the mistake which it is about."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from ledgerly.connector import LedgerlyConnector
from test_ledgerly import LedgerlyDialect

from services.exporter.connector_tests import CheckTests, HttpConnectorTests, HttpDialect, ReadTests
from services.exporter.connectors.http import HttpConnector
from tests.integration.exporter import careless_connectors as careless
from tests.integration.exporter import careless_readers as readers
from tests.integration.exporter.http_dialect import HttpContract


@dataclass(frozen=True)
class Mistake:
    """`connector` fails `test` with words that match `reason`; `of` is the case, or every one."""

    test: str
    connector: type[HttpConnector] | type[LedgerlyConnector]
    reason: str
    of: str = ""
    enforces_reference: bool = False


NOT_IN_TIME = "did not return within its deadline"
MISTAKES = (
    Mistake("test_nothing_is_found_under_a_reference_that_nobody_used", careless.InventsDocuments, r"must answer \(\)"),
    Mistake("test_a_created_document_is_found_with_its_marker", careless.ForgetsMarkers, "marker came back as None"),
    Mistake(
        "test_an_updated_document_keeps_its_id_and_has_the_new_marker",
        careless.CreatesInsteadOfUpdating,
        "must be one document as before",
    ),
    Mistake(
        "test_an_updated_document_keeps_its_id_and_has_the_new_marker",
        careless.ForgetsMarkers,
        "marker came back as None",
    ),
    Mistake(
        "test_an_update_that_is_done_twice_changes_nothing_more",
        careless.CreatesInsteadOfUpdating,
        "made a second document",
    ),
    Mistake("test_a_marker_comes_back_unchanged", careless.ForgetsMarkers, r"\[None\] came back"),
    Mistake(
        "test_a_document_whose_reference_the_erp_has_cut_is_found", careless.ComparesReferences, "left out: it may be"
    ),
    Mistake("test_every_document_under_one_reference_is_found", careless.TakesTheFirst, "return all documents"),
    Mistake("test_a_document_without_a_marker_is_found", careless.OverlooksUnmarked, "left out, though"),
    Mistake("test_an_update_of_a_document_that_is_not_there_is_gone", careless.CallsGoneRefused, "must be Gone"),
    Mistake(
        "test_an_update_of_a_document_that_is_not_there_is_gone", careless.CreatesInsteadOfUpdating, "must be Gone"
    ),
    Mistake(
        "test_a_second_document_under_one_reference_is_answered_as_what_it_was",
        careless.CreatesOnlyIfNothingIsThere,
        "named the new document",
    ),
    Mistake(
        "test_a_second_document_under_one_reference_is_answered_as_what_it_was",
        careless.CallsExistsRefused,
        "must be Exists",
        enforces_reference=True,
    ),
    Mistake(
        "test_a_write_whose_answer_is_lost_is_unknown", careless.CallsUnknownTransient, "must be Unknown.*is Transient"
    ),
    Mistake("test_a_write_whose_answer_is_lost_is_unknown", careless.Raises, "raised ConnectionError"),
    Mistake("test_a_write_whose_answer_is_lost_is_unknown", careless.LeaksCancellation, "raised CancelledError"),
    Mistake("test_a_write_whose_answer_is_lost_is_unknown", careless.AnswersNothing, "answered None, which is no"),
    Mistake(
        "test_a_write_whose_answer_is_lost_is_unknown",
        careless.SaysNothing,
        "which has an empty message; people read it",
    ),
    Mistake("test_a_write_whose_answer_is_lost_is_not_repeated", careless.RetriesWrites, "sent 2 times"),
    Mistake(
        "test_a_search_whose_answer_is_lost_is_transient", careless.SwallowsErrors, r"must be Transient.*it is \(\)"
    ),
    Mistake(
        "test_a_connection_that_is_reset_at_once_is_no_answer",
        careless.SwallowsErrors,
        r"must be Transient.*it is \(\)",
    ),
    Mistake("test_a_connection_that_is_reset_at_once_is_no_answer", careless.BelievesAnything, "it is Landed"),
    Mistake("test_the_next_call_after_a_lost_answer_works", careless.GivesUp, "must be tuple"),
    Mistake("test_a_write_ends_at_its_deadline_as_unknown", careless.HasNoDeadline, NOT_IN_TIME, of="hang-create"),
    Mistake("test_a_write_ends_at_its_deadline_as_unknown", careless.HasNoDeadline, NOT_IN_TIME, of="stall"),
    Mistake("test_a_write_ends_at_its_deadline_as_unknown", careless.HasADeadlineForEachByte, NOT_IN_TIME, of="drip"),
    Mistake("test_a_write_ends_at_its_deadline_as_unknown", careless.HasNoDeadline, "it is Landed", of="late"),
    Mistake("test_a_write_ends_at_its_deadline_as_unknown", careless.RetriesWrites, "sent 2 times", of="hang-create"),
    Mistake("test_a_write_ends_at_its_deadline_as_unknown", careless.RetriesWrites, "sent 2 times", of="hang-update"),
    Mistake("test_a_search_ends_at_its_deadline_as_transient", careless.HasNoDeadline, NOT_IN_TIME, of="stall"),
    Mistake(
        "test_a_search_ends_at_its_deadline_as_transient", careless.HasADeadlineForEachByte, NOT_IN_TIME, of="drip"
    ),
    Mistake("test_a_search_ends_at_its_deadline_as_transient", careless.HasNoDeadline, "must be Transient", of="late"),
    Mistake(
        "test_a_late_answer_is_not_taken_for_that_of_the_next_call", careless.TakesLateAnswers, "an earlier one had"
    ),
    Mistake("test_a_write_with_an_odd_answer_is_unknown", careless.BelievesAnything, "must be Unknown.*is Landed"),
    Mistake(
        "test_a_search_with_an_odd_answer_is_never_nothing",
        careless.SwallowsErrors,
        r"no list.*it is \(\)",
    ),
    Mistake("test_an_error_that_looks_like_success_is_none", careless.BelievesAnything, "reported an error.*is Landed"),
    Mistake("test_a_search_that_reports_an_error_is_never_nothing", careless.SwallowsErrors, r"an error; it is \(\)"),
    Mistake("test_an_error_in_the_form_of_the_erp_is_no_success", careless.BelievesAnything, "an error.*is Landed"),
    Mistake("test_an_error_in_the_form_of_the_erp_is_no_success", careless.SwallowsErrors, r"an error.*it is \(\)"),
    Mistake("test_a_created_document_without_a_usable_id_is_unknown", careless.TakesAnyId, "no id that can be used"),
    Mistake("test_a_found_document_without_a_usable_id_counts", careless.DropsUnreadable, "must not be left out"),
    Mistake("test_a_number_as_id_is_read_as_text", careless.KeepsNumbers, "the id 17, which is no text"),
    Mistake("test_an_odd_member_does_not_hide_a_document", careless.DropsOddDocuments, "was left out"),
    Mistake("test_a_large_answer_takes_little_memory", careless.ReadsEverything, "bytes of memory"),
    Mistake("test_a_refused_connection_is_transient", careless.CallsNotSentUnknown, "refused.*it is Unknown"),
    Mistake("test_a_refused_connection_is_transient", careless.CallsNotSentReached, "was not reached"),
    Mistake("test_an_unknown_host_is_transient", careless.CallsNotSentUnknown, "no such host.*it is Unknown"),
    Mistake("test_a_server_that_speaks_no_tls_is_transient", careless.SpeaksInTheClear, "no TLS.*it is Unknown"),
    Mistake(
        "test_a_certificate_that_nobody_vouches_for_gets_no_request",
        careless.TrustsAnyCertificate,
        "vouches.*it is Landed",
    ),
    Mistake(
        "test_a_certificate_of_another_host_gets_no_request",
        careless.TrustsAnyCertificate,
        "another host's.*it is Landed",
    ),
    Mistake("test_searches_at_the_same_time_get_their_own_answers", careless.SharesOneAnswer, "mixed up"),
    Mistake("test_searches_at_the_same_time_get_their_own_answers", careless.OneAtATime, "must be tuple"),
    Mistake("test_writes_at_the_same_time_get_their_own_answers", careless.SharesOneAnswer, "mixed up"),
    Mistake("test_a_cancelled_call_leaves_the_connector_usable", careless.LeaksOnCancel, NOT_IN_TIME),
    Mistake("test_close_ends_every_connection", careless.NeverCloses, "still open"),
    Mistake("test_a_write_with_an_unclear_status_is_unknown", careless.CallsUnknownTransient, "must be Unknown"),
    Mistake("test_a_write_with_an_unclear_status_is_unknown", careless.RetriesWrites, "more than once"),
    Mistake("test_a_write_that_was_refused_is_not_unknown", careless.CallsRefusalsUnknown, "nothing; it is Unknown"),
    Mistake("test_a_write_that_failed_has_not_landed", careless.BelievesAnything, "no document; it is Landed"),
    Mistake("test_a_search_that_failed_is_never_nothing", careless.SwallowsErrors, r"not searched; it is \(\)"),
    Mistake("test_a_busy_erp_is_given_the_time_that_it_asks_for", careless.IgnoresRetryAfter, "not for 0.0 seconds"),
    Mistake("test_a_busy_erp_may_say_anything", careless.TrustsRetryAfter, "raised ValueError|asks to wait for"),
    Mistake("test_a_redirect_is_not_followed", careless.FollowsRedirects, "The redirect was followed"),
    Mistake("test_a_right_answer_in_an_odd_form_is_read_or_in_doubt", careless.InsistsOnJson, "raised"),
    Mistake(
        "test_a_small_answer_that_unpacks_to_a_large_one_takes_little_memory",
        careless.ReadsEverything,
        "bytes of memory",
    ),
    Mistake("test_a_document_is_read_by_its_id_and_by_its_number", readers.ReadsKeysOnly, "must be ErpCopy"),
    Mistake("test_a_document_that_is_not_there_is_gone", readers.CallsGoneRefused, "must be Gone"),
    Mistake("test_a_number_of_several_documents_is_refused", readers.TakesTheFirst, "two documents.*is ErpCopy"),
    Mistake("test_a_number_of_several_documents_is_refused", readers.CallsEverythingGone, "are not gone"),
    Mistake("test_a_reading_whose_answer_is_lost_is_transient", readers.CallsEverythingGone, "must be Transient"),
    Mistake("test_a_reading_that_failed_shows_no_document", readers.CallsEverythingGone, "document is gone", of="5"),
    Mistake("test_a_reading_ends_at_its_deadline_as_transient", readers.HasNoDeadline, NOT_IN_TIME),
    Mistake("test_a_check_ends_at_its_deadline_with_a_problem", readers.HasNoDeadline, NOT_IN_TIME),
    Mistake("test_a_check_ends_at_its_deadline_with_a_problem", readers.SeesNoProblem, "Nobody answered"),
    Mistake("test_a_write_is_judged_by_whether_it_was_sent", readers.DoubtsWhatItDidNotSend, "was not sent"),
    Mistake("test_a_write_is_judged_by_whether_it_was_sent", readers.ForgetsWhatItSent, "has stored the document"),
    Mistake("test_an_odd_answer_to_a_reading_shows_no_document", readers.CallsEverythingGone, "does not say that"),
    Mistake(
        "test_a_check_of_an_erp_that_works_finds_no_problem_and_writes_nothing", readers.ChecksByWriting, "left a doc"
    ),
    Mistake(
        "test_a_check_of_an_erp_that_works_finds_no_problem_and_writes_nothing", readers.SeesProblems, "check says"
    ),
    Mistake("test_a_check_that_gets_no_answer_names_a_problem", readers.SeesNoProblem, "Nobody answered"),
    Mistake("test_a_check_with_an_odd_answer_names_a_problem", readers.SeesNoProblem, "is not the ERP"),
)


class WholeSuite(HttpConnectorTests, ReadTests, CheckTests):
    """Every test that there is; pytest does not collect a class of this name."""


def dialect_of(mistake: Mistake) -> HttpDialect:
    """Return the ERP that the connector of `mistake` is for."""
    if issubclass(mistake.connector, HttpConnector):
        return HttpContract(kind=mistake.connector, enforces_reference=mistake.enforces_reference)
    dialect = LedgerlyDialect()
    dialect.kind = mistake.connector
    dialect.own_errors = (b'{"order": {"key": "7"}, "orders": [], "error": "The period is closed."}',)
    return dialect


def conformance_tests(suite: type) -> dict[str, Callable[..., None]]:
    """Return the tests of a suite by name."""
    return {name: getattr(suite, name) for name in dir(suite) if name.startswith("test_")}


def cases_of(test: Callable[..., None]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the arguments of each case of a test, with the name that pytest gives it."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    for values in product(*(mark.args[1] for mark in marks)):
        names = [getattr(value, "__name__", str(value)) for value in values]
        yield "-".join(names), dict(zip((mark.args[0] for mark in marks), values, strict=True))


def failures() -> Iterator[Any]:
    """Yield each mistake with each case of its test that it is about."""
    for mistake in MISTAKES:
        for name, case in cases_of(conformance_tests(WholeSuite)[mistake.test]):
            if mistake.of in name:
                label = f"{mistake.connector.__name__}-{mistake.test.removeprefix('test_')}-{name}"
                yield pytest.param(mistake, case, id=label)


@pytest.mark.parametrize(("mistake", "case"), [*failures()])
def test_a_careless_connector_fails(mistake: Mistake, case: dict[str, Any]) -> None:
    suite = WholeSuite()
    suite.dialect = dialect_of(mistake)

    with pytest.raises(AssertionError, match=re.compile(mistake.reason, re.DOTALL)):
        getattr(suite, mistake.test)(**case)


def test_every_conformance_test_can_fail() -> None:
    assert conformance_tests(WholeSuite).keys() == {mistake.test for mistake in MISTAKES}
