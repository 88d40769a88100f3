"""Runs side by side: which scores may be compared, which differences are more than noise, and the page of it all."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sparring.analysis import Comparison, Difference, compare
from sparring.analysis.comparison import MISSING
from sparring.analysis.page import _in_words, moments, short_names
from sparring.api.resolve import resolve
from sparring.errors import InputError
from sparring.evaluation import Protocol, Score
from sparring.metrics.confidence import mean_interval, welch_test
from sparring.recipe import Recipe
from sparring.runs import scorebook
from sparring.runs.journal import Journal
from sparring.runs.run import Run
from sparring.runs.scorebook import Evaluation
from sparring.visual import encode_png

FULL = Protocol("digits", "abc", "mnist", "f00", "test", 10_000, 10_000, "uint8", "", 0, "5 independent draws")
QUICK = replace(FULL, num_samples=2000, interval="8 subsamples of 500")
FACTS = {"num_images": 1000, "shape": [1, 28, 28], "data_name": "mnist", "device": "cpu", "data_fingerprint": "f00"}


def score(metric: str, value: float, half: float | None = 0.5, protocol: Protocol = FULL, floor: float | None = 0.1) -> Score:
    bounds = (None, None) if half is None else (value - half, value + half)
    return Score(metric, value, *bounds, floor, None, protocol)


def evaluation(value: float, *more: Score, round: int = 20, protocol: Protocol = FULL, half: float | None = 0.5) -> Evaluation:
    return Evaluation(round, protocol is QUICK, (score("frechet_distance", float(value), half, protocol), *more))


def a_run(
    name: str,
    *evaluations: Evaluation,
    seed: int = 0,
    recipe: Recipe | None = None,
    frames: Sequence[int] = (1, 2),
    facts: dict[str, Any] | None = None,
    warning: str | None = None,
) -> Path:
    """A run of 1,000 images an epoch and 10 rounds an epoch, with pictures after these epochs."""
    Path(name).mkdir(parents=True)
    run = Run.create(Path(name), recipe or resolve("vanilla"), seed, FACTS | (facts or {}))
    (run.path / "samples").mkdir()
    journal = Journal(run.path / "journal.jsonl")
    journal.write("start")
    for epoch in frames:
        place = {"round": 10 * epoch, "epoch": epoch, "images": 1000 * epoch, "seconds": 1.5 * epoch}
        journal.write("round", **place, g_loss=1.0 + epoch, d_loss=0.5, d_real=0.75, d_fake=0.25)
        (run.path / f"samples/epoch_{epoch:04d}.png").write_bytes(encode_png(Image.new("L", (484, 484), epoch)))
        journal.write("sample", **place, file=f"samples/epoch_{epoch:04d}.png")
        journal.write("sample", **place, file="samples/000.png")
    for taken in evaluations:
        scorebook.append(run.path, taken)
        if taken.quick:
            first = taken.scores[0]
            place = {"round": taken.round, "epoch": taken.round // 10, "images": 100 * taken.round, "seconds": 1.0}
            fields = {"quick": True, "headline": first.metric, "floor": first.floor, first.metric: first.value}
            journal.write("score", **place, **fields)
    if warning:
        journal.write("warning", round=20, cause="collapse", text=warning, advice="Lower optim.lr.")
    journal.write("end", round=20, ending="finished", seconds=3.0)
    return run.path


def values(comparison: Comparison) -> list[float | None]:
    return [taken and taken["frechet_distance"].value for taken in comparison.evaluations]


# Which evaluations count


def test_of_each_run_the_newest_full_evaluation_counts():
    a = a_run("a", evaluation(9), evaluation(8), evaluation(7, protocol=QUICK))
    b = a_run("b", evaluation(6, protocol=QUICK), evaluation(5))
    assert values(Comparison.of([a, b])) == [8, 5]


def test_where_the_newest_were_not_taken_alike_older_ones_count():
    few = replace(FULL, num_samples=5000)
    a = a_run("a", evaluation(9), evaluation(8), evaluation(7, protocol=few))
    b = a_run("b", evaluation(6, protocol=few), evaluation(5))
    assert values(Comparison.of([a, b])) == [7, 6]
    c = a_run("c", evaluation(4))
    assert values(Comparison.of([a, b, c])) == [8, 5, 4]


def test_where_one_has_quick_scores_alone_the_quick_ones_of_all_count():
    a = a_run("a", evaluation(9, protocol=QUICK), evaluation(8, protocol=QUICK), evaluation(7))
    b = a_run("b", evaluation(6, protocol=QUICK))
    found = Comparison.of([a, b])
    assert values(found) == [8, 6]
    compare([a, b])
    assert "<b>quick scores</b>" in Path("comparison.html").read_text()


def test_scores_that_were_not_taken_alike_are_refused():
    a = a_run("a", evaluation(9))
    b = a_run("b", evaluation(8, protocol=replace(FULL, num_samples=5000)))
    with pytest.raises(
        InputError, match=r"of a and of b cannot be compared: they differ in num_samples \(10000 against 5000\)"
    ):
        compare([a, b])
    with pytest.raises(InputError, match="alike: `sparring evaluate a` and `sparring evaluate b`"):
        compare([a, b])
    assert not Path("comparison.html").exists()


def test_of_three_the_two_that_have_nothing_in_common_are_named():
    few = replace(FULL, num_samples=5000)
    a = a_run("a", evaluation(9), evaluation(8, protocol=few))
    b, c = a_run("b", evaluation(7)), a_run("c", evaluation(6, protocol=few))
    with pytest.raises(InputError, match="of b and of c"):
        Comparison.of([a, b, c])


def test_other_data_are_held_against_one_data_set():
    b = a_run("b", evaluation(8, protocol=replace(FULL, data="fashion", data_fingerprint="ba5")))
    with pytest.raises(InputError, match=r"data \(mnist against fashion\).*evaluate b --against mnist`"):
        Comparison.of([a_run("a", evaluation(9)), b])
    points = a_run("points", Evaluation(20, False, (score("energy_distance", 1.0),)))
    with pytest.raises(InputError, match="data of one kind"):
        Comparison.of(["a", points])


def test_a_run_without_evaluation_gets_a_dash_and_the_command():
    found = compare([a_run("my run"), a_run("b", evaluation(5)), a_run("c", evaluation(5.25))])
    assert values(found) == [None, 5, 5.25]
    assert [(d.a, d.b) for d in found.differences] == [("b", "c")]
    page = Path("comparison.html").read_text()
    assert "sparring evaluate &#39;my run&#39; --num 10000" in page
    assert "evaluate b" not in page


def test_runs_without_any_evaluation_are_compared_all_the_same():
    found = compare([a_run("a"), a_run("b")])
    assert (found.evaluations, found.lines, found.differences) == ((None, None), (), ())
    assert "None of these runs has been evaluated" in Path("comparison.html").read_text()


def test_a_metric_of_two_protocols_stands_on_two_lines():
    def memorisation(images: str) -> Score:
        return score("memorisation", 0.0, protocol=replace(FULL, num_samples=1000, options=f"{images} training images"))

    runs = [a_run(f"{i}", evaluation(5, memorisation(images))) for i, images in enumerate(("9", "8", "9"))]
    found = compare(runs)
    assert [[s is not None for s in line.scores] for line in found.lines] == [
        [True] * 3,
        [True, False, True],
        [False, True, False],
    ]
    assert {(d.metric, d.a, d.b) for d in found.differences} == {
        ("frechet_distance", "0", "1"),
        ("frechet_distance", "0", "2"),
        ("memorisation", "0", "2"),
    }
    assert "memorisation (8 training images)" in Path("comparison.html").read_text()


# Which differences are more than noise


@pytest.mark.parametrize(("value", "exceeds"), [(9.51, False), (9.49, True), (10.49, False), (10.51, True)])
def test_noise_is_the_root_of_the_sum_of_squares(value, exceeds):
    a, b = a_run("a", evaluation(10, half=0.3)), a_run("b", evaluation(value, half=0.4))
    (found,) = Comparison.of([a, b]).differences
    assert found.noise == pytest.approx(0.5)
    assert found.difference == pytest.approx(value - 10)
    assert (found.exceeds, found.better) == (exceeds, value < 10)


def test_an_interval_that_was_cut_off_counts_with_its_longer_half():
    low = Score("frechet_distance", 0.1, 0.0, 0.5, 0.1, None, FULL)
    high = Score("frechet_distance", 0.6, 0.3, 0.65, 0.1, None, FULL)
    a, b = a_run("a", Evaluation(20, False, (low,))), a_run("b", Evaluation(20, False, (high,)))
    (found,) = Comparison.of([a, b]).differences
    assert found.noise == pytest.approx(0.5)  # of 0.4 and 0.3


def test_without_an_interval_nobody_knows():
    a, b = a_run("a", evaluation(9)), a_run("b", evaluation(1, half=None))
    (found,) = compare([a, b]).differences
    assert (found.noise, found.exceeds, found.matters) == (None, None, False)
    assert "no interval" in Path("comparison.html").read_text()


@pytest.mark.parametrize(
    ("metric", "change", "better"),
    [
        ("frechet_distance", -1, True),
        ("kernel_distance", 1, False),
        ("missing_classes", -1, True),
        ("recall", 1, True),
        ("modes", -1, False),
        ("class_entropy", 1, True),
        ("density", 1, None),
        ("largest_class", -1, None),
        ("share_3", 1, None),
        ("recall", 0, None),
    ],
)
def test_which_end_of_a_metric_is_good(metric, change, better):
    assert Difference(metric, "a", "b", change, 0.5).better is better


def test_what_cannot_be_seen_does_not_matter():
    assert Difference("recall", "a", "b", 1e-5, 1e-6).exceeds
    assert not Difference("recall", "a", "b", 1e-5, 1e-6).matters
    assert not Difference("recall", "a", "b", 1.0, 2.0).matters
    assert Difference("recall", "a", "b", 1.0, 0.5).matters


# Seeds


def test_runs_that_differ_in_the_seed_alone_are_taken_together():
    other = replace(resolve("vanilla"), batch_size=50)
    runs = [a_run(f"a{i}", evaluation(value), seed=i) for i, value in enumerate((5.0, 6.0, 7.0))]
    runs += [a_run(f"b{i}", evaluation(value), seed=i, recipe=other) for i, value in enumerate((20.0, 21.0))]
    runs += [a_run("alone", evaluation(1.0), recipe=replace(other, batch_size=25))]
    found = compare(runs)
    assert [group.name for group in found.groups] == ["A, B, C", "D, E"]
    assert found.groups[0].means[0] == (6.0, *mean_interval([5.0, 6.0, 7.0]))
    (between,) = found.group_differences
    assert (between.a, between.b, between.difference) == ("A, B, C", "D, E", 14.5)
    assert (between.noise, between.p_value) == welch_test([5.0, 6.0, 7.0], [20.0, 21.0])
    assert between.matters
    page = Path("comparison.html").read_text()
    assert "A, B, C: vanilla, seeds 0, 1, 2, round 20" in page
    assert re.search(rf"differs from A, B, C by \+14\.50*: worse \(p = {between.p_value:.2g}\)", page)
    assert found.summary()["groups"][1]["means"][0]["mean"] == 20.5


def test_a_folder_of_seeds_stands_for_its_runs(sparring_command):
    other = replace(resolve("vanilla"), batch_size=50)
    for i in range(3):
        a_run(f"few/seed{i}", evaluation(5 + i), seed=i)
        a_run(f"many/seed{10 - i}", evaluation(20 + i), seed=10 - i, recipe=other)
    done = sparring_command("compare", "few", "many")
    assert (done.status, done.err) == (0, "")
    assert "differs    frechet distance: D, E, F from A, B, C by +15.0, worse (seeds, p = " in done.out
    assert [run.seed for run in compare(["few", "many"]).runs] == [0, 1, 2, 8, 9, 10]


def test_one_seed_twice_is_no_group():
    runs = [a_run("a", evaluation(5)), a_run("b", evaluation(6)), a_run("c", seed=1)]
    assert Comparison.of(runs).groups == ()
    third = a_run("d", evaluation(8), seed=2)
    (group,) = Comparison.of([*runs, third]).groups
    assert group.means[0] == (6.5, *mean_interval([5.0, 8.0]))


def test_other_data_under_one_name_make_no_group():
    a, b = a_run("a", evaluation(5)), a_run("b", evaluation(5), seed=1, facts={"data_fingerprint": "ba5"})
    assert Comparison.of([a, b]).groups == ()


# Settings


def test_settings_that_differ_go_by_dotted_names():
    vanilla = resolve("vanilla")
    changed = replace(vanilla, batch_size=7, g_optim=replace(vanilla.g_optim, lr=0.5), shared_clock=False)
    a, b = a_run("a"), a_run("b", recipe=changed, seed=3)
    assert dict(Comparison.of([a, b]).settings()) == {
        "seed": (0, 3),
        "g_optim.lr": (vanilla.g_optim.lr, 0.5),
        "shared_clock": (True, False),
        "batch_size": (100, 7),
    }


def test_settings_of_other_parts_and_lists():
    vanilla, dcgan = resolve("vanilla"), resolve("dcgan")
    a, b, c = a_run("a"), a_run("b", recipe=dcgan), a_run("c", recipe=replace(vanilla, round=resolve("paper").round))
    found = dict(Comparison.of([a, b, c]).settings())
    assert found["generator.widths"] == ([256], MISSING, [256])
    assert found["generator.width"][0] is MISSING
    assert len(found["round.moves"][1]) == 1
    two = dict(Comparison.of([a, c]).settings())
    assert two["round.moves.0.name"] == ("move-g", "move-d")
    assert not any(name.startswith("generator") for name in two)


def test_equal_runs_differ_in_no_setting():
    assert compare([a_run("a"), a_run("b")]).settings() == []
    assert "None differ: the runs have the same recipe" in Path("comparison.html").read_text()


def test_parts_in_words():
    move = {"name": "move-g", "z": "fresh", "extra": None}
    assert _in_words([{"name": "move-d"}, move, move]) == "move-d(), 2 × move-g(z=fresh)"
    assert [_in_words(value) for value in ([1, 2], None, 0.5, "word")] == ["[1, 2]", "null", "0.5", "word"]


# Moments


def test_moments_are_nearest_to_equal_ratios_of_images():
    (first, *_, before, last) = found = moments([[1, 2, 4, 8, 16, 32], [1, 3, 9, 27, 32]])
    assert [aim for aim, _ in found] == [1, 2, 4, 8, 16, None]
    assert (first[1], before[1], last[1]) == ((0, 0), (4, 2), (5, 4))
    assert found[3][1] == (3, 2)


def test_moments_lie_within_the_time_that_all_have():
    found = moments([[10, 20, 30], [20, 40, 80, 160]])
    assert all(20 <= aim <= 30 for aim, _ in found if aim is not None)
    assert found[-1] == (None, (2, 3))
    assert len({places for _, places in found}) == len(found) <= 7


def test_moments_of_runs_without_a_time_in_common_are_the_last():
    assert moments([[1, 2], [], [3, 4]]) == [(None, (1, None, 1))]
    assert moments([[], []]) == []
    assert moments([[0], [0]]) == [(None, (0, 0))]


# The page and the command


def test_the_page_tells_all():
    a = a_run("a", evaluation(9, round=10, protocol=QUICK), evaluation(8, round=20, protocol=QUICK), warning="G has collapsed.")
    b = a_run("b", evaluation(7, round=20, protocol=QUICK), frames=(1, 3))
    compare([a, b], out="deep/report.html")
    page = Path("deep/report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count('class="sharp"') == 6
    assert page.count('class="drawn"') == 5
    for words in (
        "epoch 3, 3,000 images",
        "so it is for A and B",
        "G has collapsed. Lower optim.lr.",
        "differs from A by −1.0000: better",
        "quick score at round 20",
        "mnist, 1,000 examples",
        "finished",
        "sparring compare a b --out deep/report.html",
    ):
        assert words in page


def test_pictures_curves_and_scores_come_first_and_settings_are_folded():
    other = replace(resolve("vanilla"), batch_size=50)
    compare([a_run("a", evaluation(8)), a_run("b", evaluation(7), recipe=other)])
    page = Path("comparison.html").read_text()
    sections = ["pictures", "traces", "scores", "coach", "settings"]
    assert re.findall(r'<section id="(\w+)"', page) == sections
    assert re.search(r"<details>\s*<summary>1 settings? differs?</summary>.*batch_size.*</details>", page, re.DOTALL)


def test_text_of_runs_is_no_markup():
    evil = '<script>alert("x")</script>'
    recipe = replace(resolve("vanilla"), name=evil, source=evil)
    a = a_run("a", recipe=recipe, warning=evil, facts={"device": evil, "data_name": evil})
    compare([a, a_run("<img src=x>", evaluation(5, score(evil, 1.0)))])
    page = Path("comparison.html").read_text()
    assert "<script" not in page
    assert "<img src=x>" not in page
    assert page.count("&lt;script&gt;") >= 6


def test_names_with_dollars_and_hangul_disturb_no_plot():
    compare([a_run("$x^{$", evaluation(5, protocol=QUICK)), a_run("_한글", evaluation(4, protocol=QUICK))])
    assert "_한글" in Path("comparison.html").read_text()


def test_a_damaged_picture_is_named():
    a, b = a_run("a"), a_run("b")
    (b / "samples/epoch_0002.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    with pytest.raises(InputError, match=r"b/samples/epoch_0002.png"):
        compare([a, b])


def test_a_run_that_has_just_begun():
    begun = a_run("begun", frames=())
    (begun / "journal.jsonl").write_text('{"event": "start"}\n{"event": "rou')
    found = compare([begun, a_run("b")]).summary()
    assert (found["runs"][0]["state"], found["runs"][0]["rounds"], found["runs"][1]["images"]) == ("unfinished", 0, 2000)


def test_critics_are_drawn_as_far_as_they_go():
    a, b = a_run("a"), a_run("b")
    for path in (a, b):
        text = (path / "journal.jsonl").read_text()
        (path / "journal.jsonl").write_text(text.replace('"d_real": 0.75', '"d_real": null'))
        (path / "journal.crc32").unlink()
    compare([a, b])
    assert Path("comparison.html").read_text().count('class="drawn"') == 3


def test_short_names_tell_apart():
    assert short_names(map(Path, ("/x/a/seed0", "/x/b/seed0"))) == ["a/seed0", "b/seed0"]
    assert short_names(map(Path, ("/x/a", "/x/b"))) == ["a", "b"]


def test_the_same_runs_make_the_same_page():
    runs = [a_run("a", evaluation(5)), a_run("b")]
    compare(runs, out="one.html")
    first = Path("one.html").read_bytes()
    compare(runs, out="one.html")
    assert Path("one.html").read_bytes() == first


def test_the_command(sparring_command):
    a, b = a_run("a", evaluation(10, half=0.3)), a_run("b", evaluation(8, half=0.4), seed=1)
    done = sparring_command("compare", a, b)
    assert (done.status, done.err) == (0, "")
    assert "comparison.html" in done.out
    assert "frechet distance: B from A by -2.0000, better" in done.out
    told = json.loads(sparring_command("compare", a, b, "--out", "r.html", "--json").out)
    assert told["report"] == "r.html"
    assert [run["run"] for run in told["runs"]] == ["a", "b"]
    (found,) = told["differences"]
    assert found == {
        "metric": "frechet_distance",
        "a": "a",
        "b": "b",
        "difference": -2.0,
        "noise": pytest.approx(0.5),
        "exceeds": True,
        "better": True,
    }
    assert told["runs"][1]["evaluation"]["scores"][0]["value"] == 8
    assert Path("r.html").is_file()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "at least two runs"),
        (("a",), "at least two runs"),
        (("a", "../a/../a"), "named twice"),
        (("a", "nowhere"), "nowhere is no run"),
        (("a", "b", "--out", "report.txt"), "name a .html file"),
        (("a", "b", "--out", "folder.html"), "cannot write folder.html"),
        (("a", "damaged"), "damaged/scores.jsonl:1"),
    ],
)
def test_what_the_command_refuses(sparring_command, tmp_path, monkeypatch, args, words):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("a", "b", "damaged"):
        a_run(name)
    (Path("damaged") / "scores.jsonl").write_text("nonsense\n")
    Path("folder.html").mkdir()
    Path("../a").symlink_to("here/a")
    done = sparring_command("compare", *args)
    assert done.status == 2
    assert words in done.err
    assert not list(Path().glob("comparison.html"))
