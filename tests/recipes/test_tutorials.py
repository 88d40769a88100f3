import inspect
import json
import re
from operator import attrgetter

import pytest

import sparring
from sparring import recipes
from sparring.config import codec, registry
from sparring.config.schedules import Duration, Interval
from sparring.data import Mnist
from sparring.losses import NonSaturating
from sparring.networks import (
    DcganDiscriminatorConfig,
    DcganGeneratorConfig,
    FirstLayer,
    Gaussian,
    GlorotNormal,
    GlorotUniform,
    MLPDiscriminatorConfig,
    MLPGeneratorConfig,
    UpsampleDiscriminatorConfig,
    UpsampleGeneratorConfig,
)
from sparring.networks.latents import Normal, Uniform
from sparring.recipe import MoveBoth, MoveD, MoveG, Recipe
from sparring.visual import frame_indices
from sparring.visual.snapshots import BeforeTraining, FixedGrid, FreshGrid, RealBesideGenerated, Strip
from tiny import miniature

VANILLA_INITIAL = Gaussian(weight_std=0.01, bias_std=0.01)
PAPER_INITIAL = Gaussian(weight_std=0.01, bias_std=0.0)
DROPOUT_INITIAL = GlorotNormal(bias_low=0.1, bias_high=0.2)
UPSAMPLE_D_INITIAL = FirstLayer(first=Gaussian(weight_std=0.02, bias_std=0.0), rest=GlorotUniform())

QUIRKS = {
    "vanilla": {
        "data": Mnist(held_back=5000),  # TensorFlow's reader kept them for validation
        "order": "file",
        "z": Normal(128),
        "generator": MLPGeneratorConfig(
            widths=(256,), activation="relu", dropout=0.0, output="sigmoid", initial=VANILLA_INITIAL
        ),
        "discriminator": MLPDiscriminatorConfig(
            widths=(256,), activation="relu", dropout=0.0, unit_range=True, initial=VANILLA_INITIAL
        ),
        "loss": NonSaturating(real_target=1.0),
        "round.moves": (MoveG(z="fresh"), MoveD(z="same", fakes_from="training", batch="separate")),
        "round.read": "after",
        "g_optim.lr": 2e-4,
        "d_optim.lr": 2e-4,
        "g_optim.beta1": 0.9,
        "d_optim.beta1": 0.9,
        "g_optim.beta2": 0.999,
        "d_optim.beta2": 0.999,
        "g_optim.eps": 1e-8,
        "d_optim.eps": 1e-8,
        "g_optim.epsilon": "hat",
        "d_optim.epsilon": "hat",
        "shared_clock": True,  # one TensorFlow 1 optimiser for both
        "batch_size": 100,
        "length": Duration(epochs=100),
        "test_traces": False,
    },
    "upsample": {
        "data": Mnist(held_back=0),
        "order": "with-replacement",
        "z": Uniform(100),
        "generator": UpsampleGeneratorConfig(
            hidden=512, width=128, slope=0.2, bn_eps=1e-3, bn_momentum=0.01, initial=GlorotUniform()
        ),
        "discriminator": UpsampleDiscriminatorConfig(width=256, hidden=256, slope=0.2, dropout=0.3, initial=UPSAMPLE_D_INITIAL),
        "loss": NonSaturating(real_target=0.9),
        "round.moves": (
            MoveD(z="fresh", fakes_from="inference", batch="joint"),
            MoveG(z="fresh"),
            MoveG(z="fresh"),
            MoveG(z="fresh"),
            MoveG(z="fresh"),
            MoveG(z="fresh"),
        ),
        "round.read": "during",
        "g_optim.lr": 2e-4,
        "d_optim.lr": 2e-4,
        "g_optim.beta1": 0.5,
        "d_optim.beta1": 0.5,
        "g_optim.beta2": 0.999,
        "d_optim.beta2": 0.999,
        "g_optim.eps": 1e-7,
        "d_optim.eps": 1e-7,
        "g_optim.epsilon": "hat",
        "d_optim.epsilon": "hat",
        "shared_clock": False,
        "batch_size": 128,
        "length": Duration(rounds=200),  # its "epochs" are single iterations
        "test_traces": False,
    },
    "dropout-mlp": {
        "data": Mnist(held_back=0),
        "order": "shuffled",
        "z": Normal(100),
        "generator": MLPGeneratorConfig(
            widths=(256, 256), activation="relu", dropout=0.1, output="tanh", initial=DROPOUT_INITIAL
        ),
        "discriminator": MLPDiscriminatorConfig(
            widths=(256, 256),
            activation="leaky-relu",
            slope=0.01,
            dropout=0.1,
            unit_range=False,
            initial=DROPOUT_INITIAL,
        ),
        "loss": NonSaturating(real_target=1.0),
        "round.moves": (MoveD(z="fresh", fakes_from="training", batch="separate"), MoveG(z="fresh")),
        "round.read": "during",
        "g_optim.lr": 2e-4,
        "d_optim.lr": 2e-4,
        "g_optim.beta1": 0.9,
        "d_optim.beta1": 0.9,
        "g_optim.beta2": 0.999,
        "d_optim.beta2": 0.999,
        "g_optim.eps": 1e-8,
        "d_optim.eps": 1e-8,
        "g_optim.epsilon": "plain",
        "d_optim.epsilon": "plain",
        "shared_clock": False,
        "batch_size": 200,
        "length": Duration(epochs=200),
        "test_traces": True,  # D(x) on the test images and D(G(z)) at every epoch's end
    },
    "dcgan": {
        "data": Mnist(held_back=0),
        "order": "shuffled",
        "z": Normal(100),
        "generator": DcganGeneratorConfig(width=64, bn_eps=1e-3, bn_momentum=0.01, initial=GlorotUniform()),
        "discriminator": DcganDiscriminatorConfig(width=64, slope=0.2, dropout=0.3, initial=GlorotUniform()),
        "loss": NonSaturating(real_target=1.0),
        "round.moves": (MoveBoth(z="fresh"),),
        "round.read": "during",
        "g_optim.lr": 1e-4,
        "d_optim.lr": 1e-4,
        "g_optim.beta1": 0.9,
        "d_optim.beta1": 0.9,
        "g_optim.beta2": 0.999,
        "d_optim.beta2": 0.999,
        "g_optim.eps": 1e-8,
        "d_optim.eps": 1e-8,
        "g_optim.epsilon": "hat",
        "d_optim.epsilon": "hat",
        "shared_clock": False,
        "batch_size": 256,
        "length": Duration(epochs=150),
        "checkpoint": Interval(epochs=15),
        "frames": "square-root",
        "pictures": (FixedGrid(rows=4, columns=4, every=Interval(epochs=1)),),
        "test_traces": False,
    },
    "paper": {
        "data": Mnist(held_back=5000),
        "order": "shuffled",
        "z": Normal(256),  # its text says 128
        "generator": MLPGeneratorConfig(widths=(512,), activation="relu", dropout=0.0, output="sigmoid", initial=PAPER_INITIAL),
        "discriminator": MLPDiscriminatorConfig(
            widths=(512,), activation="relu", dropout=0.0, unit_range=True, initial=PAPER_INITIAL
        ),
        "loss": NonSaturating(real_target=1.0),
        "round.moves": (MoveD(z="fresh", fakes_from="training", batch="separate"), MoveG(z="same")),
        "round.read": "during",
        "g_optim.lr": 2e-4,
        "d_optim.lr": 2e-4,
        "g_optim.beta1": 0.9,
        "d_optim.beta1": 0.9,
        "g_optim.beta2": 0.999,
        "d_optim.beta2": 0.999,
        "g_optim.eps": 1e-8,
        "d_optim.eps": 1e-8,
        "g_optim.epsilon": "hat",
        "d_optim.epsilon": "hat",
        "shared_clock": False,
        "batch_size": 100,
        "length": Duration(epochs=100),
        "test_traces": False,
    },
}


@pytest.mark.parametrize(("recipe", "field"), [(name, field) for name, fields in QUIRKS.items() for field in fields])
def test_quirk(recipe, field):
    value, expected = attrgetter(field)(recipes.get(recipe)), QUIRKS[recipe][field]
    assert type(value) is type(expected)  # Minimax() == NonSaturating() is False, but 1 == True
    assert value == expected


@pytest.mark.parametrize("recipe", ["vanilla", "paper"])
def test_strips_of_ten_after_the_first_epoch_and_every_tenth(recipe):
    assert Strip(num=10, every=10) in recipes.get(recipe).pictures


def test_pictures_of_dropout_mlp():
    pictures = recipes.get("dropout-mlp").pictures
    assert BeforeTraining(rows=2, columns=8, batch_size=200) in pictures
    assert FreshGrid(rows=2, columns=8, every=50) in pictures
    assert RealBesideGenerated(num=16, columns=8) in pictures


def test_dcgan_keeps_25_frames():
    recipe = recipes.get("dcgan")
    frames = frame_indices(recipe.length.epochs or 0, recipe.frames)
    assert len(frames) == 25
    assert [index + 1 for index in frames[-2:]] == [140, 150]


# --- every registered recipe ---

ALL = pytest.mark.parametrize("name", recipes.names())


def test_the_tutorials_are_registered():
    assert set(QUIRKS) <= set(recipes.names())


@ALL
def test_json_holds_all_of_a_recipe(name):
    recipe = recipes.get(name)
    text = json.dumps(codec.encode(recipe), allow_nan=False)
    assert codec.decode(Recipe, json.loads(text), "recipe") == recipe
    assert json.dumps(codec.encode(codec.decode(Recipe, json.loads(text), "recipe"))) == text


@ALL
def test_a_recipe_says_what_it_is(name):
    described = recipes.describe(name)
    documentation = described["documentation"]
    assert described["summary"].endswith(".")
    assert len(described["summary"]) <= 120
    assert "Source:" in documentation
    assert re.search(rf"^Command: .*\bsparring train {name}\b", documentation, re.MULTILINE)
    assert recipes.get(name).name == name
    assert recipes.get(name).source


@ALL
def test_a_recipe_fits_on_a_page(name):
    assert len(inspect.getsourcelines(registry.find("recipe", name))[0]) <= 45


@ALL
def test_a_recipe_is_built_anew_each_time(name):
    build = registry.find("recipe", name)
    assert build() is not build()
    assert build() == build()
    assert hash(build()) == hash(build())
    assert isinstance(build(), Recipe)


@ALL
def test_three_rounds_make_a_run(name, tmp_path):
    run = sparring.train(miniature(name, tmp_path), rounds=3, out=tmp_path / "run", settings={"review": "null"}, quiet=True)
    assert run.rounds()[-1]["round"] == 3
    assert run.recipe.name == name
    assert run.frames()
    assert run.sample(num=2).isfinite().all()
    assert any(run.path.joinpath("checkpoints").iterdir())
