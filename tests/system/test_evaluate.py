"""`sparring evaluate` and the quick scores of a training, as a person meets them."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import shapes
import sparring
from sparring import evaluation
from sparring.data import ImageSet
from sparring.errors import MachineError
from sparring.metrics.confidence import mean_interval
from sparring.runs import checkpoint
from sparring.runs.progress import Progress
from sparring.runs.run import Run
from sparring.storage.cache import cache_folder
from tiny import SETTINGS

FEW = ["--num", "1000", "--draws", "2", "--quiet"]
SMALL = SETTINGS["vanilla"] | {"data.held_back": "0", "review": '{"rounds": 10}'}
POINTS = {
    "generator.output": "linear",
    "generator.widths": "[16]",
    "discriminator.widths": "[16]",
    "data.num": "3000",
    "review": '{"rounds": 10}',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A cache with MNIST and a yardstick of the shapes in `data`."""
    folder, mnist = tmp_path_factory.mktemp("module"), cache_folder() / "mnist"
    (folder / "mnist").symlink_to(mnist, target_is_directory=True)
    shapes.yardstick(shapes.data(folder / "data", 1000, 200), folder / "extractors")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(folder, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(folder))


@pytest.fixture(scope="module")
def trained(folder) -> Path:
    """A run on the shapes, with two reviews; to be copied where it is to change."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARRING_CACHE", str(folder))
        sparring.train("vanilla", data=str(folder / "data"), rounds=20, out=folder / "run", settings=SMALL, quiet=True)
    return folder / "run"


@pytest.fixture
def run(trained, tmp_path) -> Path:
    copy(trained, tmp_path / "run")
    return Path("run")


def copy(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            (target / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            (target / path.relative_to(source)).write_bytes(path.read_bytes())


@pytest.fixture
def pngs() -> Path:
    """A thousand pictures of 16 x 16 pixels."""
    Path("pngs").mkdir()
    for number, picture in enumerate(shapes.drawn(1000, 5).images):
        Image.fromarray(picture[0].numpy()).save(f"pngs/{number:04d}.png")
    return Path("pngs")


def files() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def values(found: list[dict]) -> dict[str, float]:
    return {score["metric"]: score["value"] for score in found}


def evaluated(command: Callable, *args: object) -> dict:
    done = command("evaluate", *args, "--json")
    assert done.status == 0, done.err
    return json.loads(done.out)


def test_a_run_is_scored_in_one_json_value_and_on_its_book(run, sparring_command):
    before = files()
    first = evaluated(sparring_command, run, *FEW)
    assert first.keys() == {"subject", "scores", "skipped", "unsaved", "runs"}
    assert (first["subject"], first["skipped"], first["unsaved"], first["runs"]) == ("run", [], None, [])
    distance = first["scores"][0]
    assert distance.keys() == {"metric", "value", "low", "high", "floor", "ceiling", "protocol"}
    assert distance["metric"] == "frechet_distance"
    assert distance["low"] < distance["value"] < distance["high"]
    assert 0 < distance["floor"] < distance["value"]
    protocol = distance["protocol"]
    assert protocol["extractor"].startswith("shapes-")
    assert (protocol["num_samples"], protocol["num_real"], protocol["interval"]) == (1000, 200, "2 independent draws")
    assert {"precision", "recall", "coverage", "kernel_distance", "share_2", "memorisation"} <= values(first["scores"]).keys()
    assert evaluated(sparring_command, run, *FEW) == first
    other = evaluated(sparring_command, run, *FEW, "--seed", 1)
    assert values(other["scores"])["frechet_distance"] != distance["value"]
    evaluations = Run.open(run).scores()
    assert [(e.round, e.quick) for e in evaluations] == [(10, True), (20, True), (20, False), (20, False), (20, False)]
    assert evaluations[2] == evaluations[3]
    assert evaluations[2]["frechet_distance"].value == distance["value"]
    after = files()
    assert {path for path in after if after[path] != before.get(path)} == {run / "scores.jsonl", run / "SHA256SUMS"}


def test_scores_that_cannot_be_saved_are_shown(run, sparring_command):
    (run / ".scores.lock").unlink(missing_ok=True)
    (run / ".scores.lock").mkdir()  # in the way of the lock
    done = sparring_command("evaluate", run, *FEW)
    assert done.status == 0
    assert "frechet distance" in done.out
    assert "the scores could not be added to the run: cannot write run/.scores.lock: Is a directory" in done.err
    assert "Is a directory" in evaluated(sparring_command, run, *FEW)["unsaved"]


def test_a_runs_parts_are_scored_as_what_they_are(run, sparring_command):
    whole = values(evaluated(sparring_command, run, *FEW)["scores"])
    newest = evaluated(sparring_command, checkpoint.path_of(run / "checkpoints", 20), *FEW)
    assert values(newest["scores"]) == whole
    generator = evaluated(sparring_command, run / "generator", *FEW, "--against", data_of(run))
    assert values(generator["scores"]) == whole
    best = checkpoint.best_path(run / "checkpoints")
    assert evaluated(sparring_command, best, *FEW)["subject"] == str(best)
    evaluations = [e for e in Run.open(run).scores() if not e.quick]
    assert [e.round for e in evaluations] == [20, 20, checkpoint.read(best).info.round]  # the generator has no book


def data_of(run: Path) -> str:
    return json.loads((run / "recipe.json").read_text())["recipe"]["data"]["path"]


def test_a_checkpoint_is_found_from_its_own_folder(run, sparring_command, monkeypatch):
    monkeypatch.chdir(run / "checkpoints")
    assert evaluated(sparring_command, "best.safetensors", *FEW)["subject"] == "best.safetensors"


def test_samples_on_disk_score_alike_as_pictures_and_as_an_array(run, sparring_command):
    data = data_of(run)
    for out in ("pictures", "x.npz"):
        assert sparring_command("sample", run, "--num", 1000, "--seed", 3, "--out", out).status == 0
    of_folder, of_npz = (evaluated(sparring_command, out, "--against", data, "--quiet") for out in ("pictures", "x.npz"))
    assert of_folder["scores"] == of_npz["scores"]
    assert of_npz["subject"] == "x.npz"
    assert of_npz["scores"][0]["protocol"]["interval"] == "8 subsamples of 250"
    drawn = ImageSet(torch.from_numpy(np.load("x.npz")["images"])[:, None])
    standard = evaluation.reference_for(Run.open(run).recipe.data, torch.device("cpu"))
    assert standard is not None
    expected = standard.quick_metrics(standard.extract(drawn))["frechet_distance"]
    assert values(of_npz["scores"])["frechet_distance"] == pytest.approx(expected, rel=1e-6)


def test_people_get_a_table_with_floor_and_extractor(run, sparring_command):
    done = sparring_command("evaluate", run, *FEW)
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[1].split() == ["metric", "value", "from", "to", "real", "images", "best", "possible", "better"]
    assert lines[2].startswith("frechet distance")
    assert "classes: 0 " in done.out
    assert lines[-2].startswith("1,000 samples against the 200 test examples of idx-folder; extractor shapes-")
    assert lines[-1].startswith("frechet distance")
    assert "that of real images" in lines[-1]


def test_latest_on_mnist(sparring_command, folder, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str((folder / "mnist").resolve().parent))
    settings = SETTINGS["vanilla"] | {"review": "null"}
    sparring.train("vanilla", rounds=12, out="runs/tiny", settings=settings, quiet=True)
    found = evaluated(sparring_command, "latest", *FEW)
    assert found["subject"] == "runs/tiny"
    protocol = found["scores"][0]["protocol"]
    assert (protocol["data"], protocol["num_real"]) == ("mnist", 10_000)
    assert {f"share_{digit}" for digit in range(10)} <= values(found["scores"]).keys()
    assert found["scores"][0]["value"] > 10 * found["scores"][0]["floor"]


def test_toys_are_scored_by_their_points(sparring_command):
    sparring.train("vanilla", data="ring", rounds=20, out="run", settings=POINTS, quiet=True)
    found = evaluated(sparring_command, "run", "--num", 500, "--draws", 3)
    # after twenty rounds no mode has two good points, so none has a width
    assert list(values(found["scores"])) == ["energy_distance", "modes", "high_quality", "mode_kl", "smallest_mode"]
    assert (found["scores"][1]["floor"], found["scores"][1]["ceiling"]) == (8, 8)
    assert values(found["scores"])["energy_distance"] > 0.1
    assert found["scores"][0]["protocol"]["num_samples"] == 500
    assert [e.quick for e in Run.open("run").scores()] == [True, True, False]
    assert "extractor none" in sparring_command("evaluate", "run", "--num", 500, "--draws", 2).out


def test_some_of_the_pictures_are_taken_at_random(run, sparring_command):
    np.savez("x.npz", images=shapes.drawn(1500, 5).images[:, 0].numpy())
    some = [evaluated(sparring_command, "x.npz", "--against", data_of(run), "--num", 1000, "--seed", s) for s in (0, 0, 1)]
    first, again, other = (values(found["scores"]) for found in some)
    assert some[0]["scores"][0]["protocol"]["num_samples"] == 1000
    assert first == again
    assert first["frechet_distance"] != other["frechet_distance"]


def test_bad_pictures_are_named_or_left_out_by_wish(run, pngs, sparring_command):
    for name in ("0003b.png", "0007b.png"):
        (pngs / name).write_bytes(b"no picture")
    Image.new("L", (20, 20)).save(pngs / "0009b.png")
    args = [pngs, "--against", data_of(run), "--quiet"]
    done = sparring_command("evaluate", *args, "--json")
    assert (done.status, done.out) == (2, "")
    assert "0003b.png" in done.err
    assert "3 of 1,003 files are bad; --skip-bad (in Python: skip_bad=True) leaves such files out" in done.err
    found = evaluated(sparring_command, *args, "--skip-bad")
    assert found["scores"][0]["protocol"]["num_samples"] == 1000
    assert [sentence.partition(":")[0] for sentence in found["skipped"]] == [
        f"pngs/{n}.png" for n in ("0003b", "0007b", "0009b")
    ]
    assert "left out: pngs/0009b.png: is 20 x 20 pixels" in sparring_command("evaluate", *args, "--skip-bad").out


def array(name: str, images: np.ndarray) -> None:
    np.savez(f"{name}.npz", images=images)


@pytest.fixture
def bad(run, folder) -> None:
    """Whatever the bad commands name."""
    pictures = shapes.drawn(1000, 5).images[:, 0].numpy()
    array("good", pictures)
    array("few", pictures[:999])
    array("other-size", np.zeros((1000, 20, 20), np.uint8))
    array("coloured", np.stack([pictures, pictures, 255 - pictures], 3))
    floats = pictures / 127.5 - 1
    array("unit", (floats + 1) / 2)
    floats[3, 4, 5] = np.nan
    array("nan", floats)
    array("flat", pictures.reshape(1000, 256))
    Path("empty").mkdir()
    made = next((folder / "extractors").glob("*.safetensors"))
    Path("damaged.safetensors").write_bytes(made.read_bytes()[:-9])
    Path("shapes-00000000.safetensors").write_bytes(made.read_bytes())
    Path("random").mkdir()
    for number in range(20):
        Image.effect_noise((16, 16), 50).save(f"random/{number}.png")
    copy(run, Path("unsaved"))
    for path in Path("unsaved/checkpoints").iterdir():
        path.unlink()
    copy(run / "generator", Path("nan-generator"))
    weights = load_file("nan-generator/model.safetensors")
    next(iter(weights.values())).fill_(torch.nan)
    save_file(weights, "nan-generator/model.safetensors")
    Path("nan-generator/SHA256SUMS").unlink()
    Path("data").symlink_to(folder / "data", target_is_directory=True)


BAD = [
    ("empty --against data", "there is no picture in empty"),
    ("missing", "there is no file or folder missing"),
    ("missing.safetensors", "is no run: it has no recipe.json"),
    ("run/checkpoints/missing.safetensors", "run/checkpoints/missing.safetensors is no intact checkpoint"),
    ("recipe.txt", "there is no file or folder recipe.txt"),
    ("run/journal.jsonl", "run/journal.jsonl is neither a folder of pictures nor an .npz file"),
    ("other-size.npz --against data", "takes images of 1 x 16 x 16, not of 1 x 20 x 20"),
    ("coloured.npz --against data", "takes images of 1 x 16 x 16, not of 3 x 16 x 16"),
    ("good.npz", "takes images of 1 x 28 x 28, not of 1 x 16 x 16"),
    ("few.npz --against data", "999 samples are too few: the scores need at least 1000"),
    ("run --num 999", "999 samples are too few"),
    ("good.npz --against data --num 1001", "num is 1001, and there are only 1000 pictures"),
    ("good.npz --against data --num 500", "500 samples are too few"),
    ("nan.npz --against data", "has 1 of 256,000 values that are infinite or not a number"),
    ("unit.npz --against data", "most likely meant as [0, 1]; save 2 * images - 1"),
    ("flat.npz --against data", "has shape [1000, 256]; it must be [N, H, W]"),
    ("run --extractor shape", "unknown extractor 'shape'; did you mean 'shapes-"),
    ("run --extractor damaged.safetensors", "damaged.safetensors is no intact extractor"),
    ("run --extractor shapes-00000000.safetensors", "shapes-00000000.safetensors holds the extractor shapes-"),
    ("run --extractor run/checkpoints/best.safetensors", "has the format 'sparring-checkpoint-1'; this version reads"),
    ("run --extractor inception:nowhere", "Inception's weights are not at nowhere; download https://"),
    ("run --against random", "make one with `sparring extractor train"),
    ("run --against ring", "these are images, and the data set holds points"),
    ("good.npz --against ring", "these are images, and the data set holds points"),
    ("run --against rnig", "did you mean 'ring'"),
    ("unsaved", "unsaved has saved no checkpoint yet"),
    ("nan-generator --against data --num 1000", "nan-generator: 0.bias holds values that are infinite or not a number"),
    ("run --draws 1", "'--draws': 1 is not in the range"),
]
assert len({line for line, _ in BAD}) == len(BAD)


@pytest.mark.usefixtures("bad")
def test_bad_input_gets_one_sentence_and_changes_nothing(sparring_command):
    before = files()
    for line, words in BAD:
        done = sparring_command("evaluate", *line.split(), "--json", "--quiet")
        assert (done.status, done.out) == (2, ""), line
        assert words in done.err, line
        assert done.err.count("\n") == 1, done.err
        assert done.err.startswith("sparring: "), line
        assert files() == before, line


@pytest.mark.usefixtures("bad")
def test_yardsticks_are_not_trained_on_what_has_no_labels(sparring_command):
    before = files()
    for line, words in (
        ("random --out .", "18 pictures are too few to train an extractor; 20 is the minimum"),
        ("ring --out .", "an extractor is trained on pictures with 1, 3 or 4 channels"),
        ("data --name Data", "'Data' cannot name an extractor"),
        ("nowhere", "neither a data set nor a folder"),
    ):
        done = sparring_command("extractor", "train", *line.split(), "--json", "--quiet")
        assert (done.status, done.out) == (2, ""), line
        assert words in done.err, line
        assert done.err.count("\n") == 1, done.err
    assert files() == before


def test_a_generator_of_nobodys_folder_asks_for_one(sparring_command):
    done = sparring_command("evaluate", "emoji", "--quiet")
    assert (done.status, done.out) == (2, "")
    assert "name some to compare with: --against FOLDER --set size=64" in done.err


def test_points_are_not_held_against_images(sparring_command):
    sparring.train("vanilla", data="ring", rounds=2, out="points", settings=POINTS, quiet=True)
    done = sparring_command("evaluate", "points", "--against", "mnist", "--num", 1000, "--quiet")
    assert (done.status, done.out) == (2, "")
    assert done.err == "sparring: these are points, and the data set holds images\n"


def test_data_without_a_yardstick_train_without_scores(sparring_command):
    shapes.write_idx(Path("unknown"), shapes.drawn(70, 1), shapes.drawn(20, 8))  # too few for the general one
    run = sparring.train("vanilla", data="unknown", rounds=10, out="run", settings=SMALL)
    assert run.scores() == []
    assert not checkpoint.best_path(run.path / "checkpoints").exists()
    done = sparring_command("evaluate", "run", *FEW)
    assert done.status == 2
    assert "unknown; make one with `sparring extractor train" in done.err


def scored(run: Run) -> list[dict]:
    return [{k: v for k, v in e.items() if k != "seconds"} for e in run.journal() if e["event"] == "score"]


@pytest.mark.parametrize(("recipe", "stopped_at"), [("vanilla", 15), ("dropout-mlp", 20)])
def test_quick_scores_survive_a_stop_bit_for_bit(recipe, stopped_at, folder, monkeypatch):
    settings = (
        SETTINGS[recipe] | SMALL | {"generator.widths": "[16]", "discriminator.widths": "[16]", "checkpoint": '{"rounds": 7}'}
    )

    def train(out: str) -> Run:
        return sparring.train(recipe, data=str(folder / "data"), rounds=30, out=out, settings=settings, quiet=True)

    whole, see = train("whole"), Progress.on_round

    def stop(self, info):
        see(self, info)
        if info.round == stopped_at:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Progress, "on_round", stop)
    with pytest.raises(KeyboardInterrupt):
        train("halves")
    monkeypatch.setattr(Progress, "on_round", see)
    assert Run.open("halves").newest_checkpoint()[0].info.round == stopped_at
    halves = sparring.resume("halves", quiet=True)
    assert_same_scores(whole, halves)


def test_scores_taken_after_the_newest_checkpoint_are_taken_again(folder, monkeypatch):
    settings = SMALL | {"checkpoint": '{"rounds": 7}'}

    def train(out: str) -> Run:
        return sparring.train("vanilla", data=str(folder / "data"), rounds=30, out=out, settings=settings, quiet=True)

    whole, see = train("whole"), Progress.on_round

    def kill(self, info):
        if info.round == 20:  # a quick score was taken; the newest checkpoint is that of round 14
            raise MemoryError

    monkeypatch.setattr(Progress, "on_round", kill)
    with pytest.raises(MachineError, match="too little memory"):
        train("killed")
    monkeypatch.setattr(Progress, "on_round", see)
    assert [e.round for e in Run.open("killed").scores()] == [10, 20]
    resumed = sparring.resume("killed", quiet=True)
    assert_same_scores(whole, resumed)


def assert_same_scores(whole: Run, resumed: Run) -> None:
    assert [e.round for e in whole.scores()] == [10, 20, 30]
    assert (whole.path / "scores.jsonl").read_bytes() == (resumed.path / "scores.jsonl").read_bytes()
    assert len(scored(whole)) == 3
    assert scored(whole) == scored(resumed)
    best, other = (checkpoint.read(checkpoint.best_path(run.path / "checkpoints")) for run in (whole, resumed))
    assert best.info.round == other.info.round
    assert best.info.round == min(whole.scores(), key=lambda e: e["frechet_distance"].value).round
    assert best.tensors.keys() == other.tensors.keys()
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in best.tensors.items())


@pytest.fixture
def photos(monkeypatch) -> Path:
    """Shapes of many sizes, in a folder for each class, with a cache of their own."""
    monkeypatch.setenv("SPARRING_CACHE", str(Path("cache").absolute()))
    drawn = shapes.drawn(300, 1)
    assert drawn.labels is not None
    for number, (picture, label) in enumerate(zip(drawn.images, drawn.labels.tolist(), strict=True)):
        path = Path("photos", "abc"[label], f"{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[0].numpy()).resize((16 + number % 5, 20)).save(path)
    return Path("photos")


def test_pictures_that_need_a_size_have_a_yardstick(photos, pngs, sparring_command):
    refused = sparring_command("extractor", "train", photos, "--epochs", 1)
    assert refused.status == 2
    assert "make all of one size, as --set data.size=64 does" in refused.err
    for setting in ("data.size=16", "size=16"):
        made = sparring_command("extractor", "train", photos, "--epochs", 2, "--set", setting, "--quiet")
        assert made.status == 0, made.err
    found = evaluated(sparring_command, pngs, "--against", photos, "--set", "size=16", "--quiet")
    assert found["scores"][0]["protocol"]["extractor"].startswith("photos-")
    of_python = sparring.evaluate(pngs, against=photos, settings={"size": 16}, quiet=True)
    assert of_python["frechet_distance"].value == values(found["scores"])["frechet_distance"]


def test_settings_are_those_of_the_data_that_are_named(photos, pngs, sparring_command):
    for line, words in (
        ("pngs --set size=16", "size would change the data to compare with; name them with --against"),
        ("pngs --against photos --set sise=16", "unknown setting 'sise'"),
        ("pngs --against photos --set size", "is not of the form key=value"),
    ):
        done = sparring_command("evaluate", *line.split(), "--quiet")
        assert (done.status, done.out) == (2, ""), line
        assert words in done.err, line
    (photos / "a" / "bad.png").write_bytes(b"no picture")
    for command in (("extractor", "train", photos, "--epochs", 1), ("evaluate", pngs, "--against", photos)):
        bad = sparring_command(*command, "--set", "size=16", "--quiet")
        assert "leave them out with --skip-bad" in bad.err
        assert sparring_command(*command, "--set", "size=16", "--quiet", "--skip-bad").status == 0


@pytest.fixture
def seeds(trained) -> Path:
    """Two seeds, and one that was stopped."""
    for seed in (0, 2, 10):
        copy(trained, Path("seeds") / f"seed{seed}")
    sparring.train("vanilla", data=data_of(trained), rounds=10, out="other", settings=SMALL, seed=1, quiet=True)
    copy(Path("other"), Path("seeds/seed2"))
    journal = Path("seeds/seed10/journal.jsonl")
    *lines, _ = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines))
    for name in ("SHA256SUMS", "journal.crc32"):
        Path("seeds/seed10", name).unlink(missing_ok=True)
    return Path("seeds")


def test_a_folder_of_seeds_is_scored_as_the_mean_over_its_seeds(seeds, sparring_command):
    found = evaluated(sparring_command, seeds, *FEW)
    assert [result["subject"] for result in found["runs"]] == ["seeds/seed0", "seeds/seed2"]
    assert found["skipped"] == ["seeds/seed10: unfinished"]
    assert found["runs"][0] == evaluated(sparring_command, "seeds/seed0", *FEW)
    each = [values(result["scores"]) for result in found["runs"]]
    for score in found["scores"]:
        of_seeds = [one[score["metric"]] for one in each]
        assert score["value"] == pytest.approx(mean(of_seeds))
        assert score["protocol"]["interval"] == "2 runs"
        if score["metric"] == "frechet_distance":
            assert (score["low"], score["high"]) == pytest.approx(
                (max(0, mean_interval(of_seeds)[0]), mean_interval(of_seeds)[1])
            )
    assert [len([e for e in Run.open(run).scores() if not e.quick]) for run in ("seeds/seed0", "seeds/seed2")] == [2, 1]
    shown = sparring_command("evaluate", seeds, *FEW).out
    assert "seeds/seed2: frechet distance" in shown
    assert "95 % intervals of the mean over 2 runs" in shown.replace("\n", " ")
    assert "left out: seeds/seed10: unfinished" in shown


def test_folders_of_other_runs_are_no_pictures(seeds, sparring_command):
    (seeds / "seed0").rename("seeds/first")
    (seeds / "seed2").rename("seeds/second")
    done = sparring_command("evaluate", seeds, *FEW)
    assert (done.status, done.err) == (2, "sparring: no seed of seeds came to its end (seeds/seed10: unfinished)\n")
    (seeds / "seed10").rename("seeds/third")
    done = sparring_command("evaluate", seeds, *FEW)
    assert done.status == 2
    assert "seeds is a folder of runs; name one of them, such as seeds/" in done.err
