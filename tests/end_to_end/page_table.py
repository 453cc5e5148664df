"""The pages that are looked at in a browser: one line each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from playwright.async_api import Page

from sandbox.commitments.draft import Draft
from sandbox.filling.examples import Course, examples
from schemas.examples.cast import ACME, DANA, KIM

WAITING = 12
EXAMPLES = examples(WAITING, "http://127.0.0.1")

FIRST_APPROVED = next(each.commitment.id for each in EXAMPLES if each.is_first_approved)
LONG_NUMBER = "SC-2026-RIVERSIDE-TOWER-0000000000000000000042"
LONG_WORDS = Draft(number=LONG_NUMBER, title="Donaudampfschifffahrt" * 9, vendor=ACME.id, description="W" * 200)
"""A commitment that has not been sent, since it has no lines."""

Steps = Callable[[Page], Awaitable[object]]


class Site(StrEnum):
    """Whose page it is."""

    DESK = "desk"
    COMMITMENTS = "commitments"
    MAILBOX = "mailbox"
    ERP = "erp"
    SIGN_IN = "sign_in"
    QUICKBOOKS = "quickbooks"


@dataclass(frozen=True, slots=True)
class PageUnderTest:
    """A page, and what to do there before it is looked at; `who` is signed in on the desk."""

    site: Site
    name: str
    path: str
    steps: Steps | None = None
    who: str | None = DANA.id

    @property
    def title(self) -> str:
        """Its name in the results, and that of its screenshots."""
        return f"{self.site}-{self.name}"


def example(course: Course, place: int = 0) -> str:
    """The id of the commitment that is number `place` of those of which this becomes."""
    return [each.commitment.id for each in EXAMPLES if each.course is course][place]


def _presses(button: str) -> Steps:
    async def steps(page: Page) -> None:
        await page.get_by_role("button", name=button).first.click()

    return steps


def _follows(link: str) -> Steps:
    async def steps(page: Page) -> None:
        await page.get_by_role("link", name=link).first.click()

    return steps


async def _accepts_what_is_open(page: Page) -> None:
    accept = page.locator("#answer").get_by_role("button", name="Accept", exact=True)
    if await accept.count():
        await accept.click()


async def _reviews_what_is_open(page: Page) -> None:
    await _accepts_what_is_open(page)
    await page.get_by_role("link", name="Ready to Export").click()
    await page.get_by_role("form", name="Your answers").locator(":is(button, a)").click()


async def _types_wrong_amounts(page: Page) -> None:
    await page.get_by_label("Number", exact=True).fill("SC-900")
    await page.get_by_label("Title", exact=True).fill("W" * 80)
    await page.get_by_label("Line 1 quantity").fill("many")
    await page.get_by_role("button", name="Save").click()


_DESK = Site.DESK
_TOOL = Site.COMMITMENTS
_DIRECTORY = "/directory"
_READY = "/commitments?view=ready"

PAGES = (
    PageUnderTest(_DESK, "ready", _READY),
    PageUnderTest(_DESK, "ready-of-a-viewer", _READY, who=KIM.id),
    PageUnderTest(_DESK, "ready-nothing-found", f"{_READY}&q=nothing-like-this"),
    PageUnderTest(_DESK, "ready-and-one-resent", f"{_READY}&item={example(Course.RESENT)}"),
    PageUnderTest(_DESK, "ready-and-one-updated", f"{_READY}&item={example(Course.UPDATED)}"),
    PageUnderTest(_DESK, "ready-and-one-disputed", f"{_READY}&item={example(Course.DISPUTED)}"),
    PageUnderTest(_DESK, "ready-with-marks", _READY, _presses("Accept all")),
    PageUnderTest(_DESK, "ready-and-one-marked", f"{_READY}&item={example(Course.UPDATED)}", _accepts_what_is_open),
    PageUnderTest(_DESK, "review", f"{_READY}&item={example(Course.UPDATED)}", _reviews_what_is_open),
    PageUnderTest(_DESK, "reject-several", _READY, _follows("Reject several")),
    PageUnderTest(_DESK, "print", "/print?view=ready"),
    PageUnderTest(_DESK, "failed", "/commitments?view=failed"),
    PageUnderTest(_DESK, "exporting", "/commitments?view=exporting"),
    PageUnderTest(_DESK, "synced", "/commitments?view=synced"),
    PageUnderTest(_DESK, "differing", "/commitments?view=differing"),
    PageUnderTest(_DESK, "rejected", "/commitments?view=rejected"),
    PageUnderTest(_DESK, "all", "/commitments?view=all"),
    PageUnderTest(_DESK, "one-waiting", f"/commitments/{example(Course.WAITS)}"),
    PageUnderTest(_DESK, "one-resent", f"/commitments/{example(Course.RESENT)}"),
    PageUnderTest(_DESK, "one-updated", f"/commitments/{example(Course.UPDATED)}"),
    PageUnderTest(_DESK, "one-disputed", f"/commitments/{example(Course.DISPUTED)}"),
    PageUnderTest(_DESK, "one-failed", f"/commitments/{example(Course.FAILED)}"),
    PageUnderTest(_DESK, "one-in-doubt", f"/commitments/{example(Course.IN_DOUBT)}"),
    PageUnderTest(_DESK, "one-to-confirm", f"/commitments/{example(Course.NAMED)}"),
    PageUnderTest(_DESK, "one-approved-by-another", f"/commitments/{FIRST_APPROVED}"),
    PageUnderTest(_DESK, "one-synced", f"/commitments/{example(Course.SYNCED)}"),
    PageUnderTest(_DESK, "one-rejected", f"/commitments/{example(Course.REJECTED)}"),
    PageUnderTest(_DESK, "story-in-doubt", f"/commitments/{example(Course.NAMED)}/story"),
    PageUnderTest(_DESK, "story-failed", f"/commitments/{example(Course.FAILED)}/story"),
    PageUnderTest(_DESK, "one-of-a-viewer", f"/commitments/{example(Course.WAITS)}", who=KIM.id),
    PageUnderTest(_DESK, "one-missing", "/commitments/commitment-0"),
    PageUnderTest(_DESK, "directory", _DIRECTORY),
    PageUnderTest(_DESK, "sessions", "/sessions"),
    PageUnderTest(_DESK, "delegations", "/delegations"),
    PageUnderTest(_TOOL, "list", "/"),
    PageUnderTest(_TOOL, "form", "/new"),
    PageUnderTest(_TOOL, "form-with-problems", "/new", _types_wrong_amounts),
    PageUnderTest(_TOOL, "edit", f"/commitments/{example(Course.REJECTED)}/edit"),
    PageUnderTest(_TOOL, "one-waiting", f"/commitments/{example(Course.WAITS)}"),
    PageUnderTest(_TOOL, "one-rejected", f"/commitments/{example(Course.REJECTED)}"),
    PageUnderTest(_TOOL, "one-synced", f"/commitments/{example(Course.SYNCED)}"),
    PageUnderTest(_TOOL, "one-missing", "/commitments/commitment-0"),
    PageUnderTest(_TOOL, "one-with-long-words", "/", _follows(LONG_NUMBER)),
    PageUnderTest(_TOOL, "directory", _DIRECTORY),
    PageUnderTest(Site.MAILBOX, "list", "/"),
    PageUnderTest(Site.MAILBOX, "list-empty", "/?to=nobody@harbor-builders.example"),
    PageUnderTest(Site.MAILBOX, "one", "/", _follows("Rejected:")),
    PageUnderTest(Site.MAILBOX, "faults", "/faults"),
    PageUnderTest(Site.ERP, "orders", "/"),
    PageUnderTest(Site.ERP, "one-order", "/", _follows("PO-")),
    PageUnderTest(Site.ERP, "journal", "/journal"),
    PageUnderTest(Site.ERP, "journal-empty", "/journal?reference=nothing"),
    PageUnderTest(Site.ERP, "faults", "/faults"),
    PageUnderTest(_DESK, "sign-in", "/", who=None),
    PageUnderTest(_DESK, "signed-out", "/signed-out", who=None),
    PageUnderTest(Site.SIGN_IN, "signed-out", "/end_session", who=None),
    PageUnderTest(Site.QUICKBOOKS, "orders", "/"),
    PageUnderTest(Site.QUICKBOOKS, "lists", "/lists"),
    PageUnderTest(Site.QUICKBOOKS, "web-connector", "/web-connector"),
    PageUnderTest(Site.QUICKBOOKS, "journal", "/journal"),
    PageUnderTest(Site.QUICKBOOKS, "faults", "/faults"),
)
