"""The browser of the tests."""

import os

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
