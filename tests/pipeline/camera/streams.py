"""Cameras on the network, of which the cable can be pulled: motion JPEG by HTTP, H.264 by RTSP."""

import socket
import threading
import time
from contextlib import suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from socketserver import StreamRequestHandler, ThreadingTCPServer

import av
import cv2
from av.video.frame import PictureType


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
        self._plugged = threading.Event()
        self._plugged.set()
        self._server = self._listen(clip)
        self._server.daemon_threads = True

    def _listen(self, clip):
        pictures, camera = jpegs(clip), self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                camera.visitors += 1
                if not camera._plugged.is_set():
                    return self.send_error(503)
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                with suppress(OSError):  # who watched has left
                    for number in camera._turns(self.connection):
                        picture = pictures[number % len(pictures)]
                        head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}"
                        self.wfile.write(f"--frame\r\n{head}\r\n\r\n".encode() + picture + b"\r\n")

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/video"
        return server

    def _turns(self, connection):
        """Numbers of the pictures to show now, until the cable is pulled."""
        began = time.monotonic()
        for number in count():
            if not self._plugged.is_set():
                return connection.shutdown(socket.SHUT_RDWR)
            yield number
            time.sleep(max(0, began + number / 30 - time.monotonic()))

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


SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=camera
c=IN IP4 127.0.0.1
t=0 0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1
a=control:track
"""


class RtspCamera(NetworkCamera):
    """The same by RTSP (RFC 2326), its packets within the connection, in the little that is asked.

    FFmpeg, whose own client is tested by it, has no server.
    """

    def _listen(self, clip):
        camera = self

        class Handler(StreamRequestHandler):
            def handle(self):
                camera.visitors += 1
                with suppress(OSError):
                    while camera._plugged.is_set() and (method := self._answered()):
                        if method == "PLAY":
                            camera._send(clip, self.connection)

            def _answered(self):
                lines = list(iter(lambda: self.rfile.readline().decode().strip(), ""))
                if not lines:
                    return None
                method = lines[0].split()[0]
                fields = dict(line.split(": ", 1) for line in lines[1:])
                answer = ["RTSP/1.0 200 OK", f"CSeq: {fields['CSeq']}", "Session: 1"]
                body = SDP.replace("\n", "\r\n") if method == "DESCRIBE" else ""
                if method == "SETUP":
                    answer.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
                if body:
                    answer += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
                self.wfile.write("\r\n".join([*answer, "", body]).encode())
                return method

        server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"rtsp://127.0.0.1:{server.server_address[1]}/camera"
        return server

    def _send(self, clip, connection):
        class Packets:
            """What FFmpeg's RTP muxer writes, each packet framed as RFC 2326, 10.12, says."""

            def write(self, packet):
                reports = 200 <= packet[1] <= 204
                head = b"$" + bytes([reports]) + len(packet).to_bytes(2, "big")
                connection.sendall(head + packet)
                return len(packet)

        with av.open(str(clip)) as container:
            frames = list(container.decode(video=0))
        options = {"preset": "ultrafast", "tune": "zerolatency", "g": "15"}
        with av.open(Packets(), "w", format="rtp", options={"packetsize": "1400"}) as output:
            video = output.add_stream("libx264", rate=30, options=options)
            video.width, video.height, video.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
            for number in self._turns(connection):
                frame = frames[number % len(frames)]
                frame.pts, frame.time_base = number, Fraction(1, 30)
                frame.pict_type = PictureType.NONE  # as the encoder likes
                output.mux(video.encode(frame))
