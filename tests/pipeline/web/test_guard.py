import asyncio
import json

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from pipeline.web import guard
from pipeline.web.addresses import Addresses
from pipeline.web.guard import MAX_BODY, UPLOAD, Guard, headers

PAGE = "http://localhost:7860"
CALL = f"{PAGE}{guard.API}/run/predict"
LIMIT = 3 * MAX_BODY


async def page(scope, receive, send):
    """Answers with the size of the body, and grants everything to everybody, as Gradio does."""
    body = await Request(scope, receive).body()
    granted = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"}
    await PlainTextResponse(str(len(body)), headers=granted)(scope, receive, send)


def ask(method="GET", url=f"{PAGE}/", **settings):
    async def answer():
        app = Guard(page, Addresses(["127.0.0.1"], 7860), LIMIT)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await client.request(method, url, **settings)

    return asyncio.run(answer())


def test_the_page_is_answered_to_its_own():
    answer = ask("POST", CALL, content=b"hello", headers={"Origin": PAGE})
    assert (answer.status_code, answer.text) == (200, "5")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "", "localhost"])
def test_a_name_that_is_not_ours_is_refused(host):
    answer = ask(headers={"Host": host})
    assert answer.status_code == 403
    assert "--host" in answer.text and len(answer.text.splitlines()) == 1


def test_two_names_at_once_are_refused():
    hosts = [("Host", "localhost:7860"), ("Host", "evil.example")]
    assert ask(headers=hosts).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:3000"])
@pytest.mark.parametrize(
    ("method", "url"), [("POST", CALL), ("OPTIONS", CALL), ("GET", PAGE + "/")]
)
def test_calls_of_another_site_are_refused(method, url, origin):
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = ask(method, url, headers=asked)
    assert answer.status_code == 403
    assert answer.text == "the page takes no calls from other sites"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("mode", "target", "status"),
    [("navigate", "document", 200), ("navigate", "iframe", 403), ("no-cors", "image", 403)],
)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_to_the_page_may_be_followed_and_nothing_else(site, mode, target, status):
    sent = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": target}
    assert ask(headers=sent).status_code == status
    assert ask("POST", CALL, headers=sent).status_code == 403


@pytest.mark.parametrize("answer", [{}, {"headers": {"Host": "evil.example"}}])
def test_every_answer_tells_browsers_what_the_page_may_do(answer):
    answer = ask(**answer)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "camera=(self)" in answer.headers["Permissions-Policy"]
    policy = dict(part.split(" ", 1) for part in answer.headers[POLICY].split("; "))
    assert policy["frame-ancestors"] == policy["default-src"] == "'none'"
    assert not {word for what in policy.values() for word in what.split()} - {
        *("'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:")
    }, "no other host"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


POLICY = "Content-Security-Policy"


def test_only_a_shared_page_has_scripts_from_elsewhere():
    assert guard.CDN in headers(guard.CDN)[POLICY] and "://" not in headers()[POLICY]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/gradio_api/proxy=http://evil.example",
            "/gradio_api/vibe-edit",
            "/monitoring",
            "/login",
        ),
        *("/gradio_api/deep_link", "/gradio_api/process_recording", "/gradio_api/dev/reload", "//"),
        *("/gradio_api/call/a/b/c", "/x", "/gradio_api/heartbeat/a/b"),
    ],
)
def test_what_the_page_does_not_use_is_not_there(path):
    assert ask("GET", PAGE + path).status_code == ask("POST", PAGE + path).status_code == 404


@pytest.mark.parametrize(("url", "limit"), [(CALL, MAX_BODY), (PAGE + UPLOAD, LIMIT)])
@pytest.mark.parametrize("said", [True, False])
def test_a_body_has_a_limit_whether_or_not_it_says_its_length(url, limit, said):
    async def chunks(size):
        for _ in range(0, size, 100_000):
            yield bytes(min(size, 100_000))

    fits, larger = (bytes(limit), bytes(limit + 1)) if said else (chunks(limit), chunks(limit + 1))
    assert ask("POST", url, content=fits).text == str(limit)
    answer = ask("POST", url, content=larger)
    assert (answer.status_code, answer.text) == (
        413,
        f"that is more than the {limit // 1_000_000} MB that the page takes at once",
    )


def test_a_body_that_stops_to_arrive_is_given_up(monkeypatch):
    monkeypatch.setattr(guard, "MAX_PAUSE", 0.05)

    async def stalled():
        yield b"a"
        await asyncio.sleep(60)

    answer = ask("POST", CALL, content=stalled())
    assert (answer.status_code, answer.text) == (408, "the request stopped to arrive")


def test_too_many_requests_at_a_time_are_refused(monkeypatch):
    monkeypatch.setattr(guard, "MAX_REQUESTS", 3)

    async def crowd():
        going = asyncio.Event()

        async def slow(scope, receive, send):
            await going.wait()
            await page(scope, receive, send)

        app = Guard(slow, Addresses(["127.0.0.1"], 7860), LIMIT)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            first = [asyncio.create_task(client.get(PAGE)) for _ in range(3)]
            await asyncio.sleep(0.05)
            refused = await client.get(PAGE)
            going.set()
            return refused, await asyncio.gather(*first), await client.get(PAGE)

    refused, answered, later = asyncio.run(crowd())
    assert refused.status_code == 503 and "try again" in refused.text
    assert {answer.status_code for answer in [*answered, later]} == {200}


def test_web_sockets_are_closed():
    sent = []

    async def send(message):
        sent.append(json.dumps(message))

    app = Guard(page, Addresses(["127.0.0.1"], 7860), LIMIT)
    asyncio.run(app({"type": "websocket", "path": "/"}, None, send))
    assert sent == ['{"type": "websocket.close"}']
