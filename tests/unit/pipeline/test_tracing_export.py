"""What the collector answers is read within bounds."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from services.pipeline.tracing_export import MAX_ANSWER_BYTES, bounded_session

PACKED = gzip.compress(b"x" * 50_000_000)


class Collector(BaseHTTPRequestHandler):
    """Answers with a message, with one that is compressed a thousandfold, or without end."""

    protocol_version = "HTTP/1.1"
    sent_bytes = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        if self.path == "/endless":
            self.end_headers()
            self._send_without_end()
            return
        body = b"{}" if self.path == "/small" else PACKED
        if self.path == "/packed":
            self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_without_end(self) -> None:
        try:
            while True:
                self.wfile.write(65_536 * b"x")
                Collector.sent_bytes += 65_536
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collecting() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "read_bytes"), [("small", 2), ("packed", len(PACKED)), ("endless", MAX_ANSWER_BYTES)])
def test_no_more_than_the_beginning_of_an_answer_is_read(path: str, read_bytes: int) -> None:
    with collecting() as url, bounded_session() as session:
        session.trust_env = False
        answer = session.post(f"{url}/{path}", data=b"spans", timeout=10)
        assert (answer.status_code, len(answer.content)) == (requests.codes.ok, read_bytes)
        assert session.post(f"{url}/small", data=b"spans", timeout=10).content == b"{}"
