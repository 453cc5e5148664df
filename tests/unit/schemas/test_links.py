"""Unsubscribe links are signed, short and stable."""

import re

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from schemas import limits
from schemas.links import read_unsubscribe, sign_unsubscribe

SECRET = SecretStr("a secret of sixteen")
OTHER = SecretStr("another secret, also long")


@given(company_id=st.text(), person_id=st.text())
def test_a_link_contains_the_person_it_was_made_for(company_id: str, person_id: str) -> None:
    token = sign_unsubscribe(SECRET, company_id, person_id)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", token)
    assert read_unsubscribe(SECRET, token) == (company_id, person_id)


def test_a_link_is_short_enough_for_any_id() -> None:
    longest = "".join(chr(0x1F300 + n) for n in range(limits.MAX_ID_CHARACTERS))
    assert len(sign_unsubscribe(SECRET, longest, longest)) < 1_500


def test_a_link_is_the_same_in_every_mail() -> None:
    assert sign_unsubscribe(SECRET, "c", "p") == sign_unsubscribe(SECRET, "c", "p")


def test_a_link_signed_with_another_secret_is_refused() -> None:
    assert read_unsubscribe(SECRET, sign_unsubscribe(OTHER, "c", "p")) is None


@given(noise=st.text())
def test_an_unsigned_text_is_refused(noise: str) -> None:
    assert read_unsubscribe(SECRET, noise) is None


def test_a_changed_link_is_refused() -> None:
    token = sign_unsubscribe(SECRET, "c", "p")
    assert read_unsubscribe(SECRET, "X" + token[1:]) is None
    assert read_unsubscribe(SECRET, token[:-2] + ("AA" if token[-2:] != "AA" else "BB")) is None
