"""A server on this machine that takes what is posted."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Answers with a status, once it is let; it lists what it got.

    Attributes:
        address: where to post.
        requests: path and type of each post.
        bodies: what each was, read as JSON.
        let: set it back to have posts wait for an answer.
    """

    def __init__(self, status=204, headers=()):
        self.requests, self.bodies = [], []
        self.let = threading.Event()
        self.let.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, self.headers["Content-Type"]))
                receiver.bodies.append(json.loads(body))
                receiver.let.wait(30)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}/actions?room=1"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.let.set()
        self._server.shutdown()
        self._server.server_close()
