import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparring.data.folder.listing import Files, find, outermost

PARTS = st.sampled_from(["a", "a.b", "a b", "A", "é", "10", "2", "b.png"])


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.lists(PARTS, min_size=1, max_size=3), max_size=8))
def test_names_come_in_the_order_of_their_parts(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("any")
    written = sorted({(*parts[:-1], f"{parts[-1]}.png") for parts in names})
    for parts in written:
        if not any((folder.joinpath(*parts[:depth])).is_file() for depth in range(1, len(parts))):
            touch(folder, "/".join(parts))
    files, folders = find(folder, {".png"})
    expected = sorted(path.relative_to(folder).parts for path in folder.rglob("*.png") if path.is_file())
    assert [tuple(name.split("/")) for name in files.names] == expected
    assert sorted(folders) == sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_dir() and len(path.relative_to(folder).parts) < 3
    )


def test_what_is_hidden_or_ends_otherwise_is_passed_over(tmp_path):
    touch(tmp_path, "1.png", "2.PNG", ".3.png", ".x/4.png", "__MACOSX/5.png", "6.txt", "png", "7.png.txt", "empty/.8.png")
    files, folders = find(tmp_path, {".png"})
    assert (list(files.names), folders) == (["1.png", "2.PNG"], ["empty"])
    assert [str(file) for file in files] == [str(tmp_path / "1.png"), str(tmp_path / "2.PNG")]


def test_links_are_followed_but_in_no_circle(tmp_path):
    touch(tmp_path, "real/1.png", "other/2.png")
    links = {"real/up": "..", "real/broken.png": "nowhere", "real/self.png": "self.png", "real/link.png": "1.png"}
    links["real/there"] = str(tmp_path / "other")
    try:
        for name, target in links.items():
            os.symlink(target, tmp_path / name)  # noqa: PTH211
    except OSError:
        pytest.skip("links are not allowed here")
    files, _ = find(tmp_path / "real", {".png"})
    assert list(files.names) == [
        "1.png", "broken.png", "link.png", "self.png", "there/2.png", "up/other/2.png",
    ]  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "1.png")
    assert not find(tmp_path, {".png"})[0]


def test_files_are_made_when_they_are_asked_for(tmp_path):
    files = Files(["a/1.png", "a/2.png", "b/3.png"], tmp_path.joinpath)
    assert (files[1], len(files), list(files[1:])) == (tmp_path / "a/2.png", 3, [tmp_path / "a/2.png", tmp_path / "b/3.png"])
    assert outermost([*files.names, "4.png"]) == {"a", "b"}
