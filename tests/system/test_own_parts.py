"""A program's own data, networks and loss take the places of a recipe's, and a run asks for them when it goes on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import relu, softplus

import shapes
import sparring
from sparring import data, losses, networks
from sparring.config.own import of_function
from sparring.data import ImageSet
from sparring.errors import InputError
from sparring.runs.generator import SavedGenerator
from sparring.runs.run import Run
from tiny import SETTINGS

SHAPES = shapes.drawn(200, seed=1)
LABELS = SHAPES.labels.numpy() if SHAPES.labels is not None else np.empty(0)
FEW = {name: value for name, value in SETTINGS["vanilla"].items() if not name.startswith("data.")}


def images():
    return data.of(SHAPES.images, SHAPES.labels)


def generator(width: int = 16, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(128, width), nn.ReLU(), nn.Linear(width, 256), nn.Tanh(), nn.Unflatten(1, (1, 16, 16)))


class Critic(nn.Module):
    """With a buffer, batch norm and a forward of its own."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.first, self.norm, self.last = nn.Linear(256, 8), nn.BatchNorm1d(8), nn.Linear(8, 1)

    def forward(self, x):
        return self.last(relu(self.norm(self.first(x.flatten(1))))).squeeze(1)


def my_loss(real_logits, fake_logits):
    return (softplus(-real_logits), softplus(fake_logits)), softplus(-fake_logits)


def pairing(real_logits, fake_logits):
    return softplus(fake_logits - real_logits), softplus(real_logits - fake_logits)


def train(out: str, rounds: int = 6, **parts) -> Run:
    return sparring.train("vanilla", out=out, rounds=rounds, settings=parts.pop("settings", {}), quiet=True, **parts)


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.newest_checkpoint()[0].tensors


def assert_same(one: Run, other: Run) -> None:
    for name, tensor in weights(one).items():
        assert torch.equal(tensor, weights(other)[name]), name


def test_data_take_a_recipes_place_and_resume_asks_for_them():
    whole = train("whole", 12, data=images(), settings=FEW)
    begun = train("begun", 6, data=images(), settings=FEW)
    assert begun.recipe.data.train().fingerprint() == begun.facts["data_fingerprint"]
    with pytest.raises(InputError, match=r"data 180 images of 1 x 16 x 16, .*; pass sparring\.resume\('begun', data"):
        sparring.resume("begun", rounds=12, quiet=True)
    for other in (data.of(SHAPES.images), data.of(255 - SHAPES.images, SHAPES.labels)):
        with pytest.raises(InputError, match="this data is not the one of begun"):
            sparring.resume("begun", data=other, rounds=12, quiet=True)
    assert_same(sparring.resume("begun", data=images(), rounds=12, quiet=True), whole)
    again = train("again", 6, data=images(), settings=FEW)
    assert_same(sparring.resume(again, rounds=12, quiet=True), whole)  # it still has its data


def test_a_recipe_may_hold_them():
    recipe = sparring.train("vanilla", data=images(), rounds=1, out="a", settings=FEW, quiet=True).recipe
    assert_same(sparring.train(recipe, out="b", quiet=True), Run.open("a"))


def test_the_same_images_in_a_file_do_as_well():
    run = train("run", data=images(), settings=FEW)
    halves = {"train": images().train(), "test": data.of(255 - SHAPES.images, SHAPES.labels).test()}
    for name, half in halves.items():
        assert isinstance(half, ImageSet)
        np.savez(f"{name}.npz", images=half.images[:, 0].numpy(), labels=half.labels.numpy() if half.labels is not None else [])
    with pytest.raises(InputError, match="was trained on other data"):
        sparring.resume(run.path, data=data.of("train.npz", test="test.npz"), rounds=8, quiet=True)
    np.savez("shapes.npz", images=SHAPES.images[:, 0].numpy(), labels=LABELS)
    resumed = sparring.resume(run.path, data="shapes.npz", rounds=8, quiet=True)
    assert json.loads(Path("run/recipe.json").read_text())["recipe"]["data"]["name"] == "npz-file"
    assert sparring.resume("run", rounds=9, quiet=True).facts["data_fingerprint"] == resumed.facts["data_fingerprint"]
    np.savez("others.npz", images=255 - SHAPES.images[:, 0].numpy(), labels=LABELS)
    with pytest.raises(InputError, match=r"was trained on other data than NpzFile\(.*others\.npz.* now holds"):
        sparring.resume("run", data="others.npz", rounds=10, quiet=True)


def test_a_file_that_has_moved(sparring_command):
    np.savez("a.npz", images=SHAPES.images[:, 0].numpy())
    train("run", data="a.npz", settings=FEW)
    Path("a.npz").rename("b.npz")
    for command in ("resume", "evaluate"):
        done = sparring_command(command, "run", *(("--rounds", "8") if command == "resume" else ()))
        assert (done.status, done.err.count("\n")) == (2, 1)
        assert "the data of run are no longer at" in done.err
        assert "name the place where they are with --data PATH" in done.err
    assert sparring_command("resume", "run", "--data", "b.npz", "--rounds", "8").status == 0
    assert sparring_command("resume", "run", "--rounds", "10").status == 0


def mean(samples, real):
    return float(samples.mean())


def test_a_run_is_scored_by_its_data_in_another_place(sparring_command):
    np.savez("a.npz", images=SHAPES.images[:, 0].numpy())
    run = train("run", data="a.npz", settings=FEW)
    before = sparring.evaluate("run", metrics=[mean], num=100, quiet=True)
    Path("a.npz").rename("b.npz")
    again = sparring.evaluate("run", data="b.npz", metrics=[mean], num=100, quiet=True)
    assert [(score.metric, score.value) for score in again.scores] == [(score.metric, score.value) for score in before.scores]
    assert again.scores[0].protocol.data_fingerprint == before.scores[0].protocol.data_fingerprint
    np.savez("others.npz", images=255 - SHAPES.images[:, 0].numpy())
    done = sparring_command("evaluate", "run", "--data", "others.npz")
    assert (done.status, done.err) == (
        2,
        "sparring: run was trained on other data than others.npz; --against (in Python: against=) compares with others\n",
    )
    for target, against in ((run, "b.npz"), (Path("run/generator"), None)):
        with pytest.raises(InputError, match="`data` says where the data of a run are now"):
            sparring.evaluate(target, data="b.npz", against=against, metrics=[mean], num=100, quiet=True)


def test_modules_and_a_function_go_on_bit_for_bit():
    own = {"generator": generator(), "discriminator": Critic(), "loss": my_loss}
    before = {name: tensor.clone() for name, tensor in own["generator"].state_dict().items()}
    whole = train("whole", 12, data=images(), **own)
    for name, tensor in own["generator"].state_dict().items():
        assert torch.equal(tensor, before[name]), "a training leaves the program's own as it was"
    assert not torch.equal(weights(whole)["generator.network.0.weight"], before["0.weight"])
    train("begun", 6, data=images(), **own)
    with pytest.raises(InputError, match=r"generator Sequential .* and discriminator Critic .*generator=\.\.\., disc"):
        sparring.resume("begun", data=images(), rounds=12, quiet=True)
    anew = {"generator": generator(seed=5), "discriminator": Critic(), "loss": my_loss}  # the weights come from the run
    opened = sparring.load("begun", data=images(), discriminator=anew.pop("discriminator"))
    assert isinstance(opened, Run)
    assert_same(sparring.resume(opened, rounds=12, quiet=True, **anew), whole)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"generator": generator(width=17)}, "this generator is not the one of run: it is Sequential"),
        ({"discriminator": generator()}, "this discriminator is not the one of run: it is Sequential"),
        ({"loss": pairing}, "this loss is not the one of run: it is pairing .* and the run has my_loss"),
    ],
)
def test_others_are_refused(part, sentence):
    own = {"data": images(), "generator": generator(), "discriminator": Critic(), "loss": my_loss}
    run = train("run", 2, **own)
    files = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=sentence):
        sparring.resume("run", rounds=4, quiet=True, **(own | part))
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == files
    registered = train("registered", 2, data=images(), settings=FEW)
    with pytest.raises(InputError, match=r"of registered is .*, which is known by its name; leave .*= out"):
        sparring.resume(registered, quiet=True, **part)


def test_the_weights_of_a_module_are_the_initial_ones_whatever_the_seed():
    module = generator(seed=4)
    for seed in (0, 1):
        built = networks.build_generator(networks.ModuleGenerator.of(module), 128, (1, 16, 16), seed)
        for name, tensor in built.state_dict().items():
            assert torch.equal(tensor, module.state_dict()[name])


def test_samples_of_a_module():
    run = train("run", 2, data=images(), generator=generator())
    expected = run.sample(5, seed=3)
    assert torch.equal(sparring.load("run", generator=generator()).sample(5, seed=3), expected)
    first, checkpoint = sorted(Path("run/checkpoints").glob("round_*"))
    assert first.stem == "round_00000000"  # no seed gives its weights again
    for place in (checkpoint, Path("run/generator")):
        assert torch.equal(sparring.load(place, generator=generator()).sample(5, seed=3), expected)
        with pytest.raises(InputError, match=r"pass it in Python: sparring\.load\(RUN, generator=\.\.\.\)"):
            sparring.load(place)
        with pytest.raises(InputError, match="generator is not the one of"):
            sparring.load(place, generator=generator(width=9))
    found = sparring.load("run")
    assert isinstance(found, Run)
    with pytest.raises(InputError, match="was a program's own"):
        found.sample(1)
    assert isinstance(found.scores(), list)


def test_a_command_says_what_to_do(sparring_command):
    train("run", 2, data=images(), generator=generator())
    for command in (["sample", "run"], ["resume", "run", "--rounds", "4"], ["evaluate", "run"]):
        done = sparring_command(*command)
        assert done.status == 2, command
        assert "program's own" in done.err
        assert "Traceback" not in done.err


class Frozen(Critic):
    def __init__(self):
        super().__init__()
        self.first.requires_grad_(False)


class Unused(Critic):
    def __init__(self):
        super().__init__()
        self.other = nn.Linear(3, 3)


class Still(nn.Module):
    def forward(self, x):
        return x.flatten(1).mean(1)


class Failing(nn.Module):
    def forward(self, z):
        raise RuntimeError("out of\nideas")


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"generator": nn.Linear(128, 4)}, r"gives float32 \[2, 4\] for .* \[2, 128\]; it must give float32 \[2, 1, 16, 16\]"),
        ({"generator": nn.Linear(3, 4)}, r"the generator Linear fails on an input of \[2, 128\]: RuntimeError: mat1"),
        ({"generator": Failing()}, r"the generator Failing fails on .*: RuntimeError: out of ideas"),
        ({"generator": generator().double()}, "the generator Sequential fails"),
        ({"discriminator": Frozen()}, "the discriminator Frozen has a frozen parameter 'first.weight'; make it a buffer"),
        ({"discriminator": Unused()}, "Unused has a parameter 'other.weight' that its output does not depend on; remove it"),
        ({"discriminator": Still()}, "the discriminator Still has no parameters to train"),
        ({"generator": nn.LazyLinear(256)}, "generator LazyLinear has layers without weights yet; call it once before"),
        (
            {"generator": nn.LSTM(128, 2)},
            r"gives a tuple for an input of \[2, 128\]; it must give a tensor \[2, 1, 16, 16\]",
        ),
        ({"discriminator": nn.Flatten()}, r"gives float32 \[2, 256\] .* it must give float32 \[2\]$"),
        (
            {"discriminator": nn.Sequential(nn.Flatten(), nn.Linear(256, 1))},
            r"gives float32 \[2, 1\] .* it must give float32 \[2\]; end it with nn\.Flatten\(0\)",
        ),
        ({"generator": Failing}, r"generator is the class Failing; it must be a torch\.nn\.Module, or a configuration"),
        ({"discriminator": my_loss}, "discriminator is of type function; it must be a torch.nn.Module"),
        ({"data": SHAPES.images}, r"data is of type Tensor; it must be a data set; make one with sparring\.data\.of"),
        ({"loss": 3}, "loss is of type int; it must be a function of the logits"),
        ({"loss": nn.BCELoss}, "loss is the class BCELoss; it must be a function"),
        ({"loss": lambda real, fake: (real.mean(), -fake)}, r"gives D a scalar; it must give a value per sample, \[N\]"),
        ({"loss": lambda real, fake: (real, fake.sum())}, "gives G a scalar"),
        ({"loss": lambda real, fake: (real, 1.0)}, "gives G a scalar"),
        ({"loss": lambda real, fake: real - fake}, "must return two things, what D minimises and what G minimises"),
        ({"loss": lambda real: real}, r"fails on logits \[4\] and \[4\]: TypeError"),
        ({"loss": lambda real, fake: (real[:, None], fake)}, r"gives D values of shape \[3, 1\]"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(part, sentence):
    with pytest.raises(InputError, match=sentence):
        train("run", **({"data": images()} | part))
    assert not Path("run").exists()


def test_a_killed_run_without_a_checkpoint_is_trained_anew():
    run = train("run", 2, data=images(), generator=generator(), settings={"discriminator.widths": "[16]"})
    for path in Path("run/checkpoints").iterdir():
        path.unlink()
    lines = Path("run/journal.jsonl").read_text().splitlines(keepends=True)
    Path("run/journal.jsonl").write_text(lines[0])
    Path("run/journal.crc32").unlink()
    with pytest.raises(InputError, match="before it had saved the weights of your own module; train it anew"):
        sparring.resume(run, quiet=True)


def test_several_seeds_say_that_objects_do_not_reach_them():
    with pytest.raises(InputError, match=r"data is of type InMemoryData, and several seeds .*; save the data as an \.npz file"):
        sparring.train_seeds("vanilla", [0, 1], data=images(), quiet=True)
    with pytest.raises(InputError, match=r"generator is of type Sequential, .*; register it in a Python file with a recipe"):
        sparring.train_seeds("vanilla", [0, 1], generator=generator(), quiet=True)
    np.savez("shapes.npz", images=SHAPES.images[:, 0].numpy(), labels=LABELS)
    found = sparring.train_seeds("vanilla", [0, 1], data="shapes.npz", settings=FEW, rounds=2, out="seeds", quiet=True)
    assert len(found.runs) == 2


def test_a_function_gives_what_the_registered_loss_gives():
    settings = {"loss": "non-saturating"} | FEW
    registered = train("registered", data=images(), settings=settings)
    assert_same(train("own", data=images(), loss=my_loss, settings=FEW), registered)
    settings["loss"], moves = "relativistic-pairing", {"round.moves": '["move-d", "move-g"]'}
    registered = train("pairs", data=images(), settings=settings | moves)
    own = sparring.train(
        sparring.Recipe(**{f: getattr(registered.recipe, f) for f in registered.recipe.__dataclass_fields__}),
        loss=pairing,
        out="own-pairs",
        quiet=True,
    )
    assert_same(own, registered)


def test_a_loss_is_relativistic_where_g_sees_real_logits():
    def average(real, fake):
        return (softplus(fake.mean() - real), softplus(fake - real.mean())), softplus(real.mean() - fake)

    def noisy(real, fake):
        return (softplus(-real), softplus(fake)), softplus(-fake + 0.1 * torch.rand_like(fake))

    kinds = {f: isinstance(losses.own_loss(f), losses.RelativisticLoss) for f in (my_loss, pairing, average, noisy)}
    assert list(kinds.values()) == [False, True, True, False]
    setattr(noisy, "probabilistic", False)  # noqa: B010
    assert not losses.is_probabilistic(losses.own_loss(noisy))
    assert losses.is_probabilistic(losses.own_loss(my_loss))


def test_fingerprints_of_functions():
    namespace: dict = {}
    exec("def f(a, b):\n    return (a, -b), b", namespace)  # without source
    one = namespace["f"]
    exec("def f(a, b):\n    return (a, -b), -b", namespace)
    assert of_function(one) == of_function(one)
    assert of_function(one) != of_function(namespace["f"])
    same, other = (lambda a, b: (a, b)), (lambda a, b: (b, a))
    assert of_function(same) != of_function(other)
    assert of_function(nn.L1Loss()) == of_function(nn.L1Loss()) != of_function(nn.MSELoss())


SCRIPT = """
import os, sys
import torch
import sparring
from sparring.config import devices

devices.tune_process()
other = int(sys.argv[1]) * int(os.environ["RANK"])
x = torch.arange(64 * 256).view(64, 16, 16).remainder(251 + other).to(torch.uint8)
run = sparring.train("vanilla", data=sparring.data.of(x), rounds=2, out=sys.argv[2], quiet=True,
                     settings={"generator.widths": "[8]", "discriminator.widths": "[8]", "batch_size": "8"})
sparring.resume(run, rounds=4, quiet=True)
"""


def torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    Path("own.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "own.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_processes_of_torchrun_each_pass_their_own_which_must_be_the_same():
    done = torchrun("0", "run")
    assert done.returncode == 0, done.stderr
    assert Run.open("run").facts["processes"] == 2
    assert Run.open("run").newest_checkpoint()[0].info.round == 4
    done = torchrun("1", "other")
    assert done.returncode
    assert "has other data than rank 0; all processes have to train on the same" in done.stderr


def test_a_recipes_own_kinds_are_kept():
    assert isinstance(train("run", 1, data=images(), settings=FEW).recipe.data.train(), ImageSet)
    assert isinstance(sparring.load("run/generator"), SavedGenerator)
