import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(name):
    found = PIN.findall((ROOT / name).read_text())
    return {re.sub("[-_.]+", "-", package).lower(): version for package, version in found}


def test_the_list_that_is_installed_has_the_pins_and_a_hash_of_each():
    assert pins("requirements.txt") == pins("requirements.in")
    listed = re.split(r"\n(?=[A-Za-z])", (ROOT / "requirements.txt").read_text())
    unhashed = [entry for entry in listed if PIN.match(entry) and "--hash=sha256:" not in entry]
    assert not unhashed and len(listed) > 100


def test_the_peer_is_pinned_with_a_hash_and_no_part_of_the_main_installation():
    peer = pins("requirements-peer.txt")
    assert list(peer) == ["mmaction2"] and not peer.keys() & pins("requirements.in").keys()
    assert (ROOT / "requirements-peer.txt").read_text().count("--hash=sha256:") == 1
