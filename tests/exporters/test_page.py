"""Pages without a browser: the program of a network, its directions, the document and what is refused."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from tempfile import mkdtemp

import pytest
import torch
import yaml
from torch import nn

from sparring import recipes
from sparring.errors import InputError
from sparring.exporters import Options, Trained, export, page
from sparring.exporters.page import document, program_of, space
from sparring.exporters.page.directions import principal_directions
from sparring.exporters.page.program import Weights
from sparring.exporters.page.reference import registers, run
from sparring.networks import (
    DcganGeneratorConfig,
    ModuleGenerator,
    R3GeneratorConfig,
    ResnetGeneratorConfig,
    UpsampleGeneratorConfig,
    build_generator,
)
from sparring.networks.latents import Code, Normal
from sparring.runs.generator import SavedGenerator
from tiny import SETTINGS, miniature
from untrained import untrained

HOSTILE = '</script ><script >alert("1")</script>'
INEXACT = Options("page", allow_inexact=True)


def small(name: str) -> Trained:
    """A miniature whose batch norm scales and shifts, too."""
    trained = untrained(miniature(name, Path(mkdtemp())))
    rng = torch.Generator().manual_seed(1)
    for layer in trained.generator.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5, generator=rng)
            nn.init.normal_(layer.bias, std=0.1, generator=rng)
    return trained


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs keep their weights as they are."""
    monkeypatch.setattr(Weights, "add", lambda self, tensor: self.places.append(tensor.float()) or len(self.places) - 1)
    monkeypatch.setattr(Weights, "get", lambda self, number: self.places[number])


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.usefixtures("exact")
def test_every_recipes_program_draws_what_the_generator_draws(name):
    trained = small(name)
    z = trained.generator.z(8, seed=0)
    torch.testing.assert_close(run(program_of(trained), z), trained.generator.draw(z), rtol=0, atol=1e-5)


OBLONG = {
    "r3": R3GeneratorConfig(width=8, max_width=16, group=8),
    "resnet": ResnetGeneratorConfig(width=4),
    "upsample": UpsampleGeneratorConfig(width=8, hidden=8),
    "dcgan": DcganGeneratorConfig(width=8),
    "resize": DcganGeneratorConfig(width=8, doubling="resize"),
    "blur": DcganGeneratorConfig(width=8, doubling="resize", blur=2),
}


def oblong(name: str) -> Trained:
    """A generator of pictures that are wider than they are high."""
    shape = (3, 32, 48)
    config = OBLONG[name]
    network = build_generator(config, 6, shape, seed=0).eval()
    return Trained(SavedGenerator(config, Normal(6), shape, network), name, {})


@pytest.mark.parametrize("name", OBLONG)
@pytest.mark.usefixtures("exact")
def test_maps_need_not_be_square(name):
    trained = oblong(name)
    z = trained.generator.z(4, seed=0)
    torch.testing.assert_close(run(program_of(trained), z), trained.generator.draw(z), rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_weights_of_any_size_keep_eleven_bits(size):
    weights, wanted = Weights(), size * torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    assert weights.add(torch.ones(5)) == 0
    found = weights.get(weights.add(wanted))
    assert (found - wanted).abs().max() <= 2**-11 * wanted.abs().max()
    assert torch.equal(weights.get(0), torch.ones(5))


def test_the_directions_of_a_mapping_are_its_principal_components():
    trained = small("flash")
    program = program_of(trained)
    found = principal_directions(program, trained.generator.noise)
    z = trained.generator.noise.sample(20_000, torch.Generator().manual_seed(5))
    values = registers(replace(program, ops=program.ops[: found.at]), z)[found.at].double()
    assert values.shape[1] == 8  # the last dense activation before the maps
    along = (values - values.mean(0)) @ torch.nn.functional.normalize(found.vectors.double()).T
    torch.testing.assert_close(along.std(0), found.vectors.double().norm(dim=1), rtol=0.05, atol=0)
    shares = along.var(0) / values.var(0).sum()
    torch.testing.assert_close(shares, torch.tensor(found.shares).double(), rtol=0, atol=0.02)
    assert [*found.shares] == sorted(found.shares, reverse=True)


def test_without_a_mapping_the_directions_are_those_of_z_that_change_the_first_layer_most():
    trained = small("sngan")
    found = principal_directions(program_of(trained), trained.generator.noise)
    first = next(layer for layer in trained.generator.modules() if isinstance(layer, nn.Linear))
    gains = (first.weight @ torch.nn.functional.normalize(found.vectors).T).norm(dim=0)
    assert found.at == 0
    torch.testing.assert_close(gains, torch.linalg.svdvals(first.weight)[:8], rtol=1e-2, atol=0)


def test_the_page_draws_codes_with_their_own_deviation():
    columns = document.noise_columns(Code(normal=2, classes=3, std=0.25))
    assert (columns["columns"], columns["std"], columns["one_hot"]) == (2, 0.25, 3)


def test_directions_do_not_lead_to_another_class():
    trained = small("infogan")
    noise = trained.generator.noise
    assert isinstance(noise, Code)
    found = principal_directions(program_of(trained), noise)
    assert found.at == 0
    assert not found.vectors[:, noise.normal :].any()


def test_the_mapping_of_a_conditional_generator_varies_within_classes():
    trained = small("cgan")
    noise = trained.generator.noise
    assert isinstance(noise, Code)
    first = next(layer for layer in trained.generator.modules() if isinstance(layer, nn.Linear))
    first.weight.data[:, : noise.normal] *= 1e-3  # nothing but the class changes anything
    found = principal_directions(program_of(trained), noise)
    values = registers(program_of(trained), trained.generator.z(500, seed=0))[found.at]
    assert found.vectors.norm() < 0.05 * values.std(0).norm()


# The document


class Parsed(HTMLParser):
    """Tags with their attributes, and the texts in scripts and styles."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] in ("script", "style", "title"):
            self.texts.append(data)


def hostile() -> Trained:
    trained = small("cgan")
    trained.generator.classes = (HOSTILE, "<!--", *map(str, range(8)))
    return replace(trained, name=HOSTILE, facts={"recipe": HOSTILE, "data": HOSTILE})


def test_names_are_never_markup():
    html, _ = page.page(hostile(), INEXACT)
    parsed = Parsed(html)
    assert [tag for tag, _ in parsed.tags].count("script") == 3
    assert HOSTILE in parsed.texts[0]  # the title
    data = json.loads(next(text for text in parsed.texts if text.startswith('{"program"')))
    assert data["classes"][:2] == [HOSTILE, "<!--"]
    assert data["name"] == HOSTILE
    assert set("<>&").isdisjoint(document.json_in_html(hostile().generator.classes))


def test_the_policy_lets_only_the_pages_own_script_and_style_run():
    html, _ = page.page(small("cgan"), INEXACT)
    policy = next(tag["content"] for name, tag in Parsed(html).tags if tag.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert re.search(r"script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}='", policy)
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    assert html.index("Content-Security-Policy") < html.index("<style") < html.index("<script")


def test_the_page_names_no_place_outside_itself():
    html, _ = page.page(small("cgan"), INEXACT)
    for _, attributes in Parsed(html).tags:
        assert attributes.keys().isdisjoint({"src", "href", "srcset", "action", "style"}), attributes
    assert "innerHTML" not in html


def test_both_languages_say_the_same_things():
    english, korean = document.strings()["en"], document.strings()["ko"]
    assert english.keys() == korean.keys()
    for name, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", korean[name])), name
    used = "".join(map(document.read, (*document.SCRIPTS, "page.html.j2")))
    assert [name for name in english if f'"{name}"' not in used and f"words.{name}" not in used] == []


def test_flash_is_at_most_a_megabyte_and_a_half():
    trained = untrained(recipes.get("flash"))
    program = program_of(trained)
    parity = page.Parity("", 1, 0.0, 0.0, 0.0, 0)
    assert len(document.html(trained, program, parity)) <= 1.5e6


# What is written, and what is refused


def test_a_page_is_a_file_with_its_parity(tmp_path):
    exported = export(small("ring").generator, "page", "ring.html", quiet=True)
    assert exported.num_bytes == Path("ring.html").stat().st_size
    assert exported.parity.difference < 5e-3
    assert exported.as_json()["to"] == "page"


def test_a_space_is_a_folder_that_a_static_space_is_made_of():
    trained = replace(small("ring"), name='a "name": #1\n---')
    space.write(trained, Path("ring-space"), Options("space", licence="mit"))
    readme = Path("ring-space/README.md").read_text()
    _, front, _ = readme.split("---\n", 2)
    said = yaml.safe_load(front)
    assert (said["title"], said["emoji"], said["license"]) == ('a "name": #1\n---', "🥊", "mit")
    assert (said["sdk"], said["app_file"], said["pinned"]) == ("static", "index.html", False)
    assert Path("ring-space/index.html").read_text().startswith("<!doctype html>")


def own_network() -> Trained:
    module = nn.Sequential(nn.Linear(4, 64), nn.GELU(), nn.Linear(64, 784), nn.Unflatten(1, (1, 28, 28)))
    return Trained(SavedGenerator(ModuleGenerator.of(module), Normal(4), (1, 28, 28), module), "mine", {})


@pytest.mark.parametrize("write", [page.write, space.write])
def test_a_network_of_the_users_own_is_pointed_to_onnx(write):
    with pytest.raises(InputError, match=r"mine has the layer GELU; .* --to onnx"):
        write(own_network(), Path("mine"), Options("page"))
    assert not Path("mine").exists()


def test_a_distribution_of_the_users_own_is_pointed_to_onnx():
    class Twice(Normal):
        pass

    assert document.noise_columns(Normal(3))["columns"] == 3
    with pytest.raises(InputError, match="--to onnx"):
        document.noise_columns(Twice(3))
