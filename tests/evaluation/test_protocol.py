from dataclasses import fields, replace

import pytest

from sparring.errors import InputError
from sparring.evaluation import Protocol, Score, check_comparable, difference
from sparring.evaluation.score import number

PROTOCOL = Protocol(
    extractor="digits-01234567",
    extractor_hash="0123456789",
    data="mnist",
    data_fingerprint="abc",
    split="test",
    num_samples=10_000,
    num_real=10_000,
    preprocessing="none",
    options="k = 3",
    seed=0,
    interval="5 independent draws",
)
SCORE = Score("recall", 0.5, 0.4, 0.6, 0.9, 1.0, PROTOCOL)


def with_protocol(**changes) -> Score:
    return replace(SCORE, protocol=replace(PROTOCOL, **changes))


DIFFERENCES = {
    "extractor_hash": ({"extractor_hash": "9", "extractor": "digits-9"}, "extractor (digits-01234567 against digits-9)"),
    "data_fingerprint": ({"data_fingerprint": "xyz"}, "data (abc against xyz)"),
    "split": ({"split": "train"}, "split (test against train)"),
    "num_samples": ({"num_samples": 2000}, "num_samples (10000 against 2000)"),
    "num_real": ({"num_real": 9}, "num_real (10000 against 9)"),
    "preprocessing": ({"preprocessing": "other"}, "preprocessing (none against other)"),
    "options": ({"options": "k = 5"}, "options (k = 3 against k = 5)"),
}


@pytest.mark.parametrize(("changes", "words"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_difference_is_named(changes, words):
    other = with_protocol(**changes)
    assert difference(SCORE, other) == words
    with pytest.raises(InputError) as caught:
        check_comparable(SCORE, other, ("runs/a", "runs/b"))
    assert str(caught.value) == f"the recall of runs/a and of runs/b cannot be compared: they differ in {words}"


def test_another_metric_is_another_thing():
    assert difference(SCORE, replace(SCORE, metric="precision")) == "metric (recall against precision)"


def test_data_of_one_content_are_the_same_under_any_name():
    for changes in ({"seed": 9}, {"interval": "8 subsamples of 500"}, {"data": "idx-folder"}, {"extractor": "mine-01234567"}):
        assert difference(SCORE, with_protocol(**changes)) is None
        check_comparable(SCORE, with_protocol(**changes), ("a", "b"))


def test_every_field_of_a_protocol_was_thought_of():
    assert {field.name for field in fields(Protocol)} == {
        *DIFFERENCES,
        "extractor",
        "data",
        "seed",
        "interval",
        "weak_extractor",
    }


def test_a_score_reads_as_a_sentence():
    assert str(SCORE) == "recall 0.5000 (0.4000 to 0.6000), real images 0.9000, 10,000 samples"
    bare = replace(SCORE, metric="frechet_distance", low=None, high=None, floor=None)
    assert str(bare) == "frechet distance 0.5000, 10,000 samples"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0.0000"),
        (0.98765, "0.9877"),
        (0.04120819, "0.04121"),
        (-0.00030616, "-0.0003062"),
        (1e-7, "1e-07"),
        (9.51542, "9.5154"),
        (10.0, "10.0"),
        (1234.56, "1,234.6"),
    ],
)
def test_numbers_keep_their_digits(value, text):
    assert number(value) == text
