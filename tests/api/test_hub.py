"""Generators on a model hub, here a small one on this machine: what is fetched, and what is refused in one sentence."""

import json
import os
import subprocess
import sys
from hashlib import sha256

import pytest
import torch
from safetensors.torch import save

import sparring
from hub_server import point_to, serving
from sparring.api.hub import HubName
from sparring.errors import InputError, MachineError
from sparring.networks import MLPGeneratorConfig
from sparring.networks.latents import Code
from sparring.runs.generator import SavedGenerator

pytest.importorskip("huggingface_hub")

NAME = "user/digits"


@pytest.fixture(scope="module")
def generator():
    config, noise = MLPGeneratorConfig(widths=(8,)), Code(normal=4, classes=2, continuous=0)
    torch.manual_seed(0)
    return SavedGenerator(config, noise, (1, 4, 4), config.build(noise.num, (1, 4, 4)), ("boot", "shirt"))


@pytest.fixture(scope="module")
def files(generator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "generator"
    generator.write(folder, "# A card\n")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def served():
    with serving() as hub:
        yield hub


@pytest.fixture
def hub(served, files, tmp_path, monkeypatch):
    """A hub with one good repository."""
    point_to(served.url, tmp_path / "home", monkeypatch)
    served.repositories.clear()
    served.requests.clear()
    served.add(NAME, files)
    return served


def with_weights(files, data: bytes):
    """The repository with other weights, and their checksum."""
    lines = [line for line in files["SHA256SUMS"].decode().splitlines() if "safetensors" not in line]
    sums = "\n".join([*lines, f"{sha256(data).hexdigest()}  model.safetensors", ""])
    return files | {"model.safetensors": data, "SHA256SUMS": sums.encode()}


def with_config(files, **changes):
    config = json.loads(files["config.json"]) | changes
    return {"model.safetensors": files["model.safetensors"], "config.json": json.dumps(config).encode()}


def test_a_generator_is_fetched_with_its_commit_and_draws_the_same(hub, generator):
    commit = hub.repositories[NAME].refs["main"]
    found = sparring.from_pretrained(NAME)
    assert found.origin == f"hf://{NAME}@{commit}"
    assert found.classes == ("boot", "shirt")
    assert torch.equal(found.sample(5, seed=3), generator.sample(5, seed=3))
    assert hub.fetched() == {"config.json", "model.safetensors", "SHA256SUMS"}


def test_a_revision_is_a_branch_a_tag_or_a_commit(hub, files):
    first = hub.repositories[NAME].refs["main"]
    hub.add(NAME, files | {"new": b""}, "v2")
    second = hub.repositories[NAME].refs["v2"]
    for revision, commit in ((None, first), ("v2", second), (first, first)):
        assert sparring.from_pretrained(NAME, revision=revision).origin == f"hf://{NAME}@{commit}"
    assert sparring.from_pretrained(f"hf://{NAME}@v2").origin == f"hf://{NAME}@{second}"
    loaded = sparring.load(f"hf://{NAME}@{first}")
    assert isinstance(loaded, SavedGenerator)
    assert loaded.origin == f"hf://{NAME}@{first}"


def test_what_was_fetched_needs_no_network_afterwards(hub, sparring_command, tmp_path, monkeypatch):
    sparring.from_pretrained(NAME)
    point_to("http://127.0.0.1:1", tmp_path / "home", monkeypatch)
    assert sparring.from_pretrained(NAME).origin
    with pytest.raises(MachineError, match=r"cannot reach hf://user/other: .*check the network"):
        sparring.from_pretrained("user/other")
    for command in ("sample", "evaluate", "export", "animate --latent"):
        done = sparring_command(*command.split(), "hf://user/other")
        assert (done.status, done.err.count("\n"), done.out) == (4, 1, ""), command
    assert not [path for path in tmp_path.iterdir() if path.name != "home"]


def test_a_path_comes_before_a_name(hub, files, tmp_path):
    folder = tmp_path / NAME
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    assert sparring.from_pretrained(NAME).origin is None
    with pytest.raises(InputError, match="there are no revisions"):
        sparring.from_pretrained(folder, revision="v2")


def test_commands_take_it_and_tell_the_commit(hub, sparring_command, tmp_path):
    place = f"hf://{NAME}"
    origin = f"{place}@{hub.repositories[NAME].refs['main']}"
    done = sparring_command("sample", place, "--num", 4, "--class", "shirt", "--json")
    assert (done.status, json.loads(done.out)) == (0, {"out": "samples.png", "num": 4, "seed": 0, "generator": origin})
    assert sparring_command("animate", place, "--latent").status == 0
    assert (tmp_path / "latent.gif").read_bytes().startswith(b"GIF")
    assert sparring_command("animate", place).status == 2


def test_scores_name_the_commit(hub, files):
    images = sparring.data.of(torch.zeros(64, 1, 4, 4, dtype=torch.uint8))

    def brightness(samples, real):
        return samples.mean()

    done = sparring.evaluate(f"hf://{NAME}", against=images, num=64, draws=2, metrics=[brightness], quiet=True)
    assert done.subject == f"hf://{NAME}@{hub.repositories[NAME].refs['main']}"


HUGE = json.dumps({"w": {"dtype": "F32", "shape": [1 << 20, 1 << 20], "data_offsets": [0, 1 << 42]}}).encode()
OTHERS = json.dumps({"architectures": ["BertModel"], "model_type": "bert"}).encode()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda files: files | {"model.safetensors": files["model.safetensors"][:-1] + b"x"}, "do not have the checksums"),
        (lambda files: files | {"config.json": files["config.json"] + b" "}, "do not have the checksums"),
        (lambda files: {n: d for n, d in files.items() if n != "config.json"}, "no config.json: it holds no generator"),
        (lambda files: {n: d for n, d in files.items() if n != "model.safetensors"}, "no model.safetensors"),
        (lambda files: {"README.md": b"# Nothing"}, "no config.json"),
        (lambda files: with_weights(files, len(HUGE).to_bytes(8, "little") + HUGE), "no intact generator"),
        (lambda files: with_weights(files, b"\x80\x04cos\nsystem\n(S'touch spoilt'\ntR."), "no intact generator"),
        (lambda files: with_weights(files, save({"body.0.weight": torch.zeros(3, 3)})), "do not fit its settings"),
        (lambda files: with_config(files, generator={"name": "style-gan"}), "unknown generator 'style-gan'"),
        (lambda files: with_config(files, shape=[1, 5, 5]), "do not fit its settings"),
        (lambda files: with_config(files, shape=[1 << 30, 1 << 30, 1 << 30]), "do not fit|no network can be built"),
        (lambda files: files | {"config.json": OTHERS, "SHA256SUMS": b""}, "none of Sparring's generators"),
        (lambda files: with_config(files, format="sparring-generator-9"), "this version reads sparring-generator-1"),
        (lambda files: with_config(files, classes=3), "classes is 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_repository_is_one_sentence(hub, files, spoil, words, sparring_command, tmp_path):
    hub.add("user/bad", spoil(files))
    with pytest.raises(InputError, match=words) as refusal:
        sparring.from_pretrained("user/bad")
    assert "hf://user/bad@" in str(refusal.value)
    done = sparring_command("sample", "hf://user/bad")
    assert (done.status, done.err.count("\n"), done.out) == (2, 1, "")
    assert not [*tmp_path.glob("*.png"), *tmp_path.glob("spoilt")]


def test_weights_beside_settings_of_another_library_are_not_fetched(hub, files):
    hub.add("user/bert", files | {"config.json": OTHERS, "SHA256SUMS": b"\n", "modeling.py": b"raise SystemExit"})
    with pytest.raises(InputError):
        sparring.from_pretrained("user/bert")
    assert hub.fetched() == {"config.json", "SHA256SUMS"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("user/nothing", "there is no hf://user/nothing that you may use"),
        (f"hf://{NAME}@v9", f"hf://{NAME} has no revision v9"),
        ("hf://digits", "'hf://digits' is no name on the Hub"),
        ("hf://a/b/c", "is no name on the Hub"),
        ("hf://", "is no name on the Hub"),
        ("hf://user/digits.git", "is no name on the Hub"),
        ("hf://../etc@x", "is no name on the Hub"),
        (f"hf://{NAME}@", "is no name on the Hub"),
        (f"hf://{NAME}@../../x", "is no name on the Hub"),
        ("hf://user/\x1b[2J", "is no name on the Hub"),
    ],
)
def test_a_name_that_there_is_not_is_one_sentence(hub, name, words):
    with pytest.raises(InputError, match=words):
        sparring.from_pretrained(name)


def test_a_repository_that_is_closed_says_so(hub, monkeypatch):
    monkeypatch.setattr(hub, "closed", True)
    with pytest.raises(InputError, match=f"does not let you use hf://{NAME}; log in"):
        sparring.from_pretrained(NAME)


def test_a_cache_that_cannot_be_written_is_no_matter_of_the_network(hub, tmp_path, monkeypatch):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(MachineError, match=f"cannot keep hf://{NAME} on the disk"):
        sparring.from_pretrained(NAME)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": 3}, "what to load is 3; it must be a path, a run, or a name"),
        ({"name": None}, "what to load is None"),
        ({"name": NAME, "revision": 3}, "revision is 3; it must be a text"),
        ({"name": "https://example.org/user/digits"}, "of the Hugging Face Hub's, hf://user/name goes with"),
        ({"name": "runs/mine"}, "there is no runs/mine on this machine; on the Hub: there is no hf://runs/mine"),
    ],
    ids=str,
)
def test_what_is_no_name_is_one_sentence(hub, arguments, words):
    with pytest.raises(InputError, match=words):
        sparring.from_pretrained(**arguments)


def test_two_revisions_are_refused(hub):
    with pytest.raises(InputError, match="names a revision already"):
        sparring.from_pretrained(f"hf://{NAME}@main", revision="v2")


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r'pip install "sparring\[export\]"'):
        sparring.from_pretrained(NAME)


def test_names_are_read_as_they_are_written():
    assert HubName.parse("hf://a/b@refs/pr/1") == HubName("a/b", "refs/pr/1")
    assert str(HubName.parse("a/b")) == "hf://a/b"


def test_the_command_alone_with_the_variables_of_the_hub(hub, tmp_path):
    variables = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "sparring", "sample", f"hf://{NAME}"]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "samples.png\n", "")
