"""What the page is told of the runs: the list, one run, the stream; and no PyTorch for any of it."""

import asyncio
import json
import shutil
import subprocess
import sys
import time

import pytest
from filelock import FileLock

from sparring.web import run_index, stream
from sparring.web.app import make_app
from sparring.web.run_index import RunIndex, identity
from sparring.web.safety import Access
from web.serving import PORT, TOKEN, add, client, make_run, rounds

WARNING = {"event": "warning", "round": 2, "cause": "d has won", "text": "D has won.", "advice": "Help G."}
END = {"event": "end", "round": 3, "ending": "finished", "seconds": 1.0}
SCORE = {"metric": "energy_distance", "value": 0.5, "low": 0.4, "high": 0.6, "floor": 0.1}


def row_of(root, **wanted):
    (row,) = client(root).get("/api/runs").json()
    return {name: row[name] for name in wanted}


def test_a_row_of_the_list(tmp_path):
    run = make_run(tmp_path / "a", [*rounds(2), WARNING, rounds(3)[2]])
    (run / "scores.jsonl").write_text(json.dumps({"round": 3, "quick": True, "scores": [SCORE]}) + "\n")
    wanted = {
        "name": "a",
        "recipe": "ring",
        "state": "unfinished",
        "place": {"round": 3, "epoch": 1, "images": 192, "seconds": 0.3},
        "speed": {"round": pytest.approx(10), "images": pytest.approx(640)},
        "score": SCORE | {"quick": True},
        "warnings": 1,
        "warning": WARNING,
        "picture": "round_000100.png",
        "steerable": False,
    }
    assert row_of(tmp_path, **wanted) == wanted
    add(run, [END])
    assert row_of(tmp_path, state="finished") == {"state": "finished"}


def test_a_run_is_running_while_its_folder_is_locked(tmp_path):
    run = make_run(tmp_path / "a", rounds(3))
    with FileLock(run / ".lock"):
        row = row_of(tmp_path, state="running", memory=None)
        assert row["state"] == "running"
        assert sys.platform != "linux" or 10 < row["memory"] < 1e5  # that of this process
    assert row_of(tmp_path, state="", memory=None) == {"state": "unfinished", "memory": None}


def test_a_run_that_has_just_begun_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(run_index, "JUST_NOW", 0)
    guest = client(tmp_path)
    assert guest.get("/api/runs").json() == []
    run = make_run(tmp_path / "a")
    assert guest.get(f"/api/runs/{identity(tmp_path, run)}").json()["name"] == "a"
    assert guest.get("/api/runs/000000000000").status_code == 404


def test_damaged_files_make_a_poor_row_and_no_error(tmp_path):
    run = make_run(tmp_path / "a")
    for name in ("recipe.json", "scores.jsonl", "journal.jsonl"):
        (run / name).write_bytes(b'{"event": "warning"\n[\xff')
    wanted = {"recipe": "", "score": None, "warnings": 1, "warning": None}
    assert row_of(tmp_path, **wanted) == wanted


def test_one_run_alone_and_its_parts(tmp_path):
    run = make_run(tmp_path / "a", [*rounds(3), {"event": "sample", "round": 3, "file": "samples/round_000100.png"}])
    (run / "checkpoints").mkdir()
    for name in ("round_00000003", "best", "recovery"):
        (run / "checkpoints" / f"{name}.safetensors").write_bytes(b"")
    (run / "snapshots").mkdir()
    for name in ("round_00000002", "notes"):
        (run / "snapshots" / f"{name}.safetensors").write_bytes(b"")
    guest = client(run)
    (row,) = guest.get("/api/runs").json()
    found = guest.get(f"/api/runs/{row['id']}").json()
    assert found["checkpoints"] == [{"name": "round_00000003", "round": 3}]
    assert found["kept"] == [{"name": "snapshots/round_00000002", "round": 2}, {"name": "round_00000003", "round": 3}]
    assert [mark["event"] for mark in found["marks"]] == ["sample"]
    assert found["facts"]["shape"] == [2]
    assert guest.get(f"/api/runs/{row['id']}/state").json() == row
    assert guest.get(f"/api/runs/{row['id']}/series?axis=images&to=128").json()["axes"]["round"] == [1, 2]


@pytest.mark.parametrize("query", ["axis=x", "from=a", "to=nan", "points="])
def test_bad_queries_get_a_sentence(tmp_path, query):
    run = make_run(tmp_path / "a", rounds(3))
    answer = client(run).get(f"/api/runs/{identity(run, run)}/series?{query}")
    assert answer.status_code == 400
    assert "must be" in answer.json()["error"]


def test_the_parent_of_a_fork_is_named_by_its_id(tmp_path):
    parent, child = make_run(tmp_path / "a"), make_run(tmp_path / "b")
    facts = json.loads((child / "recipe.json").read_text())
    (child / "recipe.json").write_text(json.dumps(facts | {"start_from": str(parent)}))
    rows = {row["name"]: row["parent_id"] for row in client(tmp_path).get("/api/runs").json()}
    assert rows == {"a": None, "b": identity(tmp_path, parent)}


def events_of(root, at: str, num: int, between=lambda: None) -> list[tuple[str, str, dict]]:
    """The first events of a stream: kind, id, data; `between` is called after the first."""
    app = make_app(RunIndex(root), Access(TOKEN, PORT))

    async def listen():
        found = []
        source = stream.events(app, stream.places(at, app.state.run_index))
        await anext(source)
        async for text in source:
            kind, place, data = (line.split(": ", 1)[1] for line in text.strip().splitlines())
            found.append((kind, place, json.loads(data)))
            if len(found) == 1:
                between()
            if len(found) == num:
                return found
        return found

    return asyncio.run(asyncio.wait_for(listen(), 10))


def test_the_stream_goes_on_where_the_page_is(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "TICK", 0.01)
    run = make_run(tmp_path / "a", rounds(2))
    name, length = identity(tmp_path, run), (run / "journal.jsonl").stat().st_size
    found = events_of(tmp_path, f"{name}:{length},ffffffffffff:3", 2, lambda: add(run, [*rounds(3)[2:], WARNING]))
    (kind, place, list_), (second, after, news) = found
    assert (kind, place, [row["name"] for row in list_["rows"]]) == ("runs", f"{name}:{length}", ["a"])
    assert (second, after) == ("lines", f"{name}:{(run / 'journal.jsonl').stat().st_size}")
    assert [line["round"] for line in news["rounds"]] == [3]
    assert news["marks"] == [WARNING]
    (again,) = events_of(tmp_path, f"{name}:{length}", 1)  # Last-Event-ID of a page that has missed them
    assert again[2]["marks"] == [WARNING]


def test_the_stream_tells_of_a_journal_that_was_cut(tmp_path):
    run = make_run(tmp_path / "a", rounds(2))
    (event,) = events_of(tmp_path, f"{identity(tmp_path, run)}:100000", 1)
    length = (run / "journal.jsonl").stat().st_size
    assert event[2] == {"run": identity(tmp_path, run), "offset": length, "cut": True}


def test_a_page_that_is_far_behind_reads_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "MOST_NEW", 100)
    run = make_run(tmp_path / "a", rounds(2))
    (event,) = events_of(tmp_path, f"{identity(tmp_path, run)}:0", 1)
    assert event[2]["cut"]


def test_the_stream_ends_with_the_server(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "TICK", 0.01)
    app = make_app(RunIndex(tmp_path), Access(TOKEN, PORT))

    async def listen():
        async for _ in stream.events(app, {}):
            app.state.closing = True

    asyncio.run(asyncio.wait_for(listen(), 5))


def test_the_server_needs_no_pytorch():
    code = "import sparring.web.server, sys; print(*{'torch', 'numpy', 'matplotlib', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_many_runs_are_listed_at_once(tmp_path):
    for number in range(300):
        make_run(tmp_path / f"{number:04}", rounds(30))
    guest = client(tmp_path)
    start = time.process_time()
    assert len(guest.get("/api/runs").json()) == 300
    assert time.process_time() - start < 0.45  # a second and a half for a thousand; half of it on an idle machine


def test_the_stream_tells_of_runs_that_change_come_and_go(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "TICK", 0.01)
    monkeypatch.setattr("sparring.web.run_index.FRESH", 0)
    a, b = (make_run(tmp_path / name, rounds(2)) for name in "ab")

    def change():
        shutil.rmtree(a)
        make_run(tmp_path / "c")

    (_, _, first), (_, _, then) = events_of(tmp_path, "", 2, change)
    assert sorted(row["name"] for row in first["rows"]) == ["a", "b"]
    assert ([row["name"] for row in then["rows"]], then["gone"]) == (["c"], [identity(tmp_path, a)])
    assert b.is_dir()
