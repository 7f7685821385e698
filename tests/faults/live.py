"""Visitors with live pictures, some of which are none, on the page as a browser calls it."""

import base64
import random
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import httpx
import numpy as np

from pipeline.source import open_source
from tests.faults import programs
from tests.faults.table import Table
from tests.pipeline.videos import CLIPS

API = "/gradio_api"
GARBAGE = ("", "data:image/jpeg;base64,", "data:image/jpeg;base64,AAAA", "x" * 100_000, None, 7)
PAUSE = 0.2
"""Seconds between two pictures of a visitor."""


def watch(table: Table, folder: Path, visitors: int, seconds: float) -> None:
    """Let visitors send pictures, and count the answers.

    Args:
        table: gets them.
        folder: an empty one.
        visitors: how many there are at a time.
        seconds: for how long.
    """
    with server(folder) as url:
        config = httpx.get(f"{url}/config", timeout=60).json()
        camera = next(c["id"] for c in config["components"] if c["props"].get("server_fns"))
        enter = next(d["id"] for d in config["dependencies"] if d["api_name"] == "enter")
        end, pictures = time.monotonic() + seconds, [*_pictures()]
        threads = [
            threading.Thread(target=_visit, args=(table, url, camera, enter, n, pictures, end))
            for n in range(visitors)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    log, left = (folder / "log.txt").read_text(), list(folder.glob("actions-*"))
    column = "traceback" if "Traceback" in log else "lost" if left else "whole"
    table.add("the page itself", column, "the server's log", f"{left} {log[-2000:]}")


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The program of the page, with its temporary files in a folder."""
    port = free_port()
    log = folder / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            programs.command("web.py", "--port", port),
            env=programs.environment(TMPDIR=str(folder)),
            stdout=output,
            stderr=output,
        )
    try:
        end = time.monotonic() + programs.PATIENCE
        while "Running on" not in log.read_text():
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(programs.PATIENCE)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _pictures() -> Iterator[str]:
    with open_source(CLIPS / "two_people.mp4", stride=10) as source:
        for frame in source:
            small = cv2.resize(frame.image, (320, 180))
            _, jpeg = cv2.imencode(".jpg", small)
            yield "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def _visit(
    table: Table,
    url: str,
    camera: int,
    enter: int,
    number: int,
    pictures: list[str],
    end: float,
) -> None:
    """One visitor after the other, each for a while; some stall, and some leave without a word."""
    rng = random.Random(number)
    with httpx.Client(base_url=url, timeout=programs.PATIENCE) as client:
        while time.monotonic() < end:
            session = f"soak{number:02}{rng.randrange(10**9):09}"
            until = min(end, time.monotonic() + rng.uniform(5, 60))
            with client.stream("GET", f"{API}/heartbeat/{session}") as heart:
                next(heart.iter_lines())
                body = {"data": [], "fn_index": enter, "session_hash": session}
                client.post(f"{API}/run/predict", json=body)
                while time.monotonic() < until:
                    bad = rng.random() < 0.05
                    picture = rng.choice(GARBAGE) if bad else rng.choice(pictures)
                    column, seen = _send(client, camera, session, picture)
                    row = "live, garbage" if bad else "live"
                    table.add(row, column, f"visitor {number}", seen)
                    time.sleep(rng.expovariate(1 / 3) if rng.random() < 0.02 else PAUSE)


def _send(client: httpx.Client, camera: int, session: str, picture: object) -> tuple[str, str]:
    """Send a picture as the live tab does."""
    body = {
        **{"data": [session, picture], "component_id": camera},
        **{"fn_name": "process", "session_hash": session},
    }
    try:
        answer = client.post(f"{API}/component_server/", json=body)
    except httpx.TimeoutException:
        return "hang", "no answer"
    except httpx.HTTPError as error:
        return "crash", repr(error)
    if answer.status_code in (429, 403):  # too many, or not a visitor any more
        return "clear line", ""
    if answer.status_code != 200:
        return "traceback", f"{answer.status_code}: {answer.text[:300]}"
    said = answer.json()
    if "error" in said:
        return "clear line", ""
    data = base64.b64decode(re.sub("^.*,", "", said["picture"]))
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return ("whole", "") if shown is not None else ("lost", "no picture came back")
