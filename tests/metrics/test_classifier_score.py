import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator

from sparring.errors import InputError
from sparring.metrics import class_shares, classifier_score, entropy, missing_classes, shares_of

MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
seeds = st.integers(0, 2**32)


def draw(num: int, width: int, seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(num, width, generator=Generator().manual_seed(seed), dtype=torch.float64)


def sure(labels: torch.Tensor, num_classes: int = 10, logit: float = 1000.0) -> torch.Tensor:
    return logit * torch.nn.functional.one_hot(labels, num_classes).float()


def naive_score(logits: list[list[float]]) -> float:
    rows = [[math.exp(x) / math.fsum(map(math.exp, row)) for x in row] for row in logits]
    mean = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
    return math.exp(math.fsum(p * math.log(p / q) for row in rows for p, q in zip(row, mean, strict=True)) / len(rows))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 20), st.integers(1, 6), seeds)
def test_it_is_the_definition(num, num_classes, seed):
    logits = draw(num, num_classes, seed)
    assert classifier_score(logits) == pytest.approx(naive_score(logits.tolist()), rel=1e-12)


def test_by_hand():
    # Two classes, p = (3/4, 1/4) and its mirror image; p(y) is even: KL = ln 2 - H(1/4).
    logits = torch.tensor([[math.log(3), 0.0], [0.0, math.log(3)]], dtype=torch.float64)
    expected = 2 * math.exp(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert classifier_score(logits) == pytest.approx(expected, rel=1e-14)


def test_equal_predictions_score_1():
    assert classifier_score(draw(1, 10).expand(500, 10)) == pytest.approx(1, abs=1e-12)
    assert classifier_score(draw(1, 10)) == pytest.approx(1, abs=1e-12)


def test_sure_and_even_predictions_score_the_number_of_classes():
    assert classifier_score(sure(torch.arange(500) % 10)) == pytest.approx(10, rel=1e-12)
    assert classifier_score(sure(torch.arange(14) % 7, 7)) == pytest.approx(7, rel=1e-12)


def test_rounding_does_not_leave_the_range():
    for num_classes in range(2, 40):
        assert classifier_score(sure(torch.arange(num_classes), num_classes)) <= num_classes
        assert classifier_score(draw(1, num_classes).expand(3, num_classes)) >= 1


@pytest.mark.parametrize(("counts", "expected"), [(MNIST_TRAIN, 9.986), (MNIST_TEST, 9.983)])
def test_the_labels_of_mnist_score_a_little_less_than_10(counts, expected):
    labels = torch.arange(10).repeat_interleave(torch.tensor(counts))
    logits = sure(labels)
    assert classifier_score(logits) == pytest.approx(expected, abs=5e-4)
    assert classifier_score(logits) == pytest.approx(math.exp(entropy(class_shares(logits))), rel=1e-12)


def test_huge_logits_are_no_harm():
    logits = torch.tensor([[1e30, -1e30], [-1e30, 1e30]])
    assert classifier_score(logits) == pytest.approx(2)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 20), st.integers(1, 6), seeds)
def test_range_and_symmetries(num, num_classes, seed):
    logits, generator = draw(num, num_classes, seed), Generator().manual_seed(seed)
    score = classifier_score(logits)
    rows, classes = torch.randperm(num, generator=generator), torch.randperm(num_classes, generator=generator)
    assert 1 <= score <= num_classes
    assert classifier_score(logits[rows][:, classes] + draw(num, 1, seed)) == pytest.approx(score, rel=1e-10)
    assert classifier_score(logits.repeat(3, 1)) == pytest.approx(score, rel=1e-10)


def test_more_samples_than_a_chunk_holds():
    logits = draw(10_001, 3)
    p = logits.softmax(dim=1)
    expected = (p * (p / p.mean(dim=0)).log()).sum(dim=1).mean().exp().item()
    assert classifier_score(logits) == pytest.approx(expected, rel=1e-12)


def test_shares_by_hand():
    shares = class_shares(torch.tensor([[0.0, 5, 1, 0], [2, 1, 0, 0], [9, 8, 7, 0], [-3, -2, -4, -9]]))
    assert shares.dtype == torch.float64
    assert shares.tolist() == [0.5, 0.5, 0, 0]
    assert shares_of(torch.tensor([2, 0, 2, 2]), 4).tolist() == [0.25, 0, 0.75, 0]


def test_entropy_by_hand():
    assert entropy(torch.tensor([0.5, 0.25, 0.25, 0.0])) == pytest.approx(1.5 * math.log(2), rel=1e-15)
    assert entropy(torch.tensor([1.0, 0.0])) == 0
    assert entropy(torch.full((10,), 0.1)) == pytest.approx(math.log(10), rel=1e-7)


def test_classes_below_a_tenth_of_their_real_share_are_missing():
    real = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
    shares = torch.tensor([0.95, 0.0299, 0.0201, 0.0], dtype=torch.float64)
    assert missing_classes(shares, real) == 1
    assert missing_classes(shares, real, fraction=0.099) == 0
    assert missing_classes(shares, real, fraction=0.11) == 2
    assert missing_classes(real, real) == missing_classes(real, real, fraction=1) == 0
    assert missing_classes(torch.tensor([1.0, 0, 0, 0]), real) == 2  # nobody misses the class that is not real


def test_a_share_of_exactly_the_fraction_is_there():
    assert missing_classes(torch.tensor([0.875, 0.125]), torch.tensor([0.75, 0.25]), fraction=0.5) == 0


@pytest.mark.parametrize("score", [classifier_score, class_shares])
@pytest.mark.parametrize(
    ("logits", "words"),
    [
        (torch.zeros(0, 10), "the number of logits is 0; it must be at least 1"),
        (torch.zeros(10), r"the shape of logits is \[10\]"),
        (torch.tensor([[0.0, math.nan], [0.0, 1.0]]), "1 of 2 logits hold values that are infinite or not a number"),
        (torch.tensor([[0.0, -math.inf]]), "1 of 1 logits hold values that are infinite or not a number"),
    ],
)
def test_unusable_logits_are_refused(score, logits, words):
    with pytest.raises(InputError, match=words):
        score(logits)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (torch.tensor([0, 3, -1, 10, 2]), "2 of 5 labels lie outside 0 to 9"),
        (torch.tensor([], dtype=torch.int64), "the number of labels is 0"),
        (torch.tensor([1.0]), r"labels is torch\.float32 \[1\]; it must be int64 \[N\]"),
        (torch.tensor([[1]]), r"labels is torch\.int64 \[1, 1\]"),
    ],
)
def test_unusable_labels_are_refused(labels, words):
    with pytest.raises(InputError, match=words):
        shares_of(labels, 10)


@pytest.mark.parametrize("shares", [[0.5, 0.4], [1.5, -0.5], [math.nan, 1.0]])
def test_entropy_is_of_shares_only(shares):
    with pytest.raises(InputError, match="it must be at least 0 and sum to 1"):
        entropy(torch.tensor(shares))


def test_shares_of_other_classes_are_refused():
    with pytest.raises(InputError, match=r"the shape of shares is \[2\]; it must be \[3\]"):
        missing_classes(torch.tensor([0.5, 0.5]), torch.tensor([0.5, 0.25, 0.25]))
