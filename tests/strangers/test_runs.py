"""Runs, generators' folders and yardsticks of somebody else: what they declare takes no memory, and leads nowhere."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import shapes
from sparring.api.resolve import resolve
from sparring.api.train import train
from sparring.errors import InputError
from sparring.evaluation.extractors import classifier_extractor
from sparring.evaluation.extractors.classifier import ClassifierConfig
from sparring.multiseed.summary import work_before
from sparring.runs import checkpoint
from sparring.runs.run import Run
from sparring.storage import checksums
from sparring.storage.tensors import encode_tensors, read_tensors

SETTINGS = {"generator.widths": "[8]", "discriminator.widths": "[8]", "z.num": "4", "batch_size": "16", "review": "null"}
HUGE: list[tuple[tuple[str, ...], Any]] = [
    (("generator", "widths"), [10**9]),
    (("generator", "widths"), [10**6, 10**6]),
    (("generator", "widths"), [2**62]),
    (("generator", "widths"), [10**30]),
    (("generator", "widths"), [1] * 100_000),
    (("z", "num"), 10**12),
]


@pytest.fixture
def run(tmp_path) -> Run:
    shapes.data(tmp_path / "data", 32, 8)
    made = train(resolve("vanilla", SETTINGS, "data"), rounds=4, out="run", device="cpu", quiet=True)
    for file in made.path.rglob(checksums.NAME):  # a stranger has them fit what he wrote, or leaves them out
        file.unlink()
    return made


def alter(path: Path, *where: str | int, to: Any) -> None:
    """Put another value into this place of a JSON file."""
    whole = value = json.loads(path.read_text())
    for step in where[:-1]:
        value = value[step]
    value[where[-1]] = to
    path.write_text(json.dumps(whole))


def reweigh(change, path: Path = Path("run/generator/model.safetensors")) -> None:
    save_file({name: change(tensor) for name, tensor in load_file(path).items()}, path)


def refuses(sparring_command, command: str, *words: str) -> None:
    """`sparring COMMAND` ends with 2, and one sentence that holds these words."""
    done = sparring_command(*command.split())
    assert done.status == 2, done
    assert done.err.count("\n") == 1
    assert all(word in done.err for word in words), done.err


@pytest.mark.parametrize(
    ("where", "value"),
    [
        *HUGE,
        (("shape",), [3, 100_000, 100_000]),
        (("shape",), [10**12]),
        (("shape",), []),
        (("shape",), [1, 0, 16]),
        (("shape",), 5),
    ],
)
def test_a_generator_with_huge_settings_is_refused(run, sparring_command, where, value):
    alter(run.path / "generator/config.json", *where, to=value)
    refuses(sparring_command, "sample run/generator", "run/generator")


@pytest.mark.parametrize(
    ("where", "value"),
    [
        *HUGE,
        (("discriminator", "widths"), [10**9]),
        (("batch_size",), 10**12),
        (("pictures", 0, "rows"), 10**6),
        (("data",), {"name": "ring", "num": 10**12}),
        (("data",), {"name": "ring", "modes": 10**12}),
        (("data", "held_back"), 10**12),
    ],
)
def test_a_run_with_huge_settings_is_not_resumed(run, sparring_command, where, value):
    alter(run.path / "recipe.json", "recipe", *where, to=value)
    refuses(sparring_command, "resume run --rounds 5 --device cpu")
    assert checkpoint.paths(run.path / "checkpoints")


@pytest.mark.parametrize("threads", [0, -1, 10**9, "1"])
def test_threads_are_few(run, sparring_command, threads):
    alter(run.path / "recipe.json", "threads", to=threads)
    refuses(sparring_command, "sample run", "run/recipe.json: threads")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.double(), "is float64 ["),
        (lambda t: t.to(torch.complex64), "is complex64 ["),
        (lambda t: t[..., :-1].contiguous(), "is float32 ["),
        (lambda t: t * float("inf"), "holds values that are infinite or not a number"),
        (lambda t: t * 1e30, "images hold values that are infinite or not a number"),
    ],
)
def test_weights_of_another_kind_are_refused(run, sparring_command, change, words):
    alter(run.path / "generator/config.json", "generator", "output", to="linear")
    reweigh(change)
    refuses(sparring_command, "sample run/generator", words)


def test_more_weights_than_the_settings_name_are_refused(run, sparring_command):
    path = run.path / "generator/model.safetensors"
    save_file({**load_file(path), "more\x1b": torch.zeros(1)}, path)
    refuses(sparring_command, "sample run/generator", "more\\x1b is on one side only")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clocks", [1]),
        ("clocks", [1, 2**70]),
        ("clocks", [-1, 1]),
        ("round", -1),
        ("round", "4"),
        ("journal_bytes", None),
        ("x", 1),
    ],
)
def test_sealed_facts_of_a_checkpoint_are_looked_at(run, name, value):
    path = checkpoint.path_of(run.path / "checkpoints", 4)
    facts, tensors, _ = read_tensors(path, checkpoint.FORMAT, "checkpoint")
    path.write_bytes(encode_tensors(checkpoint.FORMAT, facts | {name: value}, tensors)[0])
    with pytest.raises(InputError, match=rf"round_00000004\.safetensors: .*{name}"):
        checkpoint.read(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"network": ClassifierConfig((10**9, 3))},
        {"network": ClassifierConfig((2, 10**9))},
        {"shape": (10**9, 16, 16)},
        {"classes": ("a", "b"), "confusion": ((1, 0), (0, 1))},
    ],
)
def test_a_yardstick_with_huge_settings_takes_no_memory(tmp_path, changes):
    config, rows = ClassifierConfig((2, 3)), ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    facts = classifier_extractor.Facts("x", "y", "0", (1, 16, 16), ("a", "b", "c"), config, 0, 1, 0.5, 0.5, rows)
    network = config.build(facts.shape, 3)
    assert classifier_extractor.read(classifier_extractor.write(tmp_path, facts, network)).facts == facts
    path = classifier_extractor.write(tmp_path, replace(facts, **changes), network)
    with pytest.raises(InputError, match=f"{path.name}: the weights do not fit its settings"):
        classifier_extractor.read(path)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("journal.jsonl", "secret.txt"),
        ("scores.jsonl", "secret.txt"),
        ("samples/epoch_0001.png", "secret.png"),
        ("samples", "data"),
        ("checkpoints", "data"),
        (".losses.png.part", "secret.txt"),
        ("more/deeper/x", "secret.txt"),
        ("nowhere", "nothing"),
        ("circle", "run/circle"),
    ],
)
def test_a_link_out_of_a_run_is_not_followed(run, sparring_command, tmp_path, link, target):
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    path = run.path / link
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        path.rename(tmp_path / "aside")
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / target)
    for command in ("resume run --rounds 5", "animate run", "sample run"):
        refuses(sparring_command, command, f"run/{link} is a link out of run, which is not followed")
    assert secret.read_text() == "mine"


def test_a_link_within_a_run_and_one_to_it_are_followed(run, sparring_command, tmp_path):
    (run.path / "checkpoints/copy.txt").symlink_to(run.path.absolute() / "journal.jsonl")
    Path("named").symlink_to(run.path)
    assert sparring_command("sample", "named").status == 0


def test_a_network_that_looks_at_its_values_is_built_without_a_rehearsal(run, monkeypatch):
    config, build = run.recipe.generator, type(run.recipe.generator).build

    def looking(self, num_z, shape):
        torch.zeros(1).item()
        return build(self, num_z, shape)

    monkeypatch.setattr(type(config), "build", looking)
    assert run.sample(2).shape == (2, 1, 16, 16)


@pytest.mark.parametrize("text", ['{"images": -1, "seconds": 1}', '{"images": 1, "seconds": "1"}', '{"seconds": 1}', "[]"])
def test_a_damaged_summary_is_named(tmp_path, text):
    path = tmp_path / "summary.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"summary\.json"):
        work_before(path)


def test_names_that_a_terminal_would_obey_are_written_out(sparring_command):
    done = sparring_command("sample", "run\x1b[2J\u202e")
    assert done.err.startswith("sparring: run\\x1b[2J\\u202e is no run")


def test_links_to_nowhere_are_no_runs_and_no_yardsticks(sparring_command, tmp_path, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    for link in ("runs/a/recipe.json", "cache/extractors/a.safetensors"):
        Path(link).parent.mkdir(parents=True)
        Path(link).symlink_to("nowhere")
    assert sparring_command("runs", "--json").out == "[]\n"
    refuses(sparring_command, "sample latest", "there is no run under runs/")
    assert "a.safetensors" not in sparring_command("extractor", "list").out
