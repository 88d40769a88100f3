import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from sparring.errors import InputError
from sparring.metrics import memorisation
from sparring.metrics.confidence import share_interval
from sparring.metrics.memorisation import audit, left_out_audit

seeds = st.integers(0, 2**32)


def pixels(num: int, seed: int = 0, width: int = 20) -> Tensor:
    return torch.randint(256, (num, width), generator=Generator().manual_seed(seed), dtype=torch.uint8)


def naive(fake: list, train: list, held_out: list) -> float:
    def nearest(image, images):
        return min(sum((p - q) ** 2 for p, q in zip(image, other, strict=True)) for other in images)

    wins = 0.0
    for image in fake:
        a, b = nearest(image, train), nearest(image, held_out)
        wins += 1 if a < b else 0.5 if a == b else 0
    expected = len(train) / (len(train) + len(held_out))
    return (wins / len(fake) - expected) / (1 - expected)


def test_copies_of_training_images_score_1():
    train, held_out = pixels(30), pixels(10, 1)
    assert memorisation(train[:20], train, held_out) == pytest.approx(1)
    assert memorisation(held_out, train, held_out) == pytest.approx(-3)  # -T / H, the lowest


def test_by_hand():
    # p = 3/4. 1 is nearer to 0, 9 to the held-out 10, and 5 is as near to 0 as to 10: s = 1.5 / 3.
    fake, train, held_out = torch.tensor([[1.0], [9.0], [5.0]]), torch.tensor([[0.0], [-1.0], [-2.0]]), torch.tensor([[10.0]])
    assert memorisation(fake, train, held_out) == pytest.approx((0.5 - 0.75) / 0.25)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), seeds, st.integers(1, 10), st.booleans())
def test_it_is_the_definition_whatever_the_chunk(num_fake, num_train, num_held_out, seed, chunk, narrow):
    counts = (num_fake, num_train, num_held_out)
    fake, train, held_out = (pixels(num, seed + i, width=2) // (64 if narrow else 1) for i, num in enumerate(counts))
    expected = naive(fake.tolist(), train.tolist(), held_out.tolist())  # narrow ones have many ties
    assert memorisation(fake, train, held_out, chunk=chunk) == pytest.approx(expected, abs=1e-12)


def test_a_fresh_sample_of_the_distribution_scores_0_whatever_the_sizes():
    values = []
    for seed in range(40):
        points = torch.randn(700, 3, generator=Generator().manual_seed(seed))
        values.append(memorisation(points[:200], points[200:600], points[600:]))
    mean, std = torch.tensor(values).mean().item(), torch.tensor(values).std().item()
    assert abs(mean) < 4 * std / math.sqrt(40)


def test_bytes_and_floats_are_alike_and_no_byte_overflows():
    fake, train, held_out = pixels(50, 1), pixels(60, 2), pixels(40, 3)
    expected = naive(fake.tolist(), train.tolist(), held_out.tolist())
    assert memorisation(fake, train, held_out) == pytest.approx(expected, abs=1e-12)
    a, b, c = (images.float() / 127.5 - 1 for images in (fake, train, held_out))
    assert memorisation(a, b, c) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("chunk", [49, 2048])  # 49 leaves image 49 alone on one side: a product of another kind
def test_equal_images_on_both_sides_tie_whatever_the_rounding(chunk):
    images = torch.randn(101, 784, generator=Generator().manual_seed(0))
    fake = images[:50].double() + 0.1 * torch.randn(50, 784, generator=Generator().manual_seed(1)).double()
    expected = (0.5 - 101 / 151) / (50 / 151)
    assert memorisation(fake.flip(0), images, images[:50], chunk=chunk) == pytest.approx(expected, rel=1e-12)


def test_order_does_not_matter():
    fake, train, held_out = pixels(20, 1), pixels(50, 2), pixels(50, 3)
    assert memorisation(fake.flip(0), train.flip(0), held_out.flip(0)) == memorisation(fake, train, held_out)
    assert memorisation(fake, held_out, train) == pytest.approx(-memorisation(fake, train, held_out))


@pytest.mark.parametrize(
    ("fake", "train", "held_out", "words"),
    [
        (pixels(0), pixels(3), pixels(3), "the number of fake images is 0"),
        (pixels(3), pixels(0), pixels(3), "the number of training images is 0"),
        (pixels(3), pixels(3), pixels(0), "the number of held-out images is 0"),
        (torch.full((3, 20), math.nan), pixels(3), pixels(3), "3 of 3 fake images hold values that are infinite or not"),
        (pixels(3), pixels(3), pixels(3, width=21), "fake images and held-out images is 20 and 21"),
    ],
)
def test_unusable_images_are_refused(fake, train, held_out, words):
    with pytest.raises(InputError, match=words):
        memorisation(fake, train, held_out)


def test_samples_with_one_nearest_image_count_once():
    train, held_out = torch.tensor([[0.0], [10.0]]), torch.tensor([[20.0]])
    fake = torch.tensor([[0.0]] * 4 + [[10.0]] * 4 + [[20.0]] * 4)
    assert audit(fake, train, held_out).effective_num == pytest.approx(3)
    assert audit(fake[:4], train, held_out).effective_num == pytest.approx(1)
    assert audit(fake[:5], train, held_out).effective_num == pytest.approx(25 / 17)
    assert audit(fake, train, held_out).interval is None
    apart = torch.arange(20.0)[:, None]
    found = audit(apart, apart, apart + 100)
    assert found.effective_num == pytest.approx(20)
    low, _ = share_interval(1.0, 20)
    assert found.interval == pytest.approx(((low - 0.5) / 0.5, 1.0))


@pytest.mark.parametrize("num_modes", [20, 100, 10_000])
def test_a_collapsed_generator_seems_to_memorise_no_more_often_than_chance_has_it(num_modes):
    rng = Generator().manual_seed(num_modes)
    real = torch.randn(700, 6, generator=rng)
    modes = torch.randn(num_modes, 6, generator=rng)
    fake = modes[torch.randint(num_modes, (500,), generator=rng)] + 0.01 * torch.randn(500, 6, generator=rng)
    holds, naive_holds = [], []
    for _ in range(200):
        divided = real[torch.randperm(700, generator=rng)]
        found = audit(fake, divided[:500], divided[500:])
        assert found.interval is not None
        holds.append(found.interval[0] <= 0 <= found.interval[1])
        low, high = share_interval(found.score * 2 / 7 + 5 / 7, 500)
        naive_holds.append(low <= 5 / 7 <= high)
    assert sum(holds) / 200 == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 200))
    assert num_modes > 1000 or sum(naive_holds) < 0.7 * sum(holds)  # as if all were independent


def naive_left_out(fake: list, train: list, held_out: list) -> float:
    def nearest(image, images):
        return min(sum((p - q) ** 2 for p, q in zip(image, other, strict=True)) for other in images)

    reals = [nearest(image, train[:i] + train[i + 1 :]) for i, image in enumerate(train)]
    reals += [nearest(image, train) for image in held_out]
    wins = [(d < other) + (d == other) / 2 for d in (nearest(image, train) for image in fake) for other in reals]
    return 2 * sum(wins) / len(wins) - 1


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 6), st.integers(2, 9), st.integers(0, 5), seeds, st.integers(1, 10), st.booleans())
def test_left_out_it_is_the_definition_whatever_the_chunk(num_fake, num_train, num_held_out, seed, chunk, narrow):
    counts = (num_fake, num_train, num_held_out)
    fake, train, held_out = (pixels(num, seed + i, width=2) // (64 if narrow else 1) for i, num in enumerate(counts))
    expected = naive_left_out(fake.tolist(), train.tolist(), held_out.tolist())
    assert left_out_audit(fake, train, held_out, chunk=chunk).score == pytest.approx(expected, abs=1e-12)


def test_left_out_copies_score_1_and_what_is_far_from_all_scores_less_than_0():
    train, none = torch.randn(100, 5, generator=Generator().manual_seed(0)), torch.empty(0, 5)
    assert left_out_audit(train[:50], train, none).score == 1
    assert left_out_audit(train[:50] + 100, train, none).score == -1
    assert left_out_audit(train[:50] + 100, train, none).interval == (-1, -1)


def test_left_out_a_fresh_sample_scores_0_and_its_interval_holds_it():
    held = []
    for seed in range(60):
        points = torch.randn(600, 4, generator=Generator().manual_seed(seed))
        low, high = left_out_audit(points[:300], points[300:550], points[550:]).interval or (1, 1)
        held.append(low <= 0 <= high)
        assert high - low < 0.25  # so that 250 pictures can be told from copied ones
    assert sum(held) >= 50  # 57 of 60 are expected


@pytest.mark.parametrize(("fake", "train"), [(pixels(1), pixels(5)), (pixels(5), pixels(1)), (pixels(5), pixels(5, width=3))])
def test_left_out_unusable_input_is_refused(fake, train):
    with pytest.raises(InputError):
        left_out_audit(fake, train, train[:0])
