"""What a check finds: one line, with a verdict and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a finding is to be taken; the worst is last."""

    OK = "ok"
    NOT_CHECKED = "not checked"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found `about` something; `remedy` says what to do, empty if nothing is to be done."""

    about: str
    verdict: Verdict
    what: str
    remedy: str = ""


class NotCheckedError(Exception):
    """Something cannot be looked at from here; the text says why, such as which variable is missing."""


def ok(about: str, what: str) -> Finding:
    """Return that all is well."""
    return Finding(about, Verdict.OK, what)


def warning(about: str, what: str, remedy: str = "") -> Finding:
    """Return that something deserves a look."""
    return Finding(about, Verdict.WARNING, what, remedy)


def wrong(about: str, what: str, remedy: str) -> Finding:
    """Return that something breaks a promise, or will."""
    return Finding(about, Verdict.WRONG, what, remedy)


def not_checked(about: str, why: str) -> Finding:
    """Return that something could not be looked at."""
    return Finding(about, Verdict.NOT_CHECKED, why)


def or_ok(found: Iterable[Finding], about: str, what: str) -> list[Finding]:
    """Return `found`, or that all is well if there is none."""
    return list(found) or [ok(about, what)]
