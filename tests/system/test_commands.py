"""The commands as a person types them: what they print, leave behind, and say to bad input."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

import sparring
from sparring.api.resolve import resolve
from sparring.api.session import Options, Session
from sparring.config.threads import ThreadChoice, own_number
from sparring.distributed.single_process import SingleProcess
from sparring.errors import InputError
from sparring.runs.listing import damage, summaries
from sparring.runs.progress import Progress
from sparring.runs.run import Run
from tiny import SETTINGS

PROMISED_FILES = """
recipe.json journal.jsonl losses.png traces.png training.gif generator/config.json generator/README.md
generator/model.safetensors samples/real.png samples/000.png samples/epoch_0001.png samples/epoch_0002.png
"""
TINY = [f"--set={name}={value}" for name, value in SETTINGS["vanilla"].items()]


@pytest.fixture
def run(tmp_path) -> Run:
    return sparring.train("vanilla", epochs=2, out=tmp_path / "run", settings=SETTINGS["vanilla"], quiet=True)


def picture(path: str | Path) -> Image.Image:
    with Image.open(path) as image:
        return image.copy()


def test_train_prints_one_json_value_and_leaves_the_promised_files(sparring_command):
    done = sparring_command("train", "vanilla", "--epochs", 2, "--out", "run", "--json", *TINY)
    assert done.status == 0
    result = json.loads(done.out)
    assert result["recipe"] == "vanilla"
    assert (result["rounds"], result["images"], result["epochs"]) == (22, 2000, 2.0)
    assert result["images_per_second"] == pytest.approx(result["images"] / result["seconds"])
    for name in PROMISED_FILES.split():
        assert Path("run", name).is_file(), name
    assert Path(result["grid"]) == Path("run/samples/epoch_0002.png")
    with Image.open(result["animation"]) as gif:
        assert getattr(gif, "n_frames", 1) == 2
    recorded = json.loads(Path("run/recipe.json").read_text())
    assert recorded["schema"] == 1
    assert recorded["recipe"]["generator"]["widths"] == [16]
    assert {"torch", "python", "device", "threads", "data_fingerprint"} <= recorded.keys()
    assert recorded["engine"] == "fast"


def test_lengths_end_at_the_first_round_that_reaches_them(tmp_path):
    settings = SETTINGS["vanilla"] | {"batch_size": "64"}  # 16 rounds an epoch, the last one of 40 images
    cases: list[tuple[dict[str, Any], int]] = [({"images": 100}, 2), ({"epochs": 1}, 16), ({"rounds": 5}, 5)]
    for length, rounds in cases:
        out = tmp_path / next(iter(length))
        done = sparring.train("vanilla", out=out, settings=settings, quiet=True, **length)
        assert done.newest_checkpoint()[0].info.round == rounds


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    runs = [
        sparring.train("dcgan", rounds=4, out=tmp_path / str(i), seed=seed, settings=SETTINGS["dcgan"], quiet=True)
        for i, seed in enumerate((0, 0, 1))
    ]
    first, same, other = (run.sample(3, seed=5) for run in runs)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_a_run_goes_on_with_the_threads_that_it_has_been_trained_with(sparring_command, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    with own_number(3):
        assert not sparring_command("train", "ring", "--rounds", "2", "--out", "run", "--threads", "2").status
        assert not sparring_command("resume", "run", "--rounds", "3").status
        assert not sparring_command("resume", "run", "--rounds", "4", "--threads", "1").status
        assert torch.get_num_threads() == 3
    run = sparring.Run.open("run")
    assert run.facts["threads"] == 2
    assert [event["threads"] for event in run.journal() if event["event"] == "resume"] == [2, 1]


@pytest.mark.parametrize(("asked", "number"), [(2, 2), (None, 1)])
def test_processes_that_train_together_choose_no_threads_and_take_those_that_are_asked_for(asked, number, monkeypatch):
    monkeypatch.setattr(ThreadChoice, "take", lambda self, *_: torch.set_num_threads(asked or 9))
    with Progress(quiet=True) as progress, own_number(1):
        session = Session(Options(threads=asked), SingleProcess(size=2), torch.device("cpu"), progress)
        built, _ = session.build(resolve("ring", {}), seed=0)
        assert (torch.get_num_threads(), built.cores) == (number, None)


def test_a_number_of_threads_is_a_whole_one():
    values: tuple[Any, ...] = (0, True, 1.5, 10**9)
    for threads in values:
        with pytest.raises(InputError, match=r"threads is .*; it must be"):
            sparring.train("ring", threads=threads)


def test_training_leaves_the_users_random_state_alone(tmp_path):
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    sparring.train("dropout-mlp", rounds=2, out=tmp_path / "run", settings=SETTINGS["dropout-mlp"], quiet=True)
    assert torch.equal(torch.rand(3), expected)


def test_sample_of_a_run_and_of_its_generator_folder_agree(run):
    images = sparring.load(run.path).sample(num=16, seed=0)
    assert images.shape == (16, 1, 28, 28)
    assert images.abs().max() <= 1
    assert torch.equal(images, sparring.load(run.path / "generator").sample(num=16, seed=0))
    assert not torch.equal(images, run.sample(num=16, seed=1))


def test_sample_writes_grids_arrays_and_folders(run, sparring_command):
    for out in ("grid.png", "samples.npz", "folder"):
        assert sparring_command("sample", run.path, "--num", 9, "--seed", 2, "--out", out).status == 0
    with np.load("samples.npz", allow_pickle=False) as arrays:
        images = arrays["images"]
    assert images.shape == (9, 28, 28)
    assert images.dtype == np.uint8
    assert picture("grid.png").size == (184, 184)  # twice the pixels, as in the run's own pictures
    assert picture("grid.png").size[0] / 3 == pytest.approx(picture(run.frames()[-1]).size[0] / 8, abs=2)
    assert len(list(Path("folder").iterdir())) == 9
    np.testing.assert_array_equal(np.asarray(picture("folder/00004.png")), images[4])


def test_animate_training_and_latent_space(run, sparring_command):
    assert sparring_command("animate", run.path, "--out", "training.gif", "--frames", "square-root").status == 0
    done = sparring_command("animate", run.path, "--latent", "--out", "walk.gif", "--json")
    assert json.loads(done.out) == {"out": "walk.gif", "frames": 90}
    with Image.open("walk.gif") as gif:
        assert getattr(gif, "n_frames", 1) == 90
        assert {frame.info["duration"] for frame in ImageSequence.Iterator(gif)} == {100}  # it loops without a rest
    with Image.open("training.gif") as gif:
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(gif)][-1] > 2000


def test_recipes_are_listed_and_resolved(sparring_command):
    listing = json.loads(sparring_command("recipes", "--json").out)
    assert {"vanilla", "upsample", "dropout-mlp", "dcgan", "paper", "quick"} <= {r["name"] for r in listing}
    assert all(r["summary"] and r["source"] for r in listing)
    one = json.loads(sparring_command("recipes", "paper", "--json").out)
    assert one["settings"]["z"] == {"name": "normal", "num": 256}
    assert "z.num = 256" in sparring_command("recipes", "paper").out


def test_a_recipe_is_shown_with_the_ranges_of_its_settings(sparring_command):
    described = json.loads(sparring_command("recipes", "wgan-gp", "--json").out)
    assert list(described)[-2:] == ["settings", "ranges"]
    assert described["ranges"]["g_optim.lr"] == "above 0"
    assert described["ranges"]["packing"] == "in 1..64"
    lines = sparring_command("recipes", "wgan-gp").out.partition("\n\ndata = ")[2].splitlines()[1:]
    assert f"d_optim.lr = {described['settings']['d_optim']['lr']}  (above 0)" in lines
    for path, text in (line.split(" = ", 1) for line in lines):
        _, end = json.JSONDecoder().raw_decode(text)
        assert text[end:] == (f"  ({described['ranges'][path]})" if path in described["ranges"] else "")


def test_runs_lists_states_and_latest_is_the_newest(run, sparring_command):
    sparring.train("paper", rounds=3, out=Path("runs/new"), settings=SETTINGS["paper"], quiet=True)
    rows = json.loads(sparring_command("runs", "runs", "--json").out)
    assert [(row["recipe"], row["state"], row["rounds"]) for row in rows] == [("paper", "finished", 3)]
    assert rows[0]["set"] == SETTINGS["paper"]
    assert " ".join(f"{name}={text}" for name, text in SETTINGS["paper"].items())[:30] in sparring_command("runs").out
    assert sparring_command("sample", "latest", "--num", 1).status == 0


def test_commands_on_a_run_take_the_latest_by_default(sparring_command):
    for command in ("resume", "sample", "evaluate", "animate"):
        assert "there is no run under runs/ yet" in sparring_command(command).err
    assert sparring_command("train", "vanilla", "--rounds", 22, "--quiet", *TINY).status == 0
    assert sparring_command("sample", "--out", "default.png").status == 0
    assert sparring_command("sample", "latest", "--out", "named.png").status == 0
    assert Path("default.png").read_bytes() == Path("named.png").read_bytes()


def test_help_is_shown_without_a_command_and_for_h(sparring_command):
    helps = [sparring_command(*args) for args in ((), ("-h",), ("--help",))]
    assert [done.status for done in helps] == [0, 0, 0]
    assert helps[0].out == helps[1].out == helps[2].out
    assert sparring_command("train", "-h").out == sparring_command("train", "--help").out


def test_start_from_takes_the_weights_of_another_run(run, tmp_path):
    settings = SETTINGS["vanilla"] | {"optim.lr": "1e-30"}
    child = sparring.train("vanilla", rounds=1, out=tmp_path / "child", settings=settings, start_from=run.path, quiet=True)
    assert torch.equal(child.sample(4), run.sample(4))


def test_dry_run_says_what_to_expect_and_writes_nothing(sparring_command):
    done = sparring_command("train", "vanilla", "--dry-run", "--json")
    expectation = json.loads(done.out)
    assert expectation["generator_parameters"] == 128 * 256 + 256 + 256 * 784 + 784
    assert expectation["discriminator_parameters"] == 784 * 256 + 256 + 256 + 1
    others = expectation["seconds_of_reviews"] + expectation["seconds_of_pictures"]
    assert others > 0
    assert expectation["seconds_to_expect"] == pytest.approx(55.0 * expectation["ms_per_round"] + others)
    assert not list(Path().iterdir())


def test_a_dry_run_says_that_one_rate_replaces_two(sparring_command):
    done = sparring_command("train", "gaussian", "--dry-run", "--set", "lr=1e-4", "--quiet")
    assert "lr sets both learning rates, where the recipe has" in done.err


def test_a_dry_run_counts_reviews_and_pictures_as_often_as_they_are_due(sparring_command):
    settings = [*TINY, "--epochs=4000", '--set=review={"epochs": 2}', "--quiet", "--json"]
    found = json.loads(sparring_command("train", "vanilla", "--dry-run", *settings).out)
    rarer = [*settings[:-3], '--set=review={"epochs": 2000}', *settings[-2:]]
    rare = json.loads(sparring_command("train", "vanilla", "--dry-run", *rarer).out)
    assert found["seconds_of_reviews"] > 20 * rare["seconds_of_reviews"] > 0  # a thousand times as often
    plain = [*settings[:-3], "--set=review=null", "--set=pictures=[]", *settings[-2:]]
    bare = json.loads(sparring_command("train", "vanilla", "--dry-run", *plain).out)
    assert bare["seconds_of_reviews"] == bare["seconds_of_pictures"] == 0


def test_toys_train_and_are_drawn_as_points(sparring_command):
    settings = ["--set=generator.output=linear", *TINY[1:], "--set=data.num=500"]
    done = sparring_command("train", "vanilla", "--data", "ring", "--rounds", 5, "--out", "run", *settings)
    assert done.status == 0, done.err
    assert sparring_command("sample", "run", "--out", "points.npz").status == 0
    with np.load("points.npz", allow_pickle=False) as arrays:
        assert arrays["points"].shape == (64, 2)


def test_a_users_own_recipe_file_trains_and_stays_readable(sparring_command):
    Path("mine.py").write_text(
        "from dataclasses import replace\n"
        "from sparring import recipes\n"
        "from sparring.config.registry import register\n\n"
        "@register('recipe')\n"
        "def my_own():\n"
        '    """A small one."""\n'
        "    return replace(recipes.get('vanilla'), batch_size=50)\n"
    )
    done = sparring_command("train", "mine.py", "--rounds", 3, "--out", "run", "--json", *TINY[:1])
    assert json.loads(done.out)["recipe"] == "my-own"
    assert Run.open("run").recipe.batch_size == 50
    Path("mine.py").write_text(Path("mine.py").read_text().replace("batch_size=50", "batch_size=40"))
    assert sparring_command("train", "mine.py", "--rounds", 3, "--out", "newer", *TINY[:1]).status == 0
    assert Run.open("newer").recipe.batch_size == 40


def test_runs_with_a_part_of_ones_own_open_with_the_file_that_registers_it(tmp_path):
    Path("mine.py").write_text(
        "from dataclasses import dataclass, replace\n"
        "from sparring import recipes\n"
        "from sparring.losses import NonSaturating\n"
        "from sparring.config.registry import register\n\n"
        "@register('loss')\n"
        "@dataclass(frozen=True)\n"
        "class MyLoss(NonSaturating):\n"
        '    """The same under another name."""\n\n'
        "@register('recipe')\n"
        "def with_my_loss():\n"
        '    """One with its own loss."""\n'
        "    return replace(recipes.get('vanilla'), loss=MyLoss())\n"
    )
    sparring = [sys.executable, "-m", "sparring"]
    assert subprocess.run([*sparring, "train", "mine.py", "--rounds=2", "--out=run", *TINY]).returncode == 0
    (row,) = summaries(Path())
    assert (row["recipe"], row["state"], row["rounds"]) == ("with-my-loss", "finished", 2)
    assert damage(Path(), lambda *_: None) == {"run": []}
    without = subprocess.run([*sparring, "resume", "run", "--rounds=3"], capture_output=True, text=True)
    assert without.returncode == 2
    assert "unknown loss 'my-loss'" in without.stderr
    assert "--with FILE.py" in without.stderr
    assert subprocess.run([*sparring, "resume", "run", "--rounds=3", "--with=mine.py"]).returncode == 0


def test_too_little_memory_is_status_4(sparring_command):
    done = sparring_command("train", "vanilla", "--rounds", 1, "--out", "run", "--set=generator.widths=[100000000000]")
    assert done.status == 4
    assert "too little memory" in done.err
    assert "more were asked for" in done.err
    assert "narrower networks need less" in done.err


def test_reproduce_prints_the_tutorials_numbers_beside_ours(sparring_command, tmp_path):
    done = sparring_command("reproduce", "vanilla", "--rounds", 1, "--out", "here", "--json")
    assert json.loads(done.out)["lines"] == []
    done = sparring_command("reproduce", "vanilla", "--rounds", 2, "--out", "here", "--json")  # goes on with the same run
    assert json.loads(done.out)["runs"][0]["rounds"] == 2


def test_data_check_reports_counts(sparring_command):
    report = json.loads(sparring_command("data", "check", "mnist", "--json").out)
    assert (report["train"], report["test"]) == (60000, 10000)
    assert sum(report["per_class"].values()) == 60000
    names = {row["name"] for row in json.loads(sparring_command("data", "list", "--json").out)}
    assert {"mnist", "gaussian-1d", "ring"} <= names


BAD = [
    (["train", "vanila"], "unknown recipe 'vanila'; did you mean 'vanilla'?"),
    (["train", "vanilla", "--data", "mnits"], "did you mean 'mnist'"),
    (["train", "vanilla", "--epochs", "0"], "'--epochs': 0 is not in the range"),
    (["train", "vanilla", "--epochs", "-1"], "'--epochs': -1 is not in the range"),
    (["train", "vanilla", "--epochs", "two"], "'two' is not a valid integer"),
    (["train", "vanilla", "--epochs", "1", "--rounds", "2"], "exactly one of epochs, images, rounds, minutes"),
    (["train", "vanilla", "--set", "optim.lr=fast"], 'optim.lr is "fast"; it must be a number'),
    (["train", "vanilla", "--set", "optim.lr=-1"], "optim.lr is -1.0; it must be above 0"),
    (["train", "vanilla", "--set", "optim.rate=1"], "unknown setting 'optim.rate'"),
    (["train", "vanilla", "--set", "learning_rate=1"], "unknown setting 'learning_rate'; did you mean 'optim.lr'?"),
    (["train", "flash", "--set", "gamma=1"], "unknown setting 'gamma'; did you mean 'penalties.0.gamma'?"),
    (["train", "vanilla", "--lr", "1e-4"], "there is no option --lr; write --set optim.lr=VALUE"),
    (["train", "vanilla", "--batch-size=32"], "there is no option --batch-size; write --set batch_size=VALUE"),
    (["train", "vanilla", "--iterations=32"], "there is no option --iterations; write --rounds N"),
    (["train", "flash", "--fp16"], "there is no option --fp16; write --precision bf16"),
    (["train", "vanilla", "--precision", "bf16"], "precision is bf16, but "),
    (["train", "flash", "--precision", "float16"], "'float16' is not one of 'float32', 'tf32', 'bf16', 'auto'"),
    (
        ["train", "flash", "--precision", "bf16", "--set", "precision=tf32"],
        "is short for --set precision=...; give one of the two",
    ),
    (["train", "vanilla", "--epoch=32"], "Did you mean '--epochs'?"),
    (["train", "vanilla", "--set", "batchsize=1"], "did you mean 'batch_size'?"),
    (["train", "vanilla", "--set", "batch_size=1.5"], "batch_size is 1.5; it must be a whole number"),
    (["train", "vanilla", "--set", "loss=hinges"], "unknown loss 'hinges'"),
    (["train", "vanilla", "--set", "generator.widths=[]"], "generator.widths is []; it must be one or more numbers"),
    (["train", "vanilla", "--set", "generator=dcgan-discriminator"], "unknown generator"),
    (["train", "vanilla", "--set", "generator.initial.weight_std=-1"], "initial.weight_std is -1.0; it must be at least 0"),
    (["train", "dcgan", "--set", "batch_size=1"], "batch_size is 1; it must be at least 2"),
    (["train", "vanilla", "--set", "generator.slope=NaN"], 'generator.slope is "NaN"; it must be a number'),
    (["train", "dcgan", "--set", "discriminator.slope=-0.1"], "discriminator.slope is -0.1"),
    (["train", "vanilla", "--dry-run", "--from", "nowhere"], "nowhere is no run"),
    (["train", "vanilla", "--set", "nothing"], "is not of the form key=value"),
    (["train", "vanilla", "--device", "cuda"], "no CUDA device"),
    (["train", "vanilla", "--device", "cuda:1"], "device cuda:1: PyTorch sees no CUDA device"),
    (["train", "vanilla", "--device", "cuda:x"], "unknown device 'cuda:x'; the choices are auto, cpu, cuda, cuda:N, mps"),
    (["train", "vanilla", "--dry-run", "--device", "gpu"], "unknown device 'gpu'"),
    (["train", "vanilla", "--seeds", "0", "--device", "gpu"], "unknown device 'gpu'"),
    (["evaluate", "latest", "--device", "gpu"], "unknown device 'gpu'"),
    (["bench", "ring", "--device", "gpu"], "unknown device 'gpu'"),
    (["reproduce", "vanilla", "--device", "gpu"], "unknown device 'gpu'"),
    (["train", "vanilla", "--engine", "capture", "--device", "cpu"], "records rounds on CUDA in a single process, not on cpu"),
    (["train", "vanilla", "--threads", "0"], "'--threads': 0 is not in the range 1<=x<=4096"),
    (["evaluate", "latest", "--threads", "many"], "'many' is not a valid integer"),
    (["train", "dcgan", "--data", "ring"], "needs images of 28 x 28"),
    (["train", "nowhere.py"], "there is no file nowhere.py"),
    (["train", "vanilla", "--from", "nowhere"], "nowhere is no run"),
    (["train"], "Missing argument 'RECIPE'; `sparring recipes` lists them"),
    (["train", "--from", "nowhere"], "nowhere is no run"),
    (["train", "--replay", "nowhere"], "nowhere is no run"),
    (["train", "--replay", "nowhere", "--seeds", "0-1"], "--replay plays one run; leave out --seeds"),
    (["train", "--replay", "nowhere", "--set", "lr=1"], "nowhere is played again as it was, so leave out settings"),
    (["train", "--from", "nowhere", "--seeds", "0-1"], "--seeds needs a RECIPE"),
    (["train", "vanilla", "--out", "used"], "used is not empty"),
    (["train", "vanilla", "--out", "file"], "file is a file"),
    (["resume", "nowhere"], "nowhere is no run"),
    (["resume", "latest"], "there is no run under runs/"),
    (["sample", "nowhere"], "nowhere is no run"),
    (["reproduce", "vanila"], "did you mean 'vanilla'?"),
    (["reproduce", "vanilla", "--seeds", "a"], "is not a list of seeds"),
    (["runs", "nowhere"], "there is no folder nowhere"),
    (["tain", "vanilla"], "did you mean 'train' or 'data'?"),
    (["data", "fetch", "nothing"], "neither a data set nor a folder"),
]


@pytest.mark.parametrize(("args", "sentence"), BAD, ids=[" ".join(args) for args, _ in BAD])
def test_bad_input_gets_one_sentence_and_status_2(args, sentence, sparring_command, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    Path("used").mkdir()
    Path("used/something").touch()
    Path("file").touch()
    before = sorted(Path().rglob("*"))
    done = sparring_command(*args)
    assert done.status == 2
    last = done.err.splitlines()[-1]
    assert last.startswith("sparring: ")
    assert sentence in last
    assert "Traceback" not in done.err
    assert done.out == ""
    assert sorted(Path().rglob("*")) == before


def test_runs_that_cannot_be_opened_say_why(run, sparring_command):
    facts = json.loads((run.path / "recipe.json").read_text())
    (run.path / "SHA256SUMS").unlink()
    for change, sentence in (
        ({"schema": 99}, "schema 99; this version reads up to 1"),
        ({"recipe": facts["recipe"] | {"surprise": 1}}, "unknown setting 'recipe.surprise'"),
        ({"recipe": facts["recipe"] | {"loss": {"name": "os.system"}}}, "unknown loss 'os.system'"),
        ({"data_fingerprint": "0"}, "other data"),
    ):
        (run.path / "recipe.json").write_text(json.dumps(facts | change))
        done = sparring_command("resume", run.path)
        assert done.status == 2
        assert sentence in done.err.splitlines()[-1]
    (run.path / "recipe.json").write_text("{")
    assert sparring_command("resume", run.path).status == 2


def test_a_run_without_a_checkpoint_says_so(run, sparring_command):
    for path in (run.path / "checkpoints").iterdir():
        path.unlink()
    done = sparring_command("resume", run.path)
    assert done.status == 2
    assert "the checkpoints of" in done.err
    assert "are gone; restore them from a copy, or train anew" in done.err


def test_divergence_stops_the_run_with_status_3_and_names_the_term(sparring_command):
    settings = [*TINY, "--set=optim.lr=1e30", "--set=journal.rounds=1"]
    done = sparring_command("train", "vanilla", "--rounds", 400, "--out", "run", *settings)
    assert done.status == 3
    assert "became" in done.err.splitlines()[-1]
    assert list(Run.open("run").journal())[-1]["ending"] == "non-finite"


def test_weights_that_are_no_longer_finite_are_neither_drawn_nor_saved(sparring_command):
    dcgan = [f"--set={name}={value}" for name, value in SETTINGS["dcgan"].items()]
    done = sparring_command("train", "dcgan", "--rounds", 1, "--out", "run", *dcgan, "--set=optim.lr=1e38")
    assert done.status == 3
    assert "a sample of the generator became nan at round 1 (epoch 1)" in done.err.splitlines()[-1]
    assert "no checkpoint had been saved yet" in done.err
    assert not Path("run/generator").exists()
    assert list(Run.open("run").journal())[-1]["ending"] == "non-finite"


def test_weights_that_are_no_longer_finite_are_not_saved(sparring_command):
    dcgan = [f"--set={name}={value}" for name, value in SETTINGS["dcgan"].items()]
    settings = [*dcgan, "--set=optim.lr=1e39", "--set=pictures=[]"]
    done = sparring_command("train", "dcgan", "--rounds", 1, "--out", "run", *settings)
    assert done.status == 3
    assert "weight of the generator became inf at round 1 (epoch 1)" in done.err.splitlines()[-1]
    assert not Path("run/generator").exists()
    assert not Path("run/checkpoints").exists()


def test_sampling_leaves_the_users_random_state_alone(run):
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    run.sample(3)
    assert torch.equal(torch.rand(2), expected)


def test_reproduce_refuses_the_run_of_another_recipe(sparring_command):
    sparring.train("paper", rounds=2, out="rep/seed0", settings=SETTINGS["paper"], quiet=True)
    done = sparring_command("reproduce", "vanilla", "--rounds", 2, "--out", "rep")
    assert done.status == 2
    assert "holds paper, seed 0" in done.err


def test_pictures_of_any_size_train_once_a_size_is_named(sparring_command, tmp_path, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    for number in range(40):
        folder = tmp_path / "mine" / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30 + number, 50), (5 * number, 90, 10)).save(folder / f"{number}.png")
    refused = sparring_command("train", "vanilla", "--data", "mine", "--rounds", 2, "--out", "run", *TINY[1:])
    assert refused.status == 2
    assert "--set data.size=64" in refused.err
    report = json.loads(sparring_command("data", "check", "mine", "--set", "size=28", "--json").out)
    assert (report["pictures"], report["shape"], report["num_bad"]) == (40, "3 x 28 x 28", 0)
    assert "problem" in json.loads(sparring_command("data", "check", "mine", "--json").out)
    done = sparring_command(
        "train", "vanilla", "--data", "mine", "--set", "data.size=28", "--rounds", 2, "--out", "run", *TINY[1:]
    )
    assert done.status == 0, done.err
    written = json.loads((tmp_path / "run" / "recipe.json").read_text(encoding="utf-8"))["recipe"]["data"]
    assert (written["name"], written["size"]) == ("picture-folder", 28)
    assert sparring_command("resume", "run", "--rounds", 3).status == 0
