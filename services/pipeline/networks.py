"""Which network somebody asks from, to count what comes from there."""

from functools import cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


def network_of(address: str) -> str:
    """`address`, or the network of an IPv6 address: whoever has one of its addresses has all of them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))


def is_within(address: str, networks: str) -> bool:
    """Whether `address` is in one of `networks`, which are separated by commas."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return any((mapped or parsed) in each for each in _parsed(networks))


@cache
def _parsed(networks: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(each.strip(), strict=False) for each in networks.split(",") if each.strip())
