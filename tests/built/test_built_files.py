"""What the wheel and the source archive hold: hatchling's own lists of files, without building either."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

sdist = pytest.importorskip("hatchling.builders.sdist", reason="the list of a package's files needs hatchling")
wheel = pytest.importorskip("hatchling.builders.wheel")


def files_of(builder):
    return {file.distribution_path for file in builder(str(ROOT)).recurse_included_files()}


def kept_by_git():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run(["git", "ls-files", "-z", "--deduplicate"], cwd=ROOT, capture_output=True, check=True, text=True)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


def test_the_wheel_holds_every_file_of_the_package():
    package = ROOT / "src" / "sparring"
    there = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    found = files_of(wheel.WheelBuilder)
    assert found == {path.relative_to(ROOT / "src").as_posix() for path in there}
    assert "sparring/py.typed" in found
    for weights in (r"evaluation/extractors/weights/digits-\w{8}", r"runs/pretrained/digits-\w{8}/model"):
        assert any(re.fullmatch(rf"sparring/{weights}\.safetensors", name) for name in found)


def test_the_source_archive_holds_every_file_that_git_keeps():
    assert kept_by_git() <= files_of(sdist.SdistBuilder)


def test_the_workflow_tries_the_versions_of_python_that_the_package_names():
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(classifiers))
    tried = re.search(r'python: \["(.*)"\]', (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert tried
    assert tried[1].split('", "') == named


def test_every_action_of_the_workflow_is_pinned_to_a_commit():
    used = re.findall(r"uses: (\S+)", (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []


def test_the_citation_names_the_version_that_is_built():
    from sparring import __version__

    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
