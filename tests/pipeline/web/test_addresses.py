import pytest

from models.errors import UserError
from pipeline.web import addresses
from pipeline.web.addresses import Addresses, same_origin


@pytest.fixture(autouse=True)
def named(monkeypatch):
    monkeypatch.setattr(addresses.socket, "gethostname", lambda: "Kitchen")


OWN = ["localhost:7860", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST:7860", "[0:0:0:0:0:0:0:1]:7860"]
FOREIGN = [
    *("evil.example", "evil.example:7860", "localhost.evil.example:7860", "127.0.0.1.nip.io:7860"),
    *("localhost", "localhost:80", "127.0.0.1", "192.168.1.5:7860", "[fe80::1]:7860"),
    *("", ":7860", "::1", "[::1", "[evil]:7860", "localhost:7860@evil.example", "localhost:99999x"),
    *("localhost:7860, evil.example", "localhost:7860/", " localhost:7860", "0:7860"),
    *("kitchen:7860", "x.gradio.live"),
]


@pytest.mark.parametrize("host", OWN)
def test_its_own_names_are_answered(host):
    assert Addresses(["127.0.0.1"], 7860).allow(host)


@pytest.mark.parametrize("host", FOREIGN)
def test_no_other_is(host):
    assert not Addresses(["127.0.0.1"], 7860).allow(host)


@pytest.mark.parametrize(
    ("hosts", "allowed", "refused"),
    [
        (["192.168.1.5"], ["192.168.1.5:7860"], ["192.168.1.6:7860", "192.168.1.5:80"]),
        (
            ["127.0.0.1", "Actions.example"],
            ["actions.example", "actions.example:443", "ACTIONS.EXAMPLE"],
            ["x.actions.example", "actions.example.evil.example"],
        ),
        (["127.0.0.1", "localhost:8000"], ["localhost:8000"], ["localhost:8001", "127.0.0.1:8000"]),
        (
            ["0.0.0.0"],
            ["192.168.1.5:7860", "[fe80::1]:7860", "kitchen:7860", "kitchen.local:7860"],
            ["evil.example:7860", "192.168.1.5:80", "192.168.1.5"],
        ),
        (["::"], ["[2001:db8::7]:7860", "192.168.1.5:7860"], ["evil.example:7860"]),
        (["::1"], ["[::1]:7860"], ["[::2]:7860"]),
        (["0.0.0.0", "0.0.0.0:80"], ["10.0.0.1:80", "10.0.0.1:7860"], ["10.0.0.1:81"]),
    ],
)
def test_the_option_names_others(hosts, allowed, refused):
    known = Addresses(hosts, 7860)
    assert all(map(known.allow, [*OWN, *allowed]))
    assert not any(map(known.allow, refused))


def test_where_it_listens():
    assert Addresses(["::1", "a.example"], 1).listen == "[::1]"
    assert Addresses(["[::1]"], 1).listen == "[::1]"
    assert Addresses(["0.0.0.0"], 1).listen == "0.0.0.0"


def test_a_shared_page_has_an_address_at_gradio():
    assert Addresses(["127.0.0.1"], 7860, shared=True).allow("f7a0d1.gradio.live")
    assert not Addresses(["127.0.0.1"], 7860, shared=True).allow("gradio.live.evil.example")


@pytest.mark.parametrize("host", ["", "a b", "http://a.example", "a.example/", "[x]", "a:b", "é"])
def test_what_is_no_host_is_said(host):
    with pytest.raises(UserError, match="is no host"):
        Addresses(["127.0.0.1", host], 7860)


def test_the_port_to_listen_on_is_another_option():
    with pytest.raises(UserError, match="--port"):
        Addresses(["127.0.0.1:80"], 7860)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://127.0.0.1:7860", "127.0.0.1:7860", True),
        ("http://LOCALHOST:7860", "localhost:7860", True),
        ("http://localhost:7860", "127.0.0.1:7860", False),
        ("http://localhost:3000", "localhost:7860", False),
        ("https://actions.example", "actions.example", True),
        ("https://actions.example", "actions.example:443", True),
        ("https://actions.example", "actions.example:8443", False),
        ("http://[::1]:7860", "[::1]:7860", True),
        ("http://evil.example", "localhost:7860", False),
        ("null", "localhost:7860", False),
        ("", "localhost:7860", False),
        ("file://localhost:7860", "localhost:7860", False),
    ],
)
def test_an_origin_is_the_page_or_not(origin, host, same):
    assert same_origin(origin, host) is same
