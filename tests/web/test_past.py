"""What the page shows of a run's past: a toy at a kept round, and the run played again up to a round."""

import json
import math
import time

import pytest
import torch
from starlette.testclient import TestClient

import sparring
from sparring.runs.run import Run
from sparring.web.app import make_app
from sparring.web.run_index import RunIndex, identity
from sparring.web.safety import Access
from sparring.web.toys import toy_view
from tiny import SETTINGS
from web.serving import BASE, PORT, TOKEN

ORIGIN = {"Origin": BASE}
TINY = {"pictures": "[]"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    sparring.train("ring", rounds=64, out=root / "ring", settings=SETTINGS["ring"] | TINY, quiet=True)
    sparring.train("gaussian", rounds=2, out=root / "line", settings=SETTINGS["gaussian"] | TINY, quiet=True)
    return root


def test_a_snapshot_and_the_checkpoint_of_its_round_show_the_same(root):
    name = "round_00000064.safetensors"
    found = toy_view(str(root / "ring" / "snapshots" / name))
    assert found == toy_view(str(root / "ring" / "checkpoints" / name))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["round"], found["exact"], found["probable"], len(found["real"][0])) == (64, True, True, 2)
    assert len(found["d"]) == len(found["best"]) == found["cells"] ** 2
    assert len(found["patches"]) == 8  # as many as the mixture has components
    assert max(math.hypot(dx, dy) for _, _, dx, dy in found["arrows"]) <= 1 + 1e-4


def test_d_and_its_slope_stand_where_they_belong(root):
    """The grid has x first; D and the arrows are those of the network itself."""
    found = toy_view(str(root / "ring" / "snapshots" / "round_00000064.safetensors"))
    network = Run.open(root / "ring").discriminator
    (left, bottom), (right, top), cells = found["low"], found["high"], found["cells"]
    column, row = 50, 10
    place = torch.tensor([[left + (right - left) * column / (cells - 1), bottom + (top - bottom) * row / (cells - 1)]])
    assert found["d"][column * cells + row] == pytest.approx(network(place).sigmoid().item(), rel=1e-3)
    slopes = []
    for x, y, *_ in found["arrows"]:
        ahead = torch.tensor([[x + 0.02, y], [x - 0.02, y], [x, y + 0.02], [x, y - 0.02]])
        a, b, c, d = network(ahead).tolist()
        slopes.append([a - b, c - d])
    arrows = torch.tensor(found["arrows"])[:, 2:]
    assert torch.nn.functional.cosine_similarity(arrows, torch.tensor(slopes)).median() > 0.95


def test_a_toy_on_the_line(root):
    found = toy_view(str(root / "line" / "checkpoints" / "round_00000002.safetensors"))
    step = (found["high"][0] - found["low"][0]) / (found["cells"] - 1)
    assert sum(found["p_data"]) * step == pytest.approx(1, abs=0.02)
    assert (found["patches"], found["arrows"]) == ([], [])


def test_only_kept_rounds_and_real_ones_are_asked_for(root):
    app = make_app(RunIndex(root), Access(TOKEN, PORT))
    address = f"/api/runs/{identity(root, root / 'ring')}"
    with TestClient(app, base_url=BASE, headers=ORIGIN, cookies={f"sparring-{PORT}": TOKEN}) as guest:
        for name in ("round_00000001", "../recipe", "snapshots/round_00000001", "snapshots/../checkpoints/round_00000064", ""):
            answer = guest.get(f"{address}/toy", params={"at": name})
            assert (answer.status_code, "has kept no" in answer.json()["error"]) == (400, True)
        assert guest.get(f"{address}/toy", params={"at": "round_00000064"}).json()["round"] == 64
        app.state.worker.close()
        for rounds in (0, -1, 1.5, True, "1", None, 2**60):
            assert "at least 1" in guest.post(f"{address}/replay", json={"rounds": rounds}).json()["error"]
        training = guest.post(f"{address}/replay", json={"rounds": 3}).json()["training"]
        while not (found := guest.get(f"/api/trainings/{training}").json()):
            time.sleep(0.05)
        app.state.trainings._started[training].process.wait(60)
    (replay,) = [entry.path for entry in RunIndex(root).entries().values() if entry.id == found["run"]]
    assert Run.open(replay).facts["replay"]["rounds"] == 3
    assert (replay / "checkpoints" / "round_00000003.safetensors").is_file()
