"""Which versions of the Web Connector we talk to.

Version 2.0 came in May 2009 and knows every element of our .qwc file; those of 2.1 and later are in use. An answer with
`W:` opens a dialog that stops what runs on its own (QBWC1037), so only what is too old to be in use anywhere gets one.
"""

import re

OLDEST = (2, 0)
RECOMMENDED = (2, 1)
_VERSION = re.compile(r"\s*([0-9]{1,4})\.([0-9]{1,4})")


def answer_to_version(version: str) -> str:
    """Return what `clientVersion` answers: empty if all is fine, `W:` and a warning, or `E:` and why we refuse."""
    found = _VERSION.match(version)
    if found is None:
        return ""  # nothing is known against it
    number = (int(found[1]), int(found[2]))
    if number < OLDEST:
        return "E:This Web Connector is too old. Install the current one from Intuit, and add the .qwc file again."
    if number < RECOMMENDED:
        return "W:This Web Connector is old. Install the current one from Intuit."
    return ""
