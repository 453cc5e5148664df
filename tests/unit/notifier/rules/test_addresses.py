"""Only an address that means the same to everybody is used; for every other one the reason is given."""

from email.headerregistry import Address as ParsedAddress
from email.policy import default
from email.utils import parseaddr

import pytest
from aiosmtplib.email import quote_address
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.fields import EMAIL_PATTERN
from services.notifier.rules.addresses import Address, Unusable, address_of

LONG_DOMAIN = ".".join(["x" * 61] * 3)


@pytest.mark.parametrize(
    ("email", "used"),
    [
        ("sam.lee@pm.example", "sam.lee@pm.example"),
        ("Sam.Lee+erp@PM.Example", "Sam.Lee+erp@pm.example"),
        ("o'brien/x=1{y}@pm.example", "o'brien/x=1{y}@pm.example"),
        ("sam@bücher.example", "sam@xn--bcher-kva.example"),
        ("sam@xn--bcher-kva.example", "sam@xn--bcher-kva.example"),
        # IDNA 2003 would read these two as strasse.example and φίλοσ.example, which are other domains
        ("sam@straße.example", "sam@xn--strae-oqa.example"),
        ("sam@φίλος.example", "sam@xn--kxaymmq.example"),
        ("sam@\uff50\uff4d\u3002example", "sam@pm.example"),
        ("sam@mail.corp.local", "sam@mail.corp.local"),
        ("sam@pm.test", "sam@pm.test"),
        ("石@pm.example", "石@pm.example"),
        ("e\u0301@pm.example", "\u00e9@pm.example"),
        (f"{'x' * 64}@pm.example", f"{'x' * 64}@pm.example"),
        (f"{'x' * 60}@{LONG_DOMAIN}.example", f"{'x' * 60}@{LONG_DOMAIN}.example"),
    ],
)
def test_an_address_that_means_the_same_everywhere_is_used(email: str, used: str) -> None:
    assert str(address_of(email)) == used


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        (None, "no address"),
        ("", "no address"),
        ("sam", "must have an @-sign"),
        ("@pm.example", "something before the @-sign"),
        ("sam@", "something after the @-sign"),
        ("sam:lee@pm.example", "invalid characters before the @-sign: ':'"),
        ("sam(site)@pm.example", "invalid characters before the @-sign: '(', ')'"),
        ("sam lee@pm.example", "invalid characters before the @-sign: SPACE"),
        ("sam\\@pm.example", "invalid characters before the @-sign"),
        ("sam\r\nBcc:x@pm.example", "invalid characters before the @-sign"),
        ('"sam lee"@pm.example', "quoting the part before the @-sign is not allowed"),
        ("Sam <sam@pm.example>", "display name"),
        ("sam@x@pm.example", "after the @-sign contains invalid characters: '@'"),
        ("sam..lee@pm.example", "two periods in a row"),
        (".sam@pm.example", "start with a period"),
        ("sam.@pm.example", "period immediately before the @-sign"),
        ("sam@pm.example.", "end with a period"),
        ("sam@x(y).example", "after the @-sign contains invalid characters"),
        ("sam@a_b.example", "after the @-sign contains invalid characters: '_'"),
        ("sam@[192.0.2.1]", "bracketed IP address"),
        ("sam@192.0.2.1", "not within a valid top-level domain"),
        ("sam@mailhost", "should have a period"),
        ("sam@pm.invalid", "special-use or reserved name"),
        ("sam@xn--a.example", "not valid IDNA"),
        ("sam@❤.example", "after the @-sign is invalid"),
        ("sam!pm.example!x@relay.example", "do not agree what"),
        ("sam%pm.example@relay.example", "do not agree what"),
        ("=?utf-8?q?dana?=@pm.example", "do not agree what"),
        ("\uff53\uff41\uff4d@pm.example", "do not agree which characters"),
        ("\u017fam@pm.example", "do not agree which characters"),
        ("\u212aim@pm.example", "do not agree which characters"),
        ("\u202esam@pm.example", "unsafe characters: RIGHT-TO-LEFT OVERRIDE"),
        ("sam\u200b@pm.example", "unsafe characters: ZERO WIDTH SPACE"),
        ("sam@p\u200dm.example", "unsafe characters: ZERO WIDTH JOINER"),
        (f"{'x' * 65}@pm.example", "too long before the @-sign"),
        (f"{'石' * 22}@pm.example", "too long before the @-sign"),
        (f"sam@{'x' * 64}.example", "1 character too many"),
        (f"{'x' * 61}@{LONG_DOMAIN}.example", "too long"),
    ],
)
def test_every_other_address_is_refused_with_the_reason(email: str | None, reason: str) -> None:
    refused = address_of(email)
    assert isinstance(refused, Unusable)
    assert reason in refused.reason
    assert refused.reason[0].islower()


@pytest.mark.parametrize("other", ["sam@PM.example", "SAM@pm.EXAMPLE"])
def test_an_address_in_other_capitals_has_the_same_owner(other: str) -> None:
    assert owner_of(other) == owner_of("sam@pm.example")


@pytest.mark.parametrize("other", ["sam@strasse.example", "sam@straße.example.com", "ßam@straße.example"])
def test_a_similar_address_has_another_owner(other: str) -> None:
    assert owner_of(other) != owner_of("sam@straße.example")


def owner_of(email: str) -> str:
    address = address_of(email)
    assert isinstance(address, Address)
    return address.owner


anything = st.text(max_size=12)
nasty = st.lists(
    st.sampled_from(
        [*"az09.-_+=?!%:;,()[]<>\\\"'/{}|~^`@ ", "=?utf-8?q?x?=", "xn--", "ß", "ς", "é", "石", "\uff21", "א", "\u3002"]
    ),
    max_size=12,
).map("".join)
emails = st.builds("{}@{}{}".format, nasty | anything, nasty | anything, st.sampled_from([".example", "", ".com"]))


@given(email=emails | st.from_regex(EMAIL_PATTERN, fullmatch=True))
@example(email="=?utf-8?q?a?=@pm.example")
@example(email="石@pm.example")
def test_whatever_is_used_is_read_as_the_same_mailbox_by_every_parser(email: str) -> None:
    address = address_of(email)
    if isinstance(address, Unusable):
        assert address.reason
        return
    written = str(address)
    assert quote_address(written) == f"<{written}>"
    assert written.count("@") == 1
    for field in (written, f"Sam Lee <{written}>", f'"Lee, Sam" <{written}>'):
        assert parseaddr(field)[1] == written
        assert parsed(field) == [written]
    assert address_of(written) == address


def parsed(field: str) -> list[str]:
    found: tuple[ParsedAddress, ...] = default.header_factory("To", field).addresses
    return [each.addr_spec for each in found]
