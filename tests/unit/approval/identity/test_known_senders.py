"""A token is known from when it was looked up until it proves to be nobody's."""

from services.approval.identity.known_senders import MAX_KNOWN, KnownSenders


def test_a_token_is_known_until_it_proves_to_be_nobodys() -> None:
    known = KnownSenders()
    assert known.person_of("t") is None
    known.note("t", "person-5")
    assert known.person_of("t") == "person-5"
    known.note("t", None)
    assert known.person_of("t") is None


def test_the_token_that_was_used_longest_ago_is_forgotten_first() -> None:
    known = KnownSenders()
    for number in range(MAX_KNOWN):
        known.note(str(number), "person-5")
    known.note("0", "person-5")
    known.note("new", "person-6")
    assert known.person_of("0") == "person-5"
    assert known.person_of("1") is None


def test_no_token_is_nobodys_token() -> None:
    known = KnownSenders()
    known.note(None, "person-5")
    known.note("", "person-5")
    assert known.person_of(None) is known.person_of("") is None
    assert known.person_of("\udcff") is None
