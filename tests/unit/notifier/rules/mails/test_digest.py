"""The daily summary."""

import pytest

from schemas.events import CurrencyTotal, DigestSection
from schemas.fields import Status
from tests.unit.notifier.event_builders import digest_ready, digest_row, lines, mail_of, recipients_of, text_of

NOTHING = DigestSection(count=0)


def test_it_goes_to_its_reader() -> None:
    assert recipients_of(digest_ready()) == ["Dana Ruiz"]


def test_its_subject_is_always_the_same() -> None:
    assert mail_of(digest_ready()).subject == "ERP Integrations Daily Summary"


def test_it_has_figures_first_then_waiting_failed_and_in_doubt() -> None:
    assert text_of(digest_ready()) == lines("""
        1 waits for you, USD 480,250.00, 9 days. 1 failed. 1 in doubt.
        WAITING
        9 days SC-014 Acme Concrete USD 480,250.00 https://desk.example/commitments/id-SC-014
        FAILED
        SC-009 Number too long. Next: you reject, Sam Lee corrects. https://desk.example/commitments/id-SC-009
        IN DOUBT
        PO-099 QuickBooks did not confirm. Next check 07:10 CST. https://desk.example/commitments/id-PO-099
        YESTERDAY 5 synced, 1 rejected
        As of Sunday, November 22, 2026, 06:00 CST
        Stop this summary: https://desk.example/u/TOKEN
        """)


def test_the_oldest_comes_first_and_each_currency_has_its_total() -> None:
    waiting = DigestSection(
        count=3,
        totals=(CurrencyTotal(currency="EUR", total="7"), CurrencyTotal(currency="USD", total="960500")),
        oldest_days=9,
        rows=(
            digest_row("SC-3", Status.READY, 0),
            digest_row("SC-1", Status.READY, 9),
            digest_row("SC-2", Status.DISPUTED, 1, currency="EUR", total="7"),
        ),
    )
    assert text_of(digest_ready(waiting=waiting, failed=NOTHING, in_doubt=NOTHING)).splitlines()[:5] == [
        "3 wait for you, EUR 7.00 and USD 960,500.00, the oldest 9 days.",
        "WAITING",
        "9 days SC-1 Acme Concrete USD 480,250.00 https://desk.example/commitments/id-SC-1",
        "1 day SC-2 Acme Concrete EUR 7.00 disputed https://desk.example/commitments/id-SC-2",
        "today SC-3 Acme Concrete USD 480,250.00 https://desk.example/commitments/id-SC-3",
    ]


def test_rows_over_the_limit_are_counted_with_a_link_in_each_section() -> None:
    text = text_of(digest_ready(waiting=DigestSection(count=5, rows=digest_ready().waiting.rows)), max_rows=1)
    assert "9 days SC-014" in text
    assert "and 4 more: https://desk.example/\nFAILED\nand 1 more: https://desk.example/\nIN DOUBT\n" in text
    assert "SC-009" not in text


@pytest.mark.parametrize(
    ("yesterday", "expected"),
    [
        (NOTHING, None),
        (DigestSection(count=1, rows=(digest_row("SC-1", Status.IN_DOUBT, 1),)), "YESTERDAY 1 in doubt"),
        (DigestSection(count=3, rows=(digest_row("SC-1", Status.SYNCED, 1),)), "YESTERDAY 1 synced, 2 more"),
    ],
)
def test_yesterdays_outcomes_are_counted(yesterday: DigestSection, expected: str | None) -> None:
    found = [line for line in text_of(digest_ready(yesterday=yesterday)).splitlines() if "YESTERDAY" in line]
    assert found == ([expected] if expected else [])


def test_without_rows_it_says_that_nothing_waits() -> None:
    empty = digest_ready(waiting=NOTHING, failed=NOTHING, in_doubt=NOTHING, yesterday=NOTHING)
    assert text_of(empty).splitlines()[0] == "Nothing waits for you."
    assert "WAITING" not in text_of(empty)
