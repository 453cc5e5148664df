"""Whoever has to sign in again comes back to the page with the form that they sent."""

import pytest
from starlette.requests import Request

from services.approval.web.desk.returning import page_of

HOST = "desk.example"


def posted(path: str, referrer: str = "") -> Request:
    headers = [(b"host", HOST.encode())] + ([(b"referer", referrer.encode())] if referrer else [])
    return Request({"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": headers})


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/commitments/8841/accept", "/commitments/8841"),
        ("/commitments/a%2Fb/create-anew", "/commitments/a%2Fb"),
        ("/sessions/end", "/sessions"),
        ("/help/keys", "/help"),
        ("/reasons", "/reasons"),
        ("/reasons/ab12/change", "/reasons/ab12"),
    ],
)
@pytest.mark.parametrize(
    "referrer", ["", "https://elsewhere.example/commitments?view=all", "not an address", "http://["]
)
def test_without_a_page_of_ours_that_sent_it_the_form_tells(path: str, page: str, referrer: str) -> None:
    assert page_of(posted(path, referrer), {}) == page


@pytest.mark.parametrize("path", ["/marks", "/differences", "/review"])
def test_a_form_that_names_its_list_leads_to_that_list(path: str) -> None:
    address = page_of(posted(path), {"list": "view=ready&q=concrete&item=8841"})
    assert address == "/commitments?view=ready&q=concrete&item=8841"


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/commitments/8841/accept", "/commitments/8841"),
        ("/commitments/8841/accept", "/commitments?view=ready&q=Riverside&item=8841"),
        ("/marks", "/commitments?view=ready&after=abc"),
        ("/review", "/commitments?view=ready"),
        ("/differences", "/commitments?view=differing"),
    ],
)
def test_the_page_that_sent_it_counts_with_its_query(path: str, page: str) -> None:
    assert page_of(posted(path, f"https://{HOST}{page}"), {}) == page


def test_a_form_that_was_shown_again_at_its_own_address_leads_to_its_page() -> None:
    path = "/commitments/8841/reject"
    assert page_of(posted(path, f"https://{HOST}{path}"), {}) == "/commitments/8841"
