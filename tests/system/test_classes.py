"""Samples of one class, and of the weights behind an average, as people ask for them."""

import numpy as np
import pytest
from PIL import Image

import sparring
from tiny import MLP

CONDITIONAL = MLP | {
    "z": '{"name": "code", "normal": 8, "classes": 10}',
    "condition": "projection",
    "average": '{"halflife_images": 500}',
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("classes") / "run"
    return sparring.train("paper", rounds=12, out=out, settings=CONDITIONAL, quiet=True)


@pytest.fixture(scope="module")
def unconditional(tmp_path_factory):
    return sparring.train("paper", rounds=2, out=tmp_path_factory.mktemp("plain") / "run", settings=MLP, quiet=True)


def test_samples_of_one_class_say_so(run, sparring_command, tmp_path):
    done = sparring_command("sample", str(run.path), "--class", "7", "--num", "5", "--out", str(tmp_path / "sevens.npz"))
    assert done.status == 0
    with np.load(tmp_path / "sevens.npz") as found:
        assert found["labels"].tolist() == [7] * 5
        assert found["images"].shape == (5, 28, 28)
        any_ = run.sample(5, class_=3)
    assert any_.shape == (5, 1, 28, 28)


def test_samples_of_any_class_have_labels(run, sparring_command, tmp_path):
    assert sparring_command("sample", str(run.path), "--num", "50", "--out", str(tmp_path / "any.npz")).status == 0
    with np.load(tmp_path / "any.npz") as found:
        assert len(set(found["labels"].tolist())) > 5


def test_a_row_for_each_class_on_the_same_z(run, sparring_command, tmp_path):
    assert (
        sparring_command("sample", str(run.path), "--class", "all", "--num", "3", "--out", str(tmp_path / "all.png")).status
        == 0
    )
    with Image.open(tmp_path / "all.png") as picture:
        assert picture.height / picture.width == pytest.approx(10 / 3, rel=0.05)
    z = run.generator.z_by_class(3, 0)
    assert run.generator.labels(z).tolist() == [c for c in range(10) for _ in range(3)]
    assert all((z[3 * c : 3 * c + 3, :8] == z[:3, :8]).all() for c in range(10))


def test_a_hub_folder_knows_its_classes(run, sparring_command, tmp_path):
    command = ("sample", str(run.path / "generator"), "--class", "2", "--out", str(tmp_path / "two.npz"))
    assert sparring_command(*command).status == 0
    card = (run.path / "generator/README.md").read_text()
    assert "- class-conditional-image-generation" in card
    assert "sample(num=16, seed=0, class_=0)" in card


def test_raw_weights_are_others(run, sparring_command, tmp_path):
    for name, flags in (("averaged.npz", ()), ("raw.npz", ("--raw",))):
        assert sparring_command("sample", str(run.path), "--out", str(tmp_path / name), *flags).status == 0
    with np.load(tmp_path / "averaged.npz") as averaged, np.load(tmp_path / "raw.npz") as raw:
        assert (averaged["images"] != raw["images"]).any()


@pytest.mark.parametrize(
    ("class_", "words"),
    [
        ("10", "the classes are 0 to 9"),
        ("1" + 20 * "0", "the classes are 0 to 9"),
        ("seven", "no class 'seven'"),
        ("-1", "no class '-1'"),
    ],
)
def test_a_class_that_there_is_not_is_refused(run, sparring_command, class_, words, tmp_path):
    done = sparring_command("sample", str(run.path), f"--class={class_}", "--out", str(tmp_path / "none.png"))
    assert (done.status, done.out) == (2, "")
    assert words in done.err
    assert not (tmp_path / "none.png").exists()


@pytest.mark.parametrize("class_", ["7", "all"])
def test_without_classes_none_can_be_asked_for(unconditional, sparring_command, class_, tmp_path):
    done = sparring_command("sample", str(unconditional.path), "--class", class_, "--out", str(tmp_path / "none.png"))
    assert done.status == 2
    assert "has no classes" in done.err


def test_a_folder_with_one_generator_has_no_raw_weights(run, sparring_command, tmp_path):
    done = sparring_command("sample", str(run.path / "generator"), "--raw", "--out", str(tmp_path / "none.png"))
    assert done.status == 2
    assert "name its run" in done.err


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"condition": "projection"}, "set z=code"),
        ({"condition": "projection", "z": '{"name": "code", "classes": 4}'}, "be 10, as the data have"),
        ({"condition": "projection", "z": '{"name": "code", "classes": 10}', "packing": "2"}, "packing is 2"),
        ({"condition": "projection", "z": '{"name": "code", "classes": 10}', "data": "ring"}, "the data set ring has none"),
        ({"packing": "3"}, "a multiple of packing"),
        ({"loss": "hinge", "test_traces": "true"}, "test_traces"),
        ({"penalties": '["le-cam"]', "round.moves": '[{"name": "move-d", "batch": "joint"}, "move-g"]'}, "joint batch"),
        ({"round.moves": '["move-g", "move-d"]', "loss": "relativistic-pairing"}, "use 'fresh'"),
        ({"ramps": '[{"of": "gamma"}]'}, "without penalties"),
        ({"ramps": '[{"of": "lr"}, {"of": "lr"}]'}, "lr twice"),
        ({"ramps": '[{"of": "lr"}]', "length": '{"minutes": 1}'}, "give the ramp its images"),
        ({"packing": "2", "round.moves": '[{"name": "move-d", "batch": "joint"}, "move-g"]'}, "joint batch"),
    ],
)
def test_what_cannot_be_is_refused(settings, words, sparring_command, tmp_path):
    changes = [f"--set={name}={value}" for name, value in ({"length": '{"rounds": 1}'} | settings).items()]
    done = sparring_command("train", "paper", "--out", str(tmp_path / "run"), *changes)
    assert (done.status, done.out) == (2, "")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_class_goes_by_its_name_first(sparring_command, tmp_path):
    for number, name in enumerate(("3", "cat", "7", "10")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for place in range(3):
            Image.new("L", (28, 28), 60 * number + place).save(tmp_path / "pictures" / name / f"{place}.png")
    settings = CONDITIONAL | {"z": '{"name": "code", "normal": 8, "classes": 4}', "data.held_back": "0"}
    data = str(tmp_path / "pictures")
    sparring.train("paper", data=data, rounds=1, out=tmp_path / "run", settings=settings, quiet=True)
    for name, label in (("cat", 3), ("3", 0), ("10", 2), ("1", 1)):
        done = sparring_command("sample", "run", "--class", name, "--num", "2", "--out", "some.npz")
        assert done.status == 0, done.err
        with np.load("some.npz") as found:
            assert found["labels"].tolist() == [label] * 2
    done = sparring_command("sample", "run", "--class", "cta")
    assert done.status == 2
    assert "there is no class 'cta'; did you mean 'cat'?" in done.err
