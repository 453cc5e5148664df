"""The daily summary: figures first, then what is waiting, failed and in doubt."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from schemas.events import CurrencyTotal, DigestReady, DigestRow, DigestSection
from schemas.fields import Status
from services.notifier.rules.mails.mail_type import ContentOptions, Contents, Headers, MailType
from services.notifier.rules.wording import days, moment, one_line
from services.pipeline.formats import enumeration, money

SUBJECT = "ERP Integrations Daily Summary"
_MAX_VENDOR_CHARACTERS = 60
_MAX_MESSAGE_CHARACTERS = 200
_URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class RowContents:
    """One commitment of the summary, as the templates show it."""

    age: str
    number: str
    vendor: str
    total: str
    message: str
    is_disputed: bool
    url: str


@dataclass(frozen=True, slots=True)
class SectionContents:
    """The rows listed in one section, oldest first, and how many more there are."""

    rows: tuple[RowContents, ...]
    more: int


def _contents(summary: DigestReady, options: ContentOptions) -> Contents:
    """List at most `max_rows` rows in all sections together."""
    waiting = _section(summary.waiting, options.max_rows)
    failed = _section(summary.failed, options.max_rows - len(waiting.rows))
    in_doubt = _section(summary.in_doubt, options.max_rows - len(waiting.rows) - len(failed.rows))
    return {
        "figures": _figures(summary),
        "waiting": waiting,
        "failed": failed,
        "in_doubt": in_doubt,
        "yesterday": _outcomes(summary.yesterday),
        "as_of": moment(summary.due_at, summary.time_zone),
        "desk_url": summary.desk_url,
        "unsubscribe_url": summary.unsubscribe_url,
    }


def _figures(summary: DigestReady) -> str:
    parts = [_waiting(summary.waiting)]
    if summary.failed.count:
        parts.append(f"{summary.failed.count:,} failed.")
    if summary.in_doubt.count:
        parts.append(f"{summary.in_doubt.count:,} in doubt.")
    return " ".join(parts)


def _waiting(section: DigestSection) -> str:
    if not section.count:
        return "Nothing waits for you."
    count = "1 waits" if section.count == 1 else f"{section.count:,} wait"
    age = days(section.oldest_days)
    parts = (f"{count} for you", _totals(section.totals), age if section.count == 1 else f"the oldest {age}")
    return f"{', '.join(filter(None, parts))}."


def _totals(totals: Sequence[CurrencyTotal]) -> str:
    return enumeration(money(total.total, total.currency) for total in totals) if totals else ""


def _section(section: DigestSection, max_rows: int) -> SectionContents:
    shown = sorted(section.rows, key=lambda row: row.since)[:max_rows]
    return SectionContents(tuple(map(_row, shown)), max(section.count, len(section.rows)) - len(shown))


def _row(row: DigestRow) -> RowContents:
    return RowContents(
        age=days(row.age_days),
        number=one_line(row.summary.number),
        vendor=one_line(row.summary.vendor, _MAX_VENDOR_CHARACTERS),
        total=money(row.summary.total, row.summary.currency),
        message=one_line(row.message, _MAX_MESSAGE_CHARACTERS) or row.status.replace("_", " "),
        is_disputed=row.status is Status.DISPUTED,
        url=row.url,
    )


def _outcomes(section: DigestSection) -> str:
    """Yesterday's outcomes by status, for example "5 synced, 1 rejected"; "" when there were none."""
    listed = Counter(row.status for row in section.rows)
    parts = [f"{count:,} {status.replace('_', ' ')}" for status, count in listed.most_common()]
    unlisted = section.count - listed.total()
    return ", ".join(parts + ([f"{unlisted:,} more"] if unlisted > 0 else []))


def _headers(summary: DigestReady, domain: str) -> Headers:
    return (
        ("List-Id", f'"{SUBJECT}" <daily-summary.{domain}>'),
        ("List-Unsubscribe", f"<{quote(summary.unsubscribe_url, safe=_URL_CHARACTERS)}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )


DIGEST = MailType(
    kind="digest",
    data_type=DigestReady,
    recipients=lambda summary: (summary.recipient,),
    subject=lambda _summary: SUBJECT,
    contents=_contents,
    thread=lambda summary: ("day", summary.recipient.id, summary.local_date.isoformat()),
    useful_for=timedelta(hours=24),
    useful_from=lambda summary: summary.due_at,
    extra_headers=_headers,
)
