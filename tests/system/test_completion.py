"""What the shell completes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sparring
from sparring.runs import shipped
from tiny import SETTINGS


@pytest.fixture(autouse=True, scope="module")
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def completed(*words: str) -> list[str]:
    """The completions of the last word, as they are handed to bash, without its own files."""
    asked = {"_SPARRING_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    command = [sys.executable, "-m", "sparring"]
    done = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=True)
    return [line.removeprefix("plain,") for line in done.stdout.splitlines() if line.startswith("plain,")]


def test_commands_recipes_and_data_sets():
    assert completed("sparring", "tr") == ["train"]
    assert completed("sparring", "train", "va") == ["vanilla"]
    assert completed("sparring", "recipes", "dc") == ["dcgan"]
    assert completed("sparring", "train", "vanilla", "--data", "mni") == ["mnist"]
    assert completed("sparring", "evaluate", "x", "--against", "mni") == ["mnist"]
    assert completed("sparring", "data", "check", "mni") == ["mnist"]
    assert completed("sparring", "train", "flash", "--precision", "b") == ["bf16"]


def test_settings_of_the_recipe_that_was_named():
    assert completed("sparring", "train", "vanilla", "--set", "optim.l") == ["optim.lr="]
    assert "penalties.0.gamma=" in completed("sparring", "train", "flash", "--set", "pen")
    assert completed("sparring", "train", "vanilla", "--set", "penalties.") == []


def test_runs_newest_first_and_latest():
    for name in ("b", "a"):
        sparring.train("vanilla", rounds=1, out=f"runs/{name}", settings=SETTINGS["vanilla"], quiet=True)
    runs = ["latest", "runs/a", "runs/b"]
    for words in (["show"], ["resume"], ["compare", "runs/b"]):
        assert completed("sparring", *words, "") == runs
    for words in (["sample"], ["evaluate"], ["animate"], ["invert"], ["train", "vanilla", "--from"]):
        assert completed("sparring", *words, "") == [*runs, *shipped.names()]


def test_it_takes_less_than_three_tenths_of_a_second():
    resource = pytest.importorskip("resource", reason="there is no use of other processes here")
    completed("sparring", "train", "vanilla", "--set", "")  # looks the names up
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(completed("sparring", "train", "vanilla", "--set", "")) > 50
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


def test_a_cache_that_cannot_be_read_is_looked_up_anew():
    file = Path(os.environ["SPARRING_CACHE"], "completion.json")
    completed("sparring", "train", "v")
    file.write_text("{")
    assert completed("sparring", "train", "va") == ["vanilla"]
    assert file.read_text().startswith('{"stamp"')


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")
def test_bash_puts_no_space_after_a_setting(tmp_path, sparring_command):
    program = tmp_path / "sparring"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sparring "$@"\n')
    program.chmod(0o755)
    script = sparring_command("completion", "bash").out + (
        "\ncompopt() { echo $*; }\n"
        "COMP_WORDS=(sparring train vanilla --set optim.l); COMP_CWORD=4\n"
        "_sparring_completion sparring; echo ${COMPREPLY[@]}\n"
    )
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-3:-1] == ["-o nospace", "optim.lr="]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_such_as_the_shells_read(shell, sparring_command):
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    script = sparring_command("completion", shell).out
    assert "_SPARRING_COMPLETE" in script
    subprocess.run([shell, "-n"], input=script, text=True, check=True)
