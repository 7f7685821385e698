import pytest

from pipeline.camera import feed


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(feed, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(feed, "POLL", 0.01)
