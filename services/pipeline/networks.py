"""Which network somebody asks from, to count what comes from there."""

from ipaddress import IPv6Address, ip_address


def network_of(address: str) -> str:
    """`address`, or the network of an IPv6 address: whoever has one of its addresses has all of them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
