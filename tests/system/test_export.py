"""What `sparring export` writes, prints and refuses."""

import importlib
import json
import sys
from pathlib import Path

import pytest
import torch

import sparring
from sparring.cli import export as export_command
from sparring.exporters import TARGETS, InexactError, Trained
from sparring.networks import MLPGeneratorConfig
from sparring.networks.latents import Normal
from sparring.runs.generator import SavedGenerator
from tiny import miniature

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> sparring.Run:
    """Classes, and an average that is not the last weights."""
    folder = tmp_path_factory.mktemp("trained")
    return sparring.train(miniature("cgan", folder), rounds=3, out=folder / "run", quiet=True)


def too_fine() -> SavedGenerator:
    """A generator whose pixels turn from black to white at steps of its weights that float16 does not have."""
    config = MLPGeneratorConfig(widths=(8,))
    network = config.build(4, (1, 28, 28)).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(30)
    return SavedGenerator(config, Normal(4), (1, 28, 28), network)


def test_onnx_in_json(run, sparring_command):
    done = sparring_command("export", run.path, "--out", "digits.onnx", "--json")
    assert (done.status, done.err) == (0, "")
    said = json.loads(done.out)
    assert said.keys() == {"to", "path", "bytes", "parity"}
    assert (said["to"], said["path"], said["bytes"]) == ("onnx", "digits.onnx", Path("digits.onnx").stat().st_size)
    assert said["parity"]["num"] == 1000
    assert said["parity"]["difference"] <= 1e-5
    assert said["parity"]["differing"] <= 1e-4
    opened = onnxruntime.InferenceSession("digits.onnx")
    facts = opened.get_modelmeta().custom_metadata_map
    assert (facts["recipe"], facts["seed"], facts["weights"]) == ("cgan", "0", "averaged")
    assert json.loads(facts["classes"]) == [*"0123456789"]
    assert {score["metric"] for score in json.loads(facts["scores"])} >= {"frechet_distance"}
    z = run.generator.z(5, seed=3)
    torch.testing.assert_close(
        torch.from_numpy(opened.run(None, {"z": z.numpy()})[0]), run.generator.draw(z), rtol=0, atol=1e-5
    )


def test_the_last_weights_in_half_precision(run, sparring_command):
    done = sparring_command("export", run.path, "--raw", "--dtype", "float16")
    assert done.status == 0
    path, parity = done.out.splitlines()
    assert path.startswith("cgan-seed0.onnx  (")
    assert "1,000 images by onnxruntime" in parity
    assert "; Frechet distance " in parity
    opened = onnxruntime.InferenceSession("cgan-seed0.onnx")
    facts = opened.get_modelmeta().custom_metadata_map
    assert (facts["weights"], facts["dtype"], facts["scores"]) == ("raw", "float16", "[]")
    z = run.generator.z(5, seed=3)
    drawn = torch.from_numpy(opened.run(None, {"z": z.numpy()})[0])
    assert (drawn - run.raw_generator.draw(z)).abs().max() < 0.5 * (drawn - run.generator.draw(z)).abs().max()


@pytest.mark.parametrize("existing", ["file", "folder", "link"])
def test_what_exists_is_not_overwritten(run, sparring_command, existing):
    path = Path("taken")
    if existing == "file":
        path.write_bytes(b"mine")
    elif existing == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    done = sparring_command("export", run.path, "--out", path)
    assert (done.status, done.out) == (2, "")
    assert done.err == "sparring: taken exists; name another place with --out (in Python: out=), or remove it first\n"
    assert path.is_symlink() or path.is_dir() or path.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--to", "tensorrt"), "'tensorrt' is not one of"),
        (("--out", "nowhere/x.onnx"), "there is no folder nowhere"),
        (("--push", "me/mine"), "belong to a Hugging Face folder, not to onnx"),
    ],
)
def test_bad_input_is_one_sentence(run, sparring_command, arguments, sentence):
    done = sparring_command("export", run.path, *arguments)
    assert done.status == 2
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert [*Path().iterdir()] == []


def test_a_run_without_a_generator(run, sparring_command):
    Path("empty").mkdir()
    Path("empty/recipe.json").write_bytes((run.path / "recipe.json").read_bytes())
    done = sparring_command("export", "empty")
    assert done.status == 2
    assert "has saved no checkpoint yet" in done.err


def test_an_export_that_draws_something_else_is_not_written(sparring_command):
    too_fine().write(Path("generator"), "")
    done = sparring_command("export", "generator", "--dtype", "float16", "--quiet")
    assert done.status == 4
    assert "the share of pixels beyond one grey level is" in done.err
    assert "and may be 0.10%" in done.err
    assert {path.name for path in Path().iterdir()} == {"generator"}
    assert sparring_command("export", "generator", "--dtype", "float16", "--allow-inexact").status == 0
    assert Path("generator.onnx").is_file()


def test_the_same_in_python():
    with pytest.raises(InexactError, match="allow_inexact=True"):
        sparring.export(too_fine(), dtype="float16", quiet=True)
    assert not [*Path().iterdir()]


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_package_is_named(run, sparring_command, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)  # as Python marks what cannot be imported
    done = sparring_command("export", run.path)
    assert done.status == 2
    assert done.err == f'sparring: ONNX needs {package}, which is missing; pip install "sparring[export]"\n'


def test_a_checkpoint_and_a_generators_folder(run):
    *_, newest = sorted((run.path / "checkpoints").glob("*.safetensors"))
    of_run, of_file, of_folder = (Trained.of(place) for place in (run.path, newest, run.path / "generator"))
    assert of_file.facts == of_run.facts
    assert (of_run.name, of_folder.name) == ("cgan, seed 0", "generator")
    assert {**of_run.facts, **of_folder.facts, "classes": [*"0123456789"]} == of_run.facts  # the folder tells no more
    z = run.generator.z(3, seed=0)
    for trained in (of_run, of_file, of_folder):
        assert torch.equal(trained.generator.draw(z), run.generator.draw(z))
        assert not any(module.training for module in trained.generator.modules())


@pytest.mark.parametrize("name", [*TARGETS])
def test_the_command_offers_every_target(name):
    assert name in export_command.TARGETS
    assert importlib.import_module(f"sparring.exporters.{TARGETS[name].module}").write
