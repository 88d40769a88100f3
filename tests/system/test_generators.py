"""The generators that come with the package."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open

import sparring
from sparring import recipes
from sparring.api.load import load_generator
from sparring.augment import Adaptive
from sparring.runs import shipped
from sparring.runs.generator import SavedGenerator
from sparring.storage import checksums
from tiny import pictures

NAMES = ["digits", "digits-class", "emoji", "ring-toy"]


def test_the_list_says_what_they_draw_and_how_well(sparring_command):
    told = json.loads(sparring_command("generators", "--json").out)
    assert [each["name"] for each in told] == NAMES
    table = sparring_command("generators").out
    for each in told:
        assert each["license"] == "MIT"
        assert each["generator"] in table
        assert each["scores"][0]["protocol"]["split"] == ("all" if each["name"] == "emoji" else "test")
        assert each["made"]["command"].startswith("sparring train ")


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_the_weights_and_the_card_says_where_they_come_from(name):
    folder = shipped.folder_of(name)
    assert folder is not None
    assert folder.name == f"{name}-{sha256((folder / 'model.safetensors').read_bytes()).hexdigest()[:8]}"
    assert not [*checksums.problems(folder)]
    assert (folder / "model.safetensors").stat().st_size <= 2.5e6
    assert (folder / "discriminator.safetensors").stat().st_size <= 1e6
    card = (folder / "README.md").read_text()
    for part in ("license: mit", "License of the weights: MIT", folder.name, "Command: `sparring train", "commit", "## Scores"):
        assert part in card


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stands_for_a_generator_until_there_is_such_a_path(name, tmp_path):
    generator = load_generator(name)
    assert torch.equal(sparring.sample(name, num=2), sparring.sample(shipped.resolved(name), num=2))
    assert generator.discriminator(generator.sample(2)).shape[0] == 2
    other = load_generator("ring-toy" if name == "digits" else "digits")
    other.write(tmp_path / name, "another")
    assert load_generator(name).shape == other.shape


def test_weights_in_half_precision_are_computed_in_single(tmp_path):
    with safe_open(shipped.resolved("digits") / "model.safetensors", framework="pt") as file:
        stored = {name: file.get_tensor(name) for name in [*file.keys()]}
    generator = load_generator("digits")
    assert {t.dtype for t in stored.values() if t.is_floating_point()} == {torch.float16}
    assert all(torch.equal(t.to(stored[name].dtype), stored[name]) for name, t in generator.network.state_dict().items())
    assert generator.sample(2).dtype == torch.float32
    generator.write(tmp_path / "single", "")
    assert torch.equal(SavedGenerator.open(tmp_path / "single").sample(2), generator.sample(2))


def test_the_commands_take_their_names(sparring_command):
    assert sparring_command("sample", "digits", "--num", 64).status == 0
    with Image.open("samples.png") as picture:
        assert picture.size == (484, 484)
    assert sparring_command("sample", "digits-class", "--class", "7", "--num", 2, "--out", "sevens").status == 0
    assert sparring_command("animate", "digits", "--latent").status == 0
    assert Path("latent.gif").is_file()
    done = sparring_command("evaluate", "digits", "--num", 1000, "--draws", 2, "--json")
    frechet = json.loads(done.out)["scores"][0]
    assert frechet["protocol"]["extractor"] == "digits-25fd6534"
    assert frechet["value"] < 0.5
    points = json.loads(sparring_command("evaluate", "ring-toy", "--num", 1000, "--draws", 2, "--json").out)["scores"]
    assert {score["metric"]: score["value"] for score in points}["modes"] == 8


def test_a_training_starts_from_one(sparring_command):
    options = ("--set", "discriminator.width=24", "--set", "data.held_back=59000", "--rounds", 1, "--quiet")
    assert sparring_command("train", "flash", "--from", "digits", *options, "--out", "run").status == 0
    trained, given = (dict(load_generator(name).network.named_parameters()) for name in ("run", "digits"))
    assert all(torch.allclose(mine, given[name], atol=0.05) for name, mine in trained.items())
    narrow = sparring_command("train", "flash", "--from", "digits", *options[2:], "--out", "narrow")
    assert (narrow.status, Path("narrow").exists()) == (2, False)


def test_emoji_brings_its_networks_to_a_folder_of_pictures(sparring_command, tmp_path):
    folder, options = pictures(tmp_path), ("--rounds", 1, "--set", "pictures=[]", "--set", "review=null")
    done = sparring_command("train", "--from", "emoji", "--data", folder, *options, "--out", "run")
    assert (done.status, f"fine-tuning from {shipped.resolved('emoji').name}, with" in done.err) == (0, True)
    recipe, given = sparring.Run.open("run").recipe, load_generator("emoji").recipe
    assert given is not None
    assert (recipe.generator, recipe.discriminator, recipe.length.rounds) == (given.generator, given.discriminator, 1)
    assert isinstance(recipe.augment, Adaptive)  # chosen anew, for few pictures
    assert given.length == recipes.get("photo").length
    refused = sparring_command("train", "photo", "--from", "emoji", "--data", folder, *options, "--out", "other")
    fits = f"`sparring train --from {shipped.resolved('emoji').name} --data {folder}`"
    assert (refused.status, fits in refused.err) == (2, True)
    alone = sparring_command("evaluate", "emoji")
    assert (alone.status, "Traceback" in alone.err) == (2, False)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("sample digitz", "a generator that comes with the package: digits, digits-class, emoji, ring-toy"),
        ("sample digits-25fd6534", "it is an extractor, which scores generators and draws nothing"),
        ("show digits", "digits is no run: it is a generator that comes with the package"),
        ("animate digits", "digits is no run: it is a generator that comes with the package"),
        ("evaluate digits --extractor digits-class", "unknown extractor 'digits-class'"),
    ],
)
def test_sentences_say_which_of_the_two_is_meant(sparring_command, arguments, sentence):
    done = sparring_command(*arguments.split())
    assert done.status == 2
    assert sentence in done.err
