import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(name, usual=False):
    """Versions by package; with `usual`, those for Python 3.11."""
    lines = (ROOT / name).read_text().splitlines()
    other = re.compile(r"""< ['"]3\.11|>= ['"]3\.13""")
    kept = "\n".join(line for line in lines if not (usual and other.search(line)))
    return {
        re.sub("[-_.]+", "-", package).lower(): version for package, version in PIN.findall(kept)
    }


@pytest.mark.parametrize(("name", "least"), [("requirements", 100), ("requirements-batch", 15)])
def test_the_list_that_is_installed_has_the_pins_and_a_hash_of_each(name, least):
    assert pins(f"{name}.txt") == pins(f"{name}.in")
    listed = re.split(r"\n(?=[A-Za-z])", (ROOT / f"{name}.txt").read_text())
    unhashed = [entry for entry in listed if PIN.match(entry) and "--hash=sha256:" not in entry]
    assert not unhashed and len(listed) > least


def test_batches_add_to_the_small_list_what_it_lacks_in_the_versions_of_the_whole():
    batch, whole = pins("requirements-batch.in"), pins("requirements.in")
    assert "ray" in batch and not batch.keys() & pins("requirements-small.in").keys()
    shared = batch.keys() & whole.keys()
    assert "click" in shared and all(batch[name] == whole[name] for name in shared)


def test_the_peer_is_pinned_with_a_hash_and_no_part_of_the_main_installation():
    peer = pins("requirements-peer.txt")
    assert list(peer) == ["mmaction2"] and not peer.keys() & pins("requirements.in").keys()
    assert (ROOT / "requirements-peer.txt").read_text().count("--hash=sha256:") == 1


@pytest.mark.parametrize(("name", "least"), [("requirements-small", 15), ("requirements-web", 40)])
def test_smaller_lists_are_locked_and_have_the_versions_of_the_whole(name, least):
    listed = (ROOT / f"{name}.txt").read_text()
    assert pins(f"{name}.txt").keys() == pins(f"{name}.in").keys()
    assert pins(f"{name}.txt", usual=True) == pins(f"{name}.in", usual=True)
    assert len(pins(f"{name}.in")) >= least
    entries = [entry for entry in re.split(r"\n(?=[A-Za-z])", listed) if PIN.match(entry)]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert pins(f"{name}.in", usual=True).items() <= pins("requirements.in").items()


def test_the_page_adds_to_the_small_list_what_it_lacks():
    assert not pins("requirements-web.in").keys() & pins("requirements-small.in").keys()
