"""Many visitors at once, friendly ones and hostile ones, for minutes: does the page keep working?

Run as a program, it starts the page, and prints a table and what it costs:

    python -m tests.faults.visitors --minutes 30 --visitors 20
"""

import argparse
import base64
import io
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import av
import httpx
from PIL import Image

from tests.faults.programs import free_port
from tests.faults.table import Table

ROOT = Path(__file__).parents[2]
WALK = ROOT / "tests" / "data" / "walk.mp4"
API = "/gradio_api"
PATIENCE = 60.0
"""Seconds after which an answer is taken for a hang: a video may wait for others."""
WARM_UP = 0.2
"""Minutes before anything is measured, in which the page loads whatever its first visitors need."""
SILENCE = 75.0
"""Seconds after which silent visitors have left."""
JPEG_URL = "data:image/jpeg;base64,"


class Page:
    """The program, in a process and with a temporary folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log.txt"
        command = [sys.executable, str(ROOT / "apps" / "web.py"), "--port", str(self.port)]
        environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        while "Running on" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.2)
        config = httpx.get(f"{self.url}/config").json()
        self.live = next(c["id"] for c in config["components"] if c["props"].get("server_fns"))

    def usage(self) -> tuple[float, int, int, int]:
        """Memory in MB, threads, open files, and files of visitors."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
        threads = int(re.search(r"Threads:\s+(\d+)", status)[1])
        opened = len(os.listdir(f"/proc/{self.process.pid}/fd"))
        root = next(self.folder.glob("actions-*"))
        kept = [path for path in root.glob("*/*") if len(path.parent.name) == 32]
        uploads = [path for path in root.glob("uploads/*/*/*") if path.is_file()]
        return memory, threads, opened, len(kept) + len(uploads)


def run(table: Table, row: str, action: Callable[[], tuple[str, str]]) -> None:
    """Try something that says its column, and a remark on what is not as it should be."""
    try:
        column, remark = action()
    except httpx.TimeoutException as error:
        column, remark = "hang", repr(error)
    except (httpx.TransportError, OSError) as error:
        column, remark = "lost", repr(error)
    table.add(row, column, row, remark)


def frames() -> list[str]:
    """The walk as a browser's camera would send it."""
    urls = []
    with av.open(str(WALK)) as container:
        for frame in container.decode(video=0):
            file = io.BytesIO()
            frame.reformat(640, 220).to_image().save(file, "JPEG", quality=80)
            urls.append(JPEG_URL + base64.b64encode(file.getvalue()).decode())
    return urls


def call(client: httpx.Client, name: str, session: str, data: list[object]) -> str:
    """Call an event, and return all that is said about it, or the line that refuses it."""
    event = f"{API}/call/{name}"
    sent = client.post(event, json={"data": data, "session_hash": session})
    if sent.status_code >= 500:
        return f"status {sent.status_code}"
    if sent.status_code != 200:
        return f"event: error {sent.text}"
    return client.get(f"{event}/{sent.json()['event_id']}").text


def process(page: Page, client: httpx.Client, sent: object) -> httpx.Response:
    """Call what the live tab calls."""
    body = {"data": sent, "component_id": page.live, "fn_name": "process", "session_hash": "x"}
    return client.post(f"{API}/component_server/", json=body)


@contextmanager
def heartbeat(page: Page, session: str) -> Iterator[None]:
    """The connection that a page keeps for as long as it is open."""
    with socket.create_connection(("127.0.0.1", page.port)) as connection:
        asked = f"GET {API}/heartbeat/{session} HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n\r\n"
        connection.sendall(asked.encode())
        connection.recv(12)
        yield


def watch_live(page: Page, table: Table, pictures: list[str], end: float, number: int) -> None:
    """A visitor with a camera, who stays for a while, leaves, and comes back as another one."""
    rng = random.Random(number)
    with httpx.Client(base_url=page.url, timeout=PATIENCE) as client:
        while time.monotonic() < end:
            session = f"{rng.getrandbits(64):x}"
            with heartbeat(page, session):
                call(client, "enter", session, [])
                last = min(end, time.monotonic() + rng.uniform(20, 60))
                at = rng.randrange(len(pictures))
                while time.monotonic() < last:
                    at = (at + 1) % len(pictures)
                    run(table, "live pictures", partial(show, page, client, session, pictures[at]))


def show(page: Page, client: httpx.Client, session: str, picture: str) -> tuple[str, str]:
    """Send a picture that is one."""
    answer = process(page, client, [session, picture])
    if answer.status_code != 200 or "picture" not in answer.json():
        return "lost", f"{answer.status_code}: {answer.text[:100]}"
    return "whole", ""


def annotate(page: Page, table: Table, end: float) -> None:
    """Visitors who come one after the other, and each have a video annotated."""
    number = 0
    with httpx.Client(base_url=page.url, timeout=PATIENCE) as client:
        while time.monotonic() < end:
            number += 1
            run(
                table,
                "videos of visitors",
                partial(have_annotated, page, client, f"video {number}"),
            )


def have_annotated(page: Page, client: httpx.Client, session: str) -> tuple[str, str]:
    """Upload a video, have it annotated, and fetch the result."""
    with heartbeat(page, session):
        sent = client.post(f"{API}/upload", files={"files": (WALK.name, WALK.read_bytes())})
        if sent.status_code != 200:
            return "lost", sent.text[:100]
        video = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
        said = call(client, "recognise", session, [video, "fast", 2, "calibrated"])
        found = re.search(r'"path": "([^"]+-actions\.mp4)"', said.rpartition("event: complete")[2])
        if not found:
            return "lost", said[-200:]
        result = client.get(f"{API}/file={found[1]}")
        if result.status_code != 200:
            return "lost", result.text[:100]
        with av.open(io.BytesIO(result.content)) as container:
            whole = container.streams.video[0].frames == 120
        return ("whole", "") if whole else ("lost", "a result without all frames")


def attack(page: Page, table: Table, end: float, seed: int) -> None:
    """A hostile browser: each request must get a line, and never one that is an error of ours."""
    rng = random.Random(seed)
    with httpx.Client(base_url=page.url, timeout=PATIENCE) as client:
        while time.monotonic() < end:
            attempt = rng.choice(ATTACKS)
            run(table, "hostile requests", partial(judge, attempt, page, client, rng))
            time.sleep(0.05)


def judge(
    attempt: Callable[[Page, httpx.Client, random.Random], httpx.Response],
    page: Page,
    client: httpx.Client,
    rng: random.Random,
) -> tuple[str, str]:
    """Tell a clear line from an error of ours, and from something that should not have worked."""
    answer = attempt(page, client, rng)
    if answer.status_code >= 500 and answer.status_code not in (503, 507):
        return "traceback", f"{attempt.__name__}: {answer.status_code} {answer.text[:100]}"
    if answer.status_code == 200 and '"error"' not in answer.text:
        return "lost", f"{attempt.__name__} worked: {answer.text[:100]}"
    return "clear line", ""


def wrong_host(page: Page, client: httpx.Client, rng: random.Random) -> httpx.Response:
    """A name that was made to point here."""
    name = rng.choice(["evil.example", "", "localhost", "127.0.0.1.nip.io", "a" * 5000, "[::"])
    return client.get("/config", headers={"Host": name})


def wrong_origin(page: Page, client: httpx.Client, rng: random.Random) -> httpx.Response:
    """A call, an upload or a question of another site."""
    origin = rng.choice(["http://evil.example", "null", "http://localhost:3000", "x" * 3000])
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    if rng.random() < 0.3:
        return client.post(f"{API}/upload", files={"files": ("a.mp4", b"x")}, headers=headers)
    method = rng.choice(["POST", "OPTIONS", "GET"])
    return client.request(method, f"{API}/call/recognise", headers=headers)


def wrong_picture(page: Page, client: httpx.Client, rng: random.Random) -> httpx.Response:
    """A live picture that is none, or declares to be huge."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "JPEG")
    data = bytearray(file.getvalue())
    size = data.index(b"\xff\xc0") + 5
    kind = rng.randrange(4)
    if kind == 0:
        data[size : size + 4] = rng.choice([b"\xff\xdc\xff\xdc", b"\xff\xdc\0\x40", b"\0\0\0\0"])
    elif kind == 1:
        data = data[: rng.randrange(size)]
    elif kind == 2:
        data = bytearray(rng.randbytes(rng.randrange(1, 10_000)))
    picture = JPEG_URL + base64.b64encode(data).decode()
    if kind == 3:
        picture = rng.choice([None, 5, [], {}, "", "x" * 100_000, [picture]])
    session = f"hostile {threading.get_ident()}"
    call(client, "enter", session, [])
    return process(page, client, rng.choice([[session, picture], [picture], picture, None]))


def wrong_call(page: Page, client: httpx.Client, rng: random.Random) -> httpx.Response:
    """A call with values of the wrong types."""
    wrong = [None, -1, 10**30, "x", [], {}, [[]], {"path": 5}, "\0", {"path": "/etc/passwd"}, 1.5]
    values = [rng.choice(wrong) for _ in range(rng.randrange(8))]
    body = {
        name: rng.choice(wrong) for name in ("fn_index", "event_id", "trigger_id", "component_id")
    }
    body |= {"data": rng.choice([values, *wrong]), "session_hash": rng.choice(["hostile", *wrong])}
    kept = rng.sample(sorted(body), rng.randrange(len(body)))
    path = rng.choice(
        ["call/recognise", "run/recognise", "call/x", "queue/join", "component_server"]
    )
    return client.post(
        f"{API}/{path}", json={name: body[name] for name in kept if name != "fn_name"}
    )


def wrong_body(page: Page, client: httpx.Client, rng: random.Random) -> httpx.Response:
    """A body that is no JSON, nested too deeply, or too large."""
    body = rng.choice([b"", b"{", b"\xff", b"[" * 100_000, b'{"data":' * 20_000, bytes(5_000_000)])
    path = rng.choice(["call/recognise", "queue/join", "component_server", "upload"])
    return client.post(f"{API}/{path}", content=body, headers={"Content-Type": "application/json"})


def wrong_path(page: Page, client: httpx.Client, rng: random.Random) -> httpx.Response:
    """A file or a route that is not for visitors."""
    places = [f"file={ROOT}/README.md", "file=/etc/passwd", "file=../../etc/passwd", "deep_link"]
    return client.get(f"{API}/{rng.choice([*places, 'proxy=http://127.0.0.1:1', 'file=%00'])}")


ATTACKS = [wrong_host, wrong_origin, wrong_picture, wrong_call, wrong_body, wrong_path]


def stay_silent(page: Page, table: Table, end: float) -> None:
    """Sessions that come and never say a word again, and uploads that are never started."""
    number = 0
    with httpx.Client(base_url=page.url, timeout=PATIENCE) as client:
        while time.monotonic() < end:
            number += 1
            run(table, "silent visitors", partial(come_and_go, client, f"silent {number}"))
            time.sleep(1.0)


def come_and_go(client: httpx.Client, session: str) -> tuple[str, str]:
    """Come, upload something, and be gone without a word."""
    said = call(client, "enter", session, [])
    sent = client.post(f"{API}/upload", files={"files": (WALK.name, WALK.read_bytes())})
    if "event: complete" in said and sent.status_code == 200:
        return "whole", ""
    return ("clear line", "") if "too many" in said else ("lost", said[:100] + sent.text[:100])


def visit(page: Page, table: Table, minutes: float, visitors: int) -> None:
    """Let everybody visit the page for minutes."""
    pictures = frames()
    end = time.monotonic() + 60 * minutes
    people = [(watch_live, (page, table, pictures, end, number)) for number in range(visitors)]
    others = [(annotate, (page, table, end)), (stay_silent, (page, table, end))]
    hostile = [(attack, (page, table, end, seed)) for seed in range(2)]
    threads = [
        threading.Thread(target=target, args=arguments, daemon=True)
        for target, arguments in [*people, *others, *hostile]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end + 2 * PATIENCE - time.monotonic()))
        if thread.is_alive():
            table.add("visitors", "hang", "a visitor does not come to an end")


def try_visitors(table: Table, folder: Path, minutes: float, visitors: int) -> str:
    """Start the page, let everybody visit it, and end it.

    Args:
        table: gets every outcome.
        folder: an empty one.
        minutes: for how long.
        visitors: how many cameras there are at a time.

    Returns:
        What the page took of the machine before and after, in lines.
    """
    page = Page(folder)
    visit(page, Table(), WARM_UP, visitors)
    before = page.usage()
    visit(page, table, minutes, visitors)
    time.sleep(SILENCE)
    ended = page.process.poll()
    after = page.usage() if ended is None else (0.0, 0, 0, 0)
    page.process.terminate()
    page.process.wait(30)
    log, left = page.log.read_text(), list(folder.glob("actions-*"))
    column = "whole"
    if ended is not None:
        column = "crash"
    elif "Traceback" in log:
        column = "traceback"
    elif left:
        column = "lost"
    table.add("the page itself", column, "the server's log", f"{left} {log[-2000:]}")
    names = ("MB", "threads", "open files", "files of visitors")
    return "\n".join(
        f"{name}: {first:.0f} before, {last:.0f} after"
        for name, first, last in zip(names, before, after, strict=True)
    )


def main() -> None:
    """Run the program. Its exit status is 1 if anything was lost."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--minutes", type=float, default=5)
    command.add_argument("--visitors", type=int, default=20)
    options = command.parse_args()
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        cost = try_visitors(table, Path(folder), options.minutes, options.visitors)
    print(table.text(), cost, sep="\n")
    sys.exit(bool(table.bad))


if __name__ == "__main__":
    main()
