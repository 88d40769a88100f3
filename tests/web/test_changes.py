"""What the page changes: orders to a training, and new trainings, which outlive the server."""

import os
import shlex
import signal
import time

import pytest
from filelock import FileLock
from starlette.testclient import TestClient

from sparring.errors import InputError
from sparring.runs import orders
from sparring.web import command
from sparring.web.app import make_app
from sparring.web.command import TrainingRequest
from sparring.web.run_index import RunIndex, identity
from sparring.web.safety import Access
from sparring.web.trainings import Trainings
from web.serving import BASE, PORT, TOKEN, client, make_run, rounds

ORIGIN = {"origin": BASE}


@pytest.fixture
def run_index(tmp_path):
    run = make_run(tmp_path / "a", rounds(3))
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "round_00000003.safetensors").write_bytes(b"")
    return RunIndex(tmp_path)


def test_an_order_is_sent_to_the_training(tmp_path):
    run = make_run(tmp_path / "a", rounds(3))
    guest, address = client(tmp_path), f"/api/runs/{identity(tmp_path, run)}/orders"

    def send(order):
        return guest.post(address, json=order, headers=ORIGIN)

    assert "not being trained" in send({"order": "pause"}).json()["error"]
    with FileLock(run / ".lock"):
        assert "takes no orders" in send({"order": "pause"}).json()["error"]
        orders.open_file(run, 4)
        assert guest.get("/api/runs").json()[0]["steerable"]
        assert send({"order": "factor", "of": "d_lr", "value": 0.5}).json() == {"number": 5}
        for bad in ({"order": "explode"}, {"order": "slow", "ms": -1}, [], {"order": "only", "side": "g"}):
            answer = send(bad)
            assert (answer.status_code, set(answer.json())) == (400, {"error"})
        assert guest.post(address, json={"order": "pause"}).status_code == 403  # no page of ours
    *_, line = (run / orders.FILE).read_bytes().splitlines()
    assert orders.parse_line(line) == (5, {"order": "factor", "of": "d_lr", "value": 0.5})


def test_the_command_line_of_the_form(run_index, tmp_path):
    (tmp_path / "data" / "my cats").mkdir(parents=True)
    folders = command.data_folders((tmp_path / "data",))
    body = {
        "recipe": "ring",
        "settings": {"g_optim.lr": "2e-4"},
        "lengths": {"rounds": 500},
        "seed": 3,
        "data": "data/my cats",
        "from": identity(tmp_path, tmp_path / "a"),
        "checkpoint": "round_00000003",
    }
    training = command.parse(body, run_index, folders)
    assert training.arguments() == shlex.split(
        f"ring --data '{tmp_path}/data/my cats' --rounds 500 --seed 3 "
        f"--from {tmp_path}/a/checkpoints/round_00000003.safetensors --set g_optim.lr=2e-4"
    )
    assert command.parse({"recipe": "ring", "lengths": {"minutes": 1.5}}, run_index, {}).arguments() == [
        "ring",
        "--minutes",
        "1.5",
    ]


def test_a_page_of_one_run_starts_none_inside_it(tmp_path):
    with pytest.raises(InputError, match="one run alone"):
        Trainings(make_run(tmp_path / "a")).start("x", ["ring"])


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": "my.py"},
        {"recipe": "/tmp/x.py"},
        {"recipe": "--help"},
        {"recipe": None},
        {"data": "/etc"},
        {"data": ".."},
        {"data": "data/other"},
        {"settings": {"data": '{"name": "pictures", "path": "/etc"}'}},
        {"settings": {"data.path": "/etc"}},
        {"settings": {"--out": "x"}},
        {"settings": {"lr": 3}},
        {"settings": {"lr": "x" * 3000}},
        {"settings": ["lr"]},
        {"lengths": {"rounds": 1.5}},
        {"lengths": {"weeks": 1}},
        {"lengths": {"rounds": True}},
        {"seed": -1},
        {"seed": "0"},
        {"from": "../a"},
        {"from": "RUN", "checkpoint": "../../recipe"},
        {"out": "/tmp/x"},
    ],
)
def test_the_form_cannot_send_paths_and_code(run_index, tmp_path, change):
    run = identity(tmp_path, tmp_path / "a")
    body = {"recipe": "ring"} | {name: run if value == "RUN" else value for name, value in change.items()}
    with pytest.raises(InputError):
        command.parse(body, run_index, {"data/cats": tmp_path})


def wait_for(condition, seconds: float = 60):
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit
        time.sleep(0.05)
    return found


def test_a_training_has_a_session_of_its_own_and_becomes_a_run(tmp_path):
    trainings = Trainings(tmp_path)
    asked = TrainingRequest("ring", {"batch_size": "8", "pictures": "[]"}, {"rounds": 100_000})
    name = trainings.start("x", asked.arguments())
    other = trainings.start("x", TrainingRequest("ring", {"g_optim.lr": "-1"}).arguments())
    (run,) = wait_for(lambda: trainings.state(name)).values()
    (row,) = [row for row in RunIndex(tmp_path).rows() if row["id"] == run]  # as a server that is started later finds it
    assert row["state"] == "running"
    process = trainings._started[name].process
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    trainings._started[other].process.wait(30)
    assert wait_for(lambda: trainings.state(other)) == {"error": "optim.lr is -1.0; it must be above 0 and finite"}
    assert not [path for path in tmp_path.iterdir() if "-2" in path.name]  # nothing is left of it


def test_the_worker_checks(tmp_path):
    app = make_app(RunIndex(tmp_path), Access(TOKEN, PORT))
    with TestClient(app, base_url=BASE, headers=ORIGIN, cookies={f"sparring-{PORT}": TOKEN}) as guest:
        answer = guest.post("/api/check", json={"recipe": "ring", "settings": {"batch_size": "0"}})
        assert (answer.status_code, answer.json()) == (400, {"error": "batch_size is 0; it must be at least 1"})
        answer = guest.post("/api/check", json={"recipe": "ring", "lengths": {"rounds": 5}})
        assert answer.json() == {"command": "sparring train ring --rounds 5"}
        assert "above 0" in guest.get("/api/recipes/ring").json()["ranges"]["g_optim.lr"]
        app.state.worker._process.kill()
        assert guest.post("/api/check", json={"recipe": "ring"}).status_code == 200  # a worker that has ended is started again
        app.state.worker.stop()
        assert "has ended" in guest.post("/api/check", json={"recipe": "ring"}).json()["error"]  # and stays so
        app.state.worker.close()
