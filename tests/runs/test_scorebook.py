import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from sparring.errors import InputError
from sparring.evaluation import Protocol, Score
from sparring.runs import scorebook
from sparring.runs.scorebook import Evaluation
from sparring.storage import checksums

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
        scorebook.append(path.parent, each)
    return evaluations


def test_what_was_appended_is_read_in_order(path, three):
    assert scorebook.read(path.parent) == three
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["round"], line["quick"]) for line in lines] == [(10, True), (10, False), (20, True)]
    assert lines[0]["scores"][0]["protocol"]["extractor"] == "żółw-1"


def test_no_file_is_no_evaluation(path):
    assert scorebook.read(path.parent) == []
    scorebook.truncate_after(path.parent, 0)
    assert not path.exists()


def test_scores_go_by_their_names():
    assert evaluation(1)["precision"].value == 1 / 3
    with pytest.raises(KeyError, match="recal"):
        evaluation(1)["recal"]


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
    scorebook.append(path.parent, evaluation(1))
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    (path.parent / checksums.NAME).unlink()
    with pytest.raises(InputError, match=words):
        scorebook.read(path.parent)


def test_a_resumed_run_drops_the_quick_scores_that_it_takes_again(path, three):
    late = evaluation(30, quick=False)
    scorebook.append(path.parent, late)
    scorebook.append(path.parent, evaluation(11))
    before = path.read_bytes()
    scorebook.truncate_after(path.parent, 20)
    assert path.read_bytes() == before
    scorebook.truncate_after(path.parent, 10)
    assert scorebook.read(path.parent) == [*three[:2], late]
    assert before.startswith(path.read_bytes()[:100])


def test_a_flipped_bit_is_noticed(path, three):
    path.write_bytes(path.read_bytes().replace(b"0.3", b"0.7"))
    with pytest.raises(InputError, match=r"scores\.jsonl was damaged or changed"):
        scorebook.read(path.parent)


def test_a_training_and_evaluations_add_at_once_and_nothing_is_lost(path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda round_: scorebook.append(path.parent, evaluation(round_)), range(20)))
    assert sorted(each.round for each in scorebook.read(path.parent)) == list(range(20))


def test_values_that_json_cannot_hold_leave_the_file_alone(path, three):
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        scorebook.append(path.parent, evaluation(40, value=float("nan")))
    assert path.read_bytes() == before
