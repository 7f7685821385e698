from pipeline.speed.benchmark import table


def test_the_table_has_every_figure():
    report = {
        "machine": {"processor": "abacus"},
        "stages, ms": {"pose": [10.04, 20.0]},
        "live latency p50, p95, ms": [12.0, 34.0],
        "peak memory of apps/video.py, MB": None,
    }
    lines = table(report).splitlines()
    assert lines[0] == "machine" and lines[1].split() == ["processor", "abacus"]
    assert lines[3].split() == ["pose", "10.0", "20.0"]
    assert lines[4].split()[-2:] == ["12.00", "34.00"]
    assert lines[5].endswith("not known here")
