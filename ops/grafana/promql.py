"""The few shapes of PromQL that our panels ask with.

Every process of a service tells the same of what stands in its database, hence `max by`; counters and histograms are
each process's own, hence `sum by`.
"""

CONNECTION = 'connection=~"$connection"'
SERVICE = 'service=~"$service"'
WINDOW = "[$__rate_interval]"


def or_zero(expr: str, service: str) -> str:
    """`expr`, or 0 where nothing is to be counted; nothing at all while no process of `service` answers."""
    return f'{expr} or 0 * max(service_ready{{service="{service}"}})'


def rate(counter: str, matchers: str, *labels: str) -> str:
    """What a counter rises by in a second, by `labels`."""
    return f"sum by ({', '.join(labels)}) (rate({counter}{{{matchers}}}{WINDOW}))"


def buckets(histogram: str, matchers: str) -> str:
    """How many observations fell into each bucket of a histogram, for a heat map."""
    return f"sum by (le) (increase({histogram}_bucket{{{matchers}}}{WINDOW}))"


def quantile(share: float, histogram: str, matchers: str, *labels: str) -> str:
    """The value below which `share` of the observations stay, by `labels`."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', matchers, *labels, 'le')})"


def exports(states: str, labels: str = "connection") -> str:
    """The exports in any of `states`, which are separated by |, by `labels`."""
    counted = f'max by (connection, state) (erp_exports{{{CONNECTION}, state=~"{states}"}})'
    return f"sum by ({labels}) ({counted})"


def exports_age(states: str) -> str:
    """The age of the oldest export in any of `states`, by connection."""
    return f'max by (connection) (erp_exports_oldest_age_seconds{{{CONNECTION}, state=~"{states}"}})'
