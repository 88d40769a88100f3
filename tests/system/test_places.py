"""Names, places and numbers that machines of other people have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import sparring
from sparring.data import resolve
from sparring.errors import InputError
from sparring.storage.cache import cache_folder
from tiny import SETTINGS

SPARRING = [sys.executable, "-m", "sparring"]


def test_a_data_folder_whose_name_is_no_utf8_is_refused_in_a_sentence(tmp_path, sparring_command):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xb0\xed\xbe\xe7"))
    folder.mkdir()
    for number in range(3):
        Image.new("L", (4, 4)).save(folder / f"{number}.png")
    for command in (("train", "photo", "--data", folder), ("data", "check", folder)):
        done = sparring_command(*command)
        assert done.status == 2
        assert "has a name that cannot be shown; give the folder one in UTF-8" in done.err
    with pytest.raises(InputError, match="cannot be shown"):
        resolve(str(folder))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", [["recipes"], ["recipes", "vanilla", "--json"], ["--help"], ["--version"]])
def test_a_full_output_is_told_in_a_sentence(command):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*SPARRING, *command], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (4, "sparring: cannot write the output: No space left on device\n")


def test_a_name_that_the_terminal_cannot_encode_is_shown_escaped(tmp_path):
    sparring.train("vanilla", rounds=1, out="고양이", settings=SETTINGS["vanilla"], quiet=True)
    latin = os.environ | {"PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([*SPARRING, "runs", "."], env=latin, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\uace0\\uc591\\uc774" in done.stdout


def test_without_a_home_the_cache_has_to_be_named(monkeypatch):
    monkeypatch.delenv("SPARRING_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as it answers where there is none
    with pytest.raises(InputError, match="no home folder to keep data in; name a folder with SPARRING_CACHE"):
        cache_folder()


@pytest.mark.parametrize("command", ["sample", "evaluate"])
def test_numbers_beyond_64_bits_are_refused(sparring_command, command):
    done = sparring_command(command, "latest", "--num", 10**30)
    assert done.status == 2
    assert "is not in the range 1<=x<=1099511627776" in done.err


def test_a_tilde_is_the_home_in_options_too(tmp_path, sparring_command, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settings = [f"--set={key}={value}" for key, value in SETTINGS["vanilla"].items()]
    assert sparring_command("train", "vanilla", "--rounds", 1, "--out=~/run", "--quiet", *settings).status == 0
    assert (tmp_path / "home/run/recipe.json").is_file()
    assert not Path("~").exists()
    assert sparring_command("sample", "~/run", "--out=~/some.png").status == 0
    assert (tmp_path / "home/some.png").is_file()


def test_a_length_that_is_passed_already_is_told(sparring_command):
    sparring.train("vanilla", rounds=4, out="run", settings=SETTINGS["vanilla"], quiet=True)
    done = sparring_command("resume", "run", "--rounds", 2)
    assert done.status == 0
    assert "run is past 2 rounds already, so nothing is trained; a greater length extends it" in done.err
    assert "nothing is trained" not in sparring_command("resume", "run", "--rounds", 6).err
