import json

import pytest

from sparring.errors import InputError
from sparring.run import scorebook
from sparring.run.scorebook import Evaluation
from sparring.scores import Protocol, Score

PROTOCOL = Protocol("żółw-1", "1", "mnist", "2", "test", 2000, 10_000, "none", "k = 3", 0, "8 subsamples of 500")


def evaluation(round_: int, quick: bool = True, value: float = 0.1) -> Evaluation:
    recall = Score("recall", value, None, None, 0.5, None, PROTOCOL)
    return Evaluation(round_, quick, (recall, Score("precision", 1 / 3, 0.3, 0.4, None, 1.0, PROTOCOL)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scores.jsonl"


@pytest.fixture
def three(path) -> list[Evaluation]:
    evaluations = [evaluation(10), evaluation(10, quick=False, value=0.2), evaluation(20, value=0.3)]
    for each in evaluations:
        scorebook.append(path, each)
    return evaluations


def test_what_was_appended_is_read_in_order(path, three):
    assert scorebook.read(path) == three
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["round"], line["quick"]) for line in lines] == [(10, True), (10, False), (20, True)]
    assert lines[0]["scores"][0]["protocol"]["extractor"] == "żółw-1"


def test_no_file_is_no_evaluation(path):
    assert scorebook.read(path) == []
    scorebook.cut(path, 0)
    assert not path.exists()


def test_scores_go_by_their_names():
    assert evaluation(1)["precision"].value == 1 / 3
    with pytest.raises(KeyError, match="recal"):
        evaluation(1)["recal"]


@pytest.mark.parametrize("cut", [1, 30])
def test_a_line_that_a_kill_cut_short_is_passed_over_and_written_over(path, three, cut):
    path.write_bytes(path.read_bytes()[:-cut])
    assert scorebook.read(path) == three[:2]
    scorebook.append(path, evaluation(30))
    assert scorebook.read(path) == [*three[:2], evaluation(30)]


def test_a_first_line_cut_short_is_written_over_too(path):
    path.write_text('{"round"')
    scorebook.append(path, evaluation(30))
    assert scorebook.read(path) == [evaluation(30)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", r"scores\.jsonl:2 is no evaluation; the file was damaged"),
        ("[]", r"scores\.jsonl:2 is \[\]; it must be an object"),
        ('{"round": 1}', r"scores\.jsonl:2 lacks quick, scores"),
        ('{"round": "a", "quick": true, "scores": []}', r'scores\.jsonl:2\.round is "a"; it must be a whole number'),
    ],
)
def test_a_damaged_line_is_named(path, line, words):
    scorebook.append(path, evaluation(1))
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=words):
        scorebook.read(path)


def test_a_resumed_run_drops_the_quick_scores_that_it_takes_again(path, three):
    late = evaluation(30, quick=False)
    scorebook.append(path, late)
    scorebook.append(path, evaluation(11))
    before = path.read_bytes()
    scorebook.cut(path, 20)
    assert path.read_bytes() == before
    scorebook.cut(path, 10)
    assert scorebook.read(path) == [*three[:2], late]
    assert before.startswith(path.read_bytes()[:100])


def test_values_that_json_cannot_hold_leave_the_file_alone(path, three):
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        scorebook.append(path, evaluation(40, value=float("nan")))
    assert path.read_bytes() == before
