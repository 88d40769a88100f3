"""A journal's numbers for charts."""

import json

import pytest

from sparring.errors import InputError
from sparring.web import series_cache
from sparring.web.series import CHUNK, GROUP, Series, rows_after
from web.serving import add, make_run, rounds


def lines(num: int) -> list[dict]:
    """Rounds with a spike in the 700th."""
    return [line | {"g_loss": 99.0 if line["round"] == 700 else line["round"] / num} for line in rounds(num)]


@pytest.fixture
def path(tmp_path):
    return make_run(tmp_path / "a", lines(5000)) / "journal.jsonl"


def read(path) -> Series:
    series = Series()
    assert series.read_on(path)
    return series


def test_a_short_run_is_exact(tmp_path):
    path = make_run(tmp_path / "a", rounds(100)) / "journal.jsonl"
    found = read(path).window(path, "round", 0, 1e9, 1000)
    assert found["exact"]
    assert found["high"] is None
    assert found["axes"]["images"] == [64 * r for r in range(1, 101)]
    assert found["low"]["g_loss"] == [0.5] * 100
    assert found["rounds"] == 100


def test_a_long_run_is_an_envelope_that_loses_no_spike(path):
    found = read(path).window(path, "round", 0, 1e9, 50)
    assert not found["exact"]
    assert 25 <= len(found["axes"]["round"]) <= 51
    assert max(found["high"]["g_loss"]) == 99.0
    assert min(found["low"]["g_loss"]) == 1 / 5000
    assert found["axes"]["round"][0] == 1
    place = found["high"]["g_loss"].index(99.0)
    assert found["axes"]["round"][place] <= 700 < found["axes"]["round"][place + 1]


@pytest.mark.parametrize(
    ("axis", "low", "high"), [("round", 650, 749), ("images", 650 * 64, 749 * 64), ("seconds", 65.0, 74.9)]
)
def test_a_closer_look_reads_the_rounds_themselves(path, axis, low, high):
    found = read(path).window(path, axis, low, high, 300)
    assert found["exact"]
    assert found["axes"]["round"] == list(range(650, 750))
    assert found["low"]["g_loss"][50] == 99.0


def test_it_is_appended_to_and_equal_to_one_that_was_read_at_once(tmp_path):
    path = make_run(tmp_path / "a") / "journal.jsonl"
    series = Series()
    for start in range(0, 500, 37):
        add(tmp_path / "a", lines(5000)[start : start + 37])
        with path.open("a") as stream:
            stream.write('{"event": "rou')  # a line that is being written
        assert series.read_on(path)
        with path.open("r+b") as stream:
            stream.truncate(path.stat().st_size - len('{"event": "rou'))
    assert series.window(path, "round", 0, 1e9, 3) == read(path).window(path, "round", 0, 1e9, 3)
    assert series.num_rounds == 37 * 14


def test_a_journal_that_was_cut_is_seen(path):
    series = read(path)
    text = path.read_bytes()
    path.write_bytes(text[: len(text) // 2] + text)  # it has been cut, and is longer by now
    assert not series.read_on(path)
    path.write_text("")
    assert not series.read_on(path)
    with pytest.raises(InputError, match="was cut"):
        rows_after(path, 10)


def test_marks_are_placed_where_the_run_was(tmp_path):
    run = make_run(tmp_path / "a", [*rounds(GROUP), {"event": "warning", "round": GROUP, "text": "x"}, {"event": "epoch"}])
    add(run, [*rounds(3), {"event": "end", "round": 3, "ending": "finished", "seconds": 7.5}])
    first, last = read(run / "journal.jsonl").marks
    assert (first["event"], first["images"], first["round"]) == ("warning", 64 * GROUP, GROUP)
    assert (last["event"], last["images"], last["seconds"]) == ("end", 64 * 3, 7.5)


def test_damaged_and_hostile_lines_do_no_harm(tmp_path):
    run = make_run(tmp_path / "a")
    bad = [
        '{"event": "round", "round": NaN, "g_loss": 1e999}',
        '{"event": "round"',
        "[1]",
        "[" * 100_000,
        "null",
        '{"event": 3}',
    ]
    bad += [json.dumps({"event": "round", "g_loss": "x", "d_loss": [1], "round": True, "images": 10**400})]
    bad += [json.dumps({"event": "round"} | {f"n{i}": 1 for i in range(1000)})]
    good = list(map(json.dumps, rounds(GROUP)))
    path = run / "journal.jsonl"
    path.write_text("".join(f"{line}\n" for line in (*good, *bad, *good, *good)))
    series = read(path)
    found = series.window(path, "round", -1e300, 1e300, 10)
    assert set(found["low"]) >= {"g_loss", "d_loss"}
    assert len(found["low"]) <= 64
    assert series.window(path, "round", 1, 3, 1000)["low"]["g_loss"] == [0.5] * 9
    assert rows_after(path, 0)[0] == path.stat().st_size


def test_the_stream_gets_whole_lines_a_chunk_at_a_time(tmp_path):
    run = make_run(tmp_path / "a", [{"event": "start"}, *rounds(2)])
    path = run / "journal.jsonl"
    offset, found, marks = rows_after(path, 0)
    assert (offset, len(found), marks) == (path.stat().st_size, 2, [{"event": "start"}])
    with path.open("a") as stream:
        stream.write("[")
    assert rows_after(path, offset) == (offset, [], [])
    assert CHUNK < 1 << 24


@pytest.fixture
def cached(path, tmp_path, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(series_cache, "LEAST", 1)
    series_cache.save(path, read(path))
    return path


def test_the_cache_gives_the_same_and_is_appended_to(cached, monkeypatch):
    add(cached.parent, rounds(70))
    found = series_cache.opened(cached)
    assert found.offset > CHUNK // 16
    monkeypatch.setattr("sparring.web.series.parsed", lambda line: pytest.fail("an old line was read again"))
    assert found.read_on(cached)
    assert found.window(cached, "round", 0, 1e9, 50) == read(cached).window(cached, "round", 0, 1e9, 50)


@pytest.mark.parametrize("damage", ["cut", "changed", "cache"])
def test_the_cache_of_another_journal_is_not_taken(cached, damage, tmp_path):
    (file,) = (tmp_path / "cache" / "play").iterdir()
    text = cached.read_bytes()
    if damage == "cut":
        cached.write_bytes(text[:1000])
    elif damage == "changed":
        cached.write_bytes(text[:-5] + b"9" + text[-4:])
    else:
        file.write_bytes(file.read_bytes()[:-1])
    found = series_cache.opened(cached)
    assert found.offset == 0 if damage == "cache" else not found.read_on(cached)
