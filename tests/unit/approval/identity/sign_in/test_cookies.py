"""The names of our cookies: they tell two desks on one host apart, since browsers do not look at the port."""

import pytest
from starlette.requests import Request

from services.approval.identity.sign_in.cookies import Cookies


@pytest.mark.parametrize(
    ("public_url", "name"),
    [
        ("https://desk.example", "__Host-countersign-session"),
        ("http://desk.example", "countersign-session"),
        ("http://127.0.0.1:8080", "countersign-8080-session"),
        ("https://desk.example:8443/", "__Host-countersign-8443-session"),
    ],
)
def test_a_cookie_names_the_port_of_its_desk(public_url: str, name: str) -> None:
    assert Cookies(public_url).name("session") == name


def test_a_desk_does_not_see_the_cookies_of_another_one_on_its_host() -> None:
    desks = [Cookies(url) for url in ("http://127.0.0.1", "http://127.0.0.1:8080", "http://127.0.0.1:8090")]
    sent = "; ".join(
        f"{desk.name('session')}=of-{place}; {desk.name(f'a{place}')}=x" for place, desk in enumerate(desks)
    )
    request = Request({"type": "http", "headers": [(b"cookie", sent.encode())]})

    assert [desk.read(request, "session") for desk in desks] == ["of-0", "of-1", "of-2"]
    assert [desk.purposes(request, "") for desk in desks] == [["a0"], ["a1"], ["a2"]]
