"""Every mail in the table is complete: its templates, its handler and its example."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from schemas.fields import OpenKind
from services.notifier.handlers import COMMITMENT_HANDLERS, DIGEST_HANDLERS
from services.notifier.rules import mails
from services.notifier.rules.mails import MAIL_TYPES
from services.notifier.rules.mails.digest import DIGEST
from services.notifier.rules.mails.export_failed import EXPORT_FAILED
from services.notifier.rules.mails.mail_type import MailType
from services.notifier.rules.mails.rejected import REJECTED
from services.pipeline.fold import On
from tests.unit.notifier.event_builders import ONE_OF_EACH

TEMPLATES = Path(mails.__file__).parent / "templates"


def template_mismatches(mail_types: Iterable[MailType[Any]]) -> set[str]:
    """The templates that are missing, and those that belong to no mail."""
    named = [(each.kind, name) for each in mail_types for name in ("body", *(("several",) if each.several else ()))]
    expected = {f"{kind}/{name}.{form}.j2" for kind, name in named for form in ("txt", "html")}
    return expected ^ {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.glob("*/*")}


def handler_mismatches(mail_types: Iterable[MailType[Any]], handlers: Iterable[On[Any, Any, Any]]) -> set[str]:
    """The topics that are handled once too often or not at all."""
    handled = Counter(on.data_type.topic for on in handlers)
    handled.subtract(each.data_type.topic for each in mail_types)
    return {topic for topic, surplus in handled.items() if surplus != 0}


def test_every_mail_has_its_templates_and_every_template_its_mail() -> None:
    assert template_mismatches(MAIL_TYPES) == set()


def test_a_missing_template_is_noticed() -> None:
    reminder = replace(DIGEST, kind="reminder")
    assert template_mismatches((*MAIL_TYPES, reminder)) == {"reminder/body.txt.j2", "reminder/body.html.j2"}


def test_a_template_without_a_mail_is_noticed() -> None:
    without_failures = [each for each in MAIL_TYPES if each is not EXPORT_FAILED]
    assert template_mismatches(without_failures) == {"export_failed/body.txt.j2", "export_failed/body.html.j2"}


def test_a_mail_that_goes_out_with_others_needs_templates_for_several() -> None:
    several = replace(EXPORT_FAILED, several=REJECTED.several)
    without_failures = [each for each in MAIL_TYPES if each is not EXPORT_FAILED]
    assert template_mismatches([*without_failures, several]) == {
        "export_failed/several.txt.j2",
        "export_failed/several.html.j2",
    }


def test_every_mail_has_one_handler() -> None:
    assert handler_mismatches(MAIL_TYPES, (*COMMITMENT_HANDLERS, *DIGEST_HANDLERS)) == set()


def test_a_mail_without_a_handler_is_noticed() -> None:
    assert handler_mismatches(MAIL_TYPES, COMMITMENT_HANDLERS) == {"digest.ready"}


def test_two_mails_for_one_event_are_noticed() -> None:
    reminder = replace(DIGEST, kind="reminder")
    assert handler_mismatches((*MAIL_TYPES, reminder), (*COMMITMENT_HANDLERS, *DIGEST_HANDLERS)) == {"digest.ready"}


def test_every_kind_is_used_once_and_fits_the_event_that_reports_it() -> None:
    kinds = [each.kind for each in MAIL_TYPES]
    assert len(set(kinds)) == len(kinds)
    assert TypeAdapter(list[OpenKind]).validate_python(kinds) == kinds


def test_every_mail_has_an_example() -> None:
    assert {type(data) for data in ONE_OF_EACH} == {each.data_type for each in MAIL_TYPES}
