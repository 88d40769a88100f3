"""What the page can ask about a generator, of a run and of one that comes with the package."""

from base64 import b64decode, b64encode
from itertools import pairwise

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient
from torch import nn

import sparring
from sparring.exporters.page.directions import classes_of
from sparring.exporters.page.reference import run as run_program
from sparring.networks import MLPGeneratorConfig
from sparring.networks.latents import AttributeCode
from sparring.recipe import Recipe
from sparring.runs import directions, shipped
from sparring.runs.generator import SavedGenerator
from sparring.runs.inverted import read_z
from sparring.visual import to_uint8
from sparring.web.app import make_app
from sparring.web.run_index import RunIndex, identity
from sparring.web.safety import Access
from sparring.web.subject import Subject, opened
from web.serving import BASE, PORT, TOKEN, make_run

DIGITS = "/api/explore/digits"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with a run of points whose G is averaged, and one without a checkpoint."""
    root = tmp_path_factory.mktemp("runs")
    settings = {"pictures": [], "average": '{"halflife_images": 100}'}
    sparring.train("ring", rounds=3, out=root / "ring", quiet=True, settings=settings)
    make_run(root / "empty")
    return root


@pytest.fixture(scope="module")
def guest(root, tmp_path_factory):
    app = make_app(RunIndex(root), Access(TOKEN, PORT))
    patch = pytest.MonkeyPatch()
    patch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))  # neither MNIST nor a user's directions
    with TestClient(app, base_url=BASE, headers={"origin": BASE}, cookies={f"sparring-{PORT}": TOKEN}) as guest:
        yield guest
    app.state.worker.close()
    patch.undo()


@pytest.fixture(scope="module")
def digits():
    return sparring.load("digits")


def text(tensor: torch.Tensor) -> str:
    return b64encode(tensor.numpy().tobytes()).decode()


def array(data: str, dtype: type, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(b64decode(data), dtype).copy()).reshape(shape)


def test_a_generator_that_comes_with_the_package(guest, digits):
    assert "digits" in [own["name"] for own in guest.get("/api/generators").json()]
    about = guest.get(DIGITS).json()
    assert (about["name"], about["place"], about["checkpoints"], about["named"]) == ("digits", "digits", [], [])
    found = guest.get(f"{DIGITS}/generator").json()
    assert (found["shape"], found["num_z"], found["classes"], found["averages"]) == ([1, 28, 28], 64, [], False)
    subject = opened(str(shipped.folder_of("digits")), False)
    assert subject.program is not None
    assert b64decode(found["weights"]) == bytes(subject.program.weights.data)
    kinds = [own["kind"] for own in found["directions"]]
    assert (kinds.count("features"), kinds.count("weights")) == (8, 8)


def test_directions_change_the_picture_more_than_others(digits):
    subject = opened(str(shipped.folder_of("digits")), False)
    z, program = digits.z(64, 0), subject.program
    assert program is not None
    for kind in ("features", "weights"):
        first = torch.tensor(next(own["vector"] for own in subject.directions() if own["kind"] == kind))
        other = torch.nn.functional.normalize(torch.randn(64, generator=torch.Generator().manual_seed(1)), dim=0)

        def change(way: torch.Tensor) -> torch.Tensor:
            return (run_program(program, z + way) - run_program(program, z)).abs().mean()

        assert change(2 * first) > 1.2 * change(2 * other)


def test_z_is_that_of_the_command_line_and_its_pictures_too(guest, digits, tmp_path):
    z = digits.z_in_blocks(70, 3)
    assert torch.equal(array(guest.post(f"{DIGITS}/latents", json={"num": 70, "seed": 3}).json()["z"], np.float32, 70, 64), z)
    drawn = guest.post(f"{DIGITS}/draw", json={"z": text(z[:2])}).json()["pixels"]
    difference = array(drawn, np.uint8, 2, 1, 28, 28).int() - to_uint8(digits.draw(z[:2])).int()
    assert difference.abs().max() <= 1
    path = tmp_path / "z.npz"
    path.write_bytes(b64decode(guest.post(f"{DIGITS}/arrays", json={"z": text(z)}).json()["npz"]))
    assert torch.equal(read_z(path, digits), z)


def test_d_and_the_extractor_judge_and_the_search_goes_on_while_it_is_asked(guest, digits):
    picture = to_uint8(digits.draw(digits.z_in_blocks(1, 0)))
    verdict = guest.post(f"{DIGITS}/judge", json={"pixels": text(picture)}).json()
    with torch.no_grad():
        logit = digits.discriminator(picture.float() / 127.5 - 1).item()
    assert verdict["logit"] == pytest.approx(logit, abs=1e-4)
    assert verdict["probability"] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-4)
    assert verdict["classes"][0][0] == "6"
    spread = guest.get(f"{DIGITS}/spread").json()
    assert "real" not in spread  # MNIST is not here, and is not fetched for it
    assert sum(spread["fake"]) == pytest.approx(1)
    assert guest.post(f"{DIGITS}/nearest", json={"pixels": text(picture)}).json() == {}
    other = to_uint8(digits.draw(digits.z_in_blocks(1, 5)))  # none of those that the search begins with
    search = guest.post(f"{DIGITS}/invert", json={"pixels": text(other)}).json()
    found = [guest.post(f"{DIGITS}/invert/go-on", json=search).json() for _ in range(3)]
    assert all(before["step"] < after["step"] for before, after in pairwise(found))
    assert found[0]["steps"] == 200
    assert found[-1]["error"] < found[0]["error"]
    assert array(found[-1]["z"], np.float32, 1, 64).isfinite().all()
    assert len(b64decode(found[-1]["pixels"])) == 28 * 28
    for _ in range(4):  # four others take its place
        guest.post(f"{DIGITS}/invert", json={"pixels": text(picture)})
    assert "is over" in guest.post(f"{DIGITS}/invert/go-on", json=search).json()["error"]


def test_a_run_is_opened_at_its_checkpoints_averaged_or_raw(guest, root):
    run = f"/api/explore/{identity(root, root / 'ring')}"
    about = guest.get(run).json()
    assert (about["place"], [own["name"] for own in about["checkpoints"]]) == (str(root / "ring"), ["round_00000003"])
    averaged, raw = (guest.get(f"{run}/generator", params=which).json() for which in ({}, {"raw": "1"}))
    assert averaged["averages"] is True
    assert averaged["weights"] != raw["weights"]
    assert averaged["shape"] == [2]
    assert guest.get(f"{run}/generator?checkpoint=round_00000003").json() == averaged
    assert "kept no checkpoint" in guest.get(f"{run}/generator?checkpoint=../../recipe").json()["error"]
    assert "no checkpoint yet" in guest.get(f"/api/explore/{identity(root, root / 'empty')}/generator").json()["error"]
    saved = guest.post(f"{run}/directions", json={"name": "left", "vector": [1.0, 0.0]}).json()
    assert guest.get(run).json()["named"] == saved == [{"name": "left", "vector": [1.0, 0.0]}]
    assert (root / "ring" / directions.FILE).is_file()
    assert guest.post(f"{run}/directions", json={"name": "left", "vector": None}).json() == []


def test_points_that_the_server_draws_are_not_rounded(guest, root):
    generator = sparring.load(root / "ring" / "checkpoints" / "round_00000003.safetensors")
    assert isinstance(generator, SavedGenerator)
    z = generator.z(5, 0)
    drawn = guest.post(f"/api/explore/{identity(root, root / 'ring')}/draw", json={"z": text(z)}).json()
    torch.testing.assert_close(array(drawn["points"], np.float32, 5, 2), generator.draw(z))


def test_what_is_named_of_a_shipped_generator_stays_with_the_user(guest):
    guest.post(f"{DIGITS}/directions", json={"name": "slant", "vector": [0.5] * 64})
    assert [own["name"] for own in guest.get(DIGITS).json()["named"]] == ["slant"]
    folder = shipped.folder_of("digits")
    assert folder is not None
    assert not (folder / directions.FILE).exists()


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("latents", {"num": 5000}),
        ("latents", {"seed": -1}),
        ("latents", {"class": 3}),
        ("draw", {"z": "AAAA"}),
        ("draw", {"z": 3}),
        ("draw", {"z": "é"}),
        ("draw", {"z": text(torch.full((1, 64), float("nan")))}),
        ("arrays", {"z": ""}),
        ("judge", {"pixels": text(torch.zeros(10))}),
        ("judge", {"pixels": text(torch.zeros(28 * 28, dtype=torch.uint8)), "class": 3}),
        ("invert", {"pixels": "!"}),
        ("invert/go-on", {"search": "none"}),
        ("directions", {"name": 3}),
        ("directions", {"name": "x", "vector": ["/etc/passwd"]}),
    ],
)
def test_bad_requests_are_refused(guest, what, asked):
    answer = guest.post(f"{DIGITS}/{what}", json=asked)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})


def test_there_are_only_the_servers_own(guest):
    for name in ("nothing", "digits-24e3fa55", "..", "%2e%2e%2fempty"):
        assert guest.get(f"/api/explore/{name}/generator").status_code == 404


def test_a_d_that_judges_packs_or_that_is_a_critic():
    from dataclasses import replace

    from sparring.losses import Wasserstein
    from sparring.web import judging

    subject = opened(str(shipped.folder_of("digits")), False)
    image = torch.zeros(1, 1, 28, 28)
    assert isinstance(subject.recipe, Recipe)
    critic = replace(subject, recipe=replace(subject.recipe, loss=Wasserstein()))
    assert judging.verdict(critic, image, None)["probability"] is None
    packs = replace(subject, recipe=replace(subject.recipe, packing=2))
    assert judging.verdict(packs, image, None)["logit"] is None
    assert judging.distributions(packs) == {}


def test_combinations_of_attributes_are_no_directions():
    """Columns of attributes do not move, and pictures of a combination are compared with each other."""
    noise = AttributeCode(normal=3, classes=3, values=((0, 0), (0, 1), (1, 1)))
    z = noise.sample(200, torch.Generator().manual_seed(0))
    classes = classes_of(z, noise)
    assert classes is not None
    assert torch.equal(noise.encoded(classes).float(), z[:, 3:])
    settings = MLPGeneratorConfig(widths=(8,))
    subject = Subject(SavedGenerator(settings, noise, (1, 4, 4), settings.build(noise.num, (1, 4, 4))), None, nn.Module)
    found = subject.directions()
    assert {own["kind"] for own in found} == {"features", "weights"}
    assert all(own["vector"][3:] == [0, 0, 0, 0] for own in found)
