"""A camera on the network, of which the cable can be pulled: motion JPEG over HTTP."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import cv2


def jpegs(clip):
    """The frames of a clip as JPEG files."""
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    return [cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames]


class NetworkCamera:
    """Shows a clip again and again, 30 frames a second, to whoever asks.

    Attributes:
        url: where.
        visitors: how many have asked so far.
    """

    def __init__(self, clip):
        self.visitors = 0
        self._pictures = jpegs(clip)
        self._plugged = threading.Event()
        self._plugged.set()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                camera.visitors += 1
                if camera._plugged.is_set():
                    camera._show(self)
                else:
                    self.send_error(503)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/video"

    def _show(self, handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        began, number = time.monotonic(), 0
        try:
            while self._plugged.is_set():
                picture = self._pictures[number % len(self._pictures)]
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}"
                handler.wfile.write(head.encode() + b"\r\n\r\n" + picture + b"\r\n")
                number += 1
                time.sleep(max(0, began + number / 30 - time.monotonic()))
            handler.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # who watched has left

    def unplug(self):
        """End what is being shown, and show nothing."""
        self._plugged.clear()

    def plug(self):
        """Show again, from the first frame."""
        self._plugged.set()

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.unplug()
        self._server.shutdown()
        self._server.server_close()
