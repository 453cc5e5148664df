"""Addresses of one network count together."""

import pytest

from services.pipeline.networks import is_within, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_addresses_of_one_network_count_together(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("address", "networks", "is_so"),
    [
        ("10.1.2.3", "192.0.2.1,10.0.0.0/8", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("2001:db8::1", "2001:db8::/32, 10.0.0.0/8", True),
        ("192.0.2.2", "192.0.2.1,10.0.0.0/8", False),
        ("2001:db8::1", "10.0.0.0/8", False),
        ("a socket", "10.0.0.0/8", False),
        ("10.1.2.3", "", False),
    ],
)
def test_an_address_is_within_the_networks_that_are_listed(address: str, networks: str, *, is_so: bool) -> None:
    assert is_within(address, networks) == is_so
