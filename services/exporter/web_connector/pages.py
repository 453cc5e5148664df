"""The two pages that people see at the Web Connector's address, without scripts or styles."""

from starlette.responses import HTMLResponse, PlainTextResponse, Response

_WHAT_THIS_IS = (
    "This is the address at which Intuit's QuickBooks Web Connector asks Countersign for work. "
    "It is not for browsers; help is at /quickbooks/support.\n"
)
_SUPPORT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Countersign and QuickBooks Desktop</title></head>
<body>
<h1>Countersign and QuickBooks Desktop</h1>
<p>Countersign writes approved purchase orders into your company file. QuickBooks Web Connector fetches them from this
address while you are signed in to Windows.</p>
<h2>It shows an error</h2>
<ul>
<li><strong>Wrong user or password:</strong> ask for the password again, type it into the column Password of the Web
Connector, and press Enter.</li>
<li><strong>QuickBooks cannot be reached:</strong> open QuickBooks and the right company file, and close every window in
it that waits for an answer. Then choose Update Selected.</li>
<li><strong>Nothing happens:</strong> see that the Web Connector runs, and that Auto-Run is ticked.</li>
</ul>
<p>Nothing is lost meanwhile, and nothing is written twice: Countersign carries on where it was. If this does not help,
send your administrator the text that the Web Connector shows, and its log (View Log).</p>
</body>
</html>
"""


def what_this_is() -> Response:
    """Return one line for somebody who opens the address in a browser."""
    return PlainTextResponse(_WHAT_THIS_IS)


def support() -> Response:
    """Return the page with help; the Web Connector loads it before it adds the .qwc file (QBWC1003)."""
    return HTMLResponse(_SUPPORT)
