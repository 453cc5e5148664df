"""What a service's process is given before its event loop starts."""

import subprocess
import sys

from services.pipeline.runtime import LOOKUP_THREADS

COUNT_THREADS = """
import asyncio, pathlib, threading, uvloop
from services.pipeline.errors import SettingsError
from services.pipeline.runtime import run_service

async def look_up():
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)

def build():
    looking_up = threading.Thread(target=lambda: uvloop.run(look_up()))
    looking_up.start()
    looking_up.join()
    names = [path.read_text().strip() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
    print(names.count("libuv-worker"))
    raise SettingsError("enough")

run_service("counting", build)
"""


def test_host_names_that_are_not_answered_leave_threads_for_others() -> None:
    run = subprocess.run([sys.executable, "-c", COUNT_THREADS], capture_output=True, text=True, timeout=30, check=True)
    assert int(run.stdout) == LOOKUP_THREADS
