"""The folder for the Hugging Face Hub, and its upload to a small one on this machine."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

import sparring
from hub_server import TOKEN, point_to, serving
from sparring import recipes
from sparring.api.hub import HubName
from sparring.data import Ring
from sparring.errors import InputError, MachineError
from sparring.evaluation import Protocol, Score
from sparring.exporters import Trained
from sparring.networks import ModuleGenerator
from sparring.networks.latents import Normal
from sparring.runs import scorebook, shipped
from sparring.runs.generator import SavedGenerator
from sparring.runs.scorebook import Evaluation
from sparring.storage import checksums
from tiny import MLP
from untrained import untrained

huggingface_hub = pytest.importorskip("huggingface_hub")
pytest.importorskip("onnxscript")

NAME = "user/digits"
FILES = {"README.md", "SHA256SUMS", "config.json", "model.safetensors", "onnx/model.onnx", "samples.png"}
CLASSES = {"z": '{"name": "code", "normal": 8, "classes": 10}', "condition": "projection"}
PROTOCOL = Protocol("digits-1", "1f", "mnist", "2f", "test", 1000, 900, "8 bits", "", 0, "5 independent draws")
HOSTILE = "a: b\n---\n<i>"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with a score, whose recipe has a name that would be YAML and HTML."""
    out = tmp_path_factory.mktemp("runs") / "run"
    done = sparring.train("paper", rounds=2, out=out, settings=MLP | CLASSES | {"name": json.dumps(HOSTILE)}, quiet=True)
    score = Score("frechet_distance", 1.5, 1.4, 1.6, None, None, PROTOCOL)
    scorebook.append(done.path, Evaluation(2, False, (score,)))
    return done


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with serving() as served:
        point_to(served.url, tmp_path / "home", monkeypatch)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield served


@pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # huggingface_hub gives httpx a file so
def test_the_folder_is_complete_and_what_is_uploaded_draws_the_same(run, hub, sparring_command, tmp_path):
    options = ("--to", "hub", "--out", "folder", "--push", NAME, "--license", "mit", "--json")
    done = sparring_command("export", run.path, *options)
    assert done.status == 0, done.err
    told, folder = json.loads(done.out), tmp_path / "folder"
    commit = hub.repositories[NAME].refs["main"]
    assert (told["to"], told["path"], told["pushed"]) == ("hub", "folder", f"hf://{NAME}@{commit}")

    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files.keys() == FILES
    assert [*checksums.problems(folder)] == []
    assert hub.repositories[NAME].commits[commit] == files

    card: Any = huggingface_hub.ModelCard.load(folder / "README.md")
    assert (card.data.license, card.data.model_name) == ("mit", f"{HOSTILE}, seed 0")
    assert card.data.eval_results[0].metric_args == {"low": 1.4, "high": 1.6, "interval": "5 independent draws"}
    assert f'from_pretrained("{NAME}")' in card.text
    assert f"{told['parity']['num']:,} images by onnxruntime" in card.text

    for found in (sparring.from_pretrained(folder), sparring.from_pretrained(NAME)):
        assert torch.equal(found.sample(4, seed=1), run.generator.sample(4, seed=1))
        assert found.classes == run.generator.classes


@pytest.mark.parametrize("source", ["digits-class", "ring-toy"])
def test_a_generator_that_comes_with_the_package_keeps_licence_scores_and_training(source, tmp_path):
    sparring.export(source, "hub", tmp_path / "folder", quiet=True)
    card: Any = huggingface_hub.ModelCard.load(tmp_path / "folder" / "README.md")
    folder = shipped.folder_of(source)
    assert folder is not None
    facts = json.loads((folder / "config.json").read_text())
    told = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert told == {s["metric"]: s["value"] for s in facts["scores"] if not s["metric"].startswith("share_")}
    assert card.data.license == "mit"
    for part in ("## Training", f"{facts['made']['round']:,} rounds", "AMD EPYC", "averaged", "## Licence\n\nmit"):
        assert part in card.text


def test_an_opened_generator_of_the_package_is_the_same_as_its_name():
    opened, named = Trained.of(sparring.load("ring-toy")), Trained.of("ring-toy")
    assert (opened.name, opened.facts, opened.licence) == (named.name, named.facts, "mit") == ("ring-toy", named.facts, "mit")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--push", NAME], "needs a licence; name yours with --license mit"),
        (["--push", NAME, "--license", "MIT License"], "the licence is 'MIT License'"),
        (["--push", "digits", "--license", "mit"], "'digits' is no name on the Hub"),
        (["--push", f"{NAME}@v2", "--license", "mit"], "without a revision"),
        (["--push", NAME, "--license", "mit", "--to", "onnx"], "belong to a Hugging Face folder"),
        (["--license", "mit", "--to", "torch"], "belong to a Hugging Face folder"),
        (["--license", "MIT License", "--to", "space"], "the licence is 'MIT License'"),
        (["--out", "there"], "there exists"),
        (["--out", "nowhere/folder"], "there is no folder nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_before_any_work(run, options, words, sparring_command, tmp_path):
    (tmp_path / "there").mkdir()
    done = sparring_command("export", run.path, "--to", "hub", *options)
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert words in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_network_that_nobody_else_has_is_refused(tmp_path):
    module = nn.Sequential(nn.Linear(4, 16), nn.Unflatten(1, (1, 4, 4)))
    generator = SavedGenerator(ModuleGenerator.of(module), Normal(4), (1, 4, 4), module)
    with pytest.raises(InputError, match="is your own, and nobody could open the folder; export it with --to onnx"):
        sparring.export(generator, "hub", tmp_path / "folder")


def test_points_are_drawn_over_those_of_the_data_where_they_are_at_hand(tmp_path):
    from sparring.exporters.hub import write_picture

    trained = untrained(recipes.get("ring"))
    assert write_picture(tmp_path, trained) is None
    own: Any = sparring.data.of(torch.zeros(100, 2))
    assert write_picture(tmp_path, replace(trained, data=replace(own))) is None  # as it is read from a run, without points
    assert write_picture(tmp_path, replace(trained, data=Ring())) == "samples.png"
    assert (tmp_path / "samples.png").read_bytes().startswith(b"\x89PNG")


def test_a_generator_of_the_package_has_its_scores_and_data(tmp_path):
    from sparring.exporters.hub import write_picture

    trained = Trained.of("ring-toy")
    assert trained.facts["scores"][0]["protocol"]["data"] == "ring"
    assert write_picture(tmp_path, trained) == "samples.png"


def test_an_upload_that_fails_says_how_to_go_on(hub, tmp_path, monkeypatch):
    from sparring.exporters.hub import push

    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: nonsense\n---\n")
    again = f"the folder {folder} is complete: `hf upload {NAME} {folder}` sends it later"
    with pytest.raises(InputError, match=f'refuses this for hf://{NAME}: .*"license" must be one of; {again}'):
        push(folder, HubName(NAME))
    monkeypatch.setenv("HF_TOKEN", "hf_anotherToken")
    with pytest.raises(InputError, match=f"does not let you use hf://{NAME}; log in .*{again}"):
        push(folder, HubName(NAME))
    point_to("http://127.0.0.1:1", tmp_path / "home", monkeypatch)
    with pytest.raises(MachineError, match=f"cannot reach hf://{NAME}: .*{again}"):
        push(folder, HubName(NAME))
