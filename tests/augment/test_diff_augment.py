import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparring.augment import DiffAugment
from sparring.augment.diff_augment import recoloured, replaced
from sparring.errors import InputError
from sparring.penalties import R1

SHAPES = [(1, 28, 28), (2, 5, 7), (3, 8, 8), (4, 6, 3), (3, 1, 1)]
PARTS = [
    DiffAugment(),
    DiffAugment(translation=False, cutout=False),
    DiffAugment(color=False, cutout=False),
    DiffAugment(color=False, translation=False),
    DiffAugment(color=False, translation=False, cutout=False, flip=True),
    DiffAugment(flip=True),
]
NEARLY_1 = 1 - 2**-24  # the greatest that torch.rand gives in float32
Image = list[list[list[float]]]  # channels, rows, columns


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def images(num: int, shape: tuple[int, ...], seed: int = 1) -> torch.Tensor:
    return 2 * drawn(num, *shape, seed=seed) - 1


# --- one transform alone ---


def _recoloured(place: int, batch: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    drawn = [torch.ones(len(batch), 2, dtype=numbers.dtype) for _ in range(3)]  # 1 is not below the strength
    drawn[place] = torch.cat([torch.zeros_like(numbers), numbers], dim=1)
    return recoloured(batch, *drawn)


def brightness(batch: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    return _recoloured(0, batch, numbers)


def saturation(batch: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    return _recoloured(1, batch, numbers)


def contrast(batch: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    return _recoloured(2, batch, numbers)


def translation(batch: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    return replaced(batch, torch.cat([torch.zeros_like(numbers[:, :1]), numbers], dim=1), None, None)


def cutout(batch: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    return replaced(batch, None, torch.cat([torch.zeros_like(numbers[:, :1]), numbers], dim=1), None)


# --- a reference for one image, in plain Python ---


def each(image: Image, value) -> Image:
    """The image whose values are value(channel, row, column)."""
    height, width = len(image[0]), len(image[0][0])
    return [[[value(c, i, j) for j in range(width)] for i in range(height)] for c in range(len(image))]


def mean_of(values) -> float:
    values = list(values)
    return sum(values) / len(values)


def naive_brightness(image: Image, u: list[float]) -> Image:
    return each(image, lambda c, i, j: image[c][i][j] + u[0] - 0.5)


def naive_saturation(image: Image, u: list[float]) -> Image:
    def value(c: int, i: int, j: int) -> float:
        grey = mean_of(channel[i][j] for channel in image)
        return (image[c][i][j] - grey) * 2 * u[0] + grey

    return each(image, value)


def naive_contrast(image: Image, u: list[float]) -> Image:
    mean = mean_of(v for channel in image for row in channel for v in row)
    return each(image, lambda c, i, j: (image[c][i][j] - mean) * (u[0] + 0.5) + mean)


def naive_translation(image: Image, u: list[float]) -> Image:
    height, width = len(image[0]), len(image[0][0])
    shifts = []
    for size, number in zip((height, width), u, strict=True):
        most = math.floor(size * 0.125 + 0.5)
        shifts.append(list(range(-most, most + 1))[math.floor(number * (2 * most + 1))])

    def value(c: int, i: int, j: int) -> float:
        row, column = i - shifts[0], j - shifts[1]
        return image[c][row][column] if 0 <= row < height and 0 <= column < width else 0.0

    return each(image, value)


def naive_cutout(image: Image, u: list[float]) -> Image:
    holes = []
    for size, number in zip((len(image[0]), len(image[0][0])), u, strict=True):
        length = math.floor(size * 0.5 + 0.5)
        center = math.floor(number * (size + (1 if length % 2 == 0 else 0)))
        holes.append(range(center - length // 2, center - length // 2 + length))
    return each(image, lambda c, i, j: 0.0 if i in holes[0] and j in holes[1] else image[c][i][j])


def naive_flip(image: Image, u: list[float]) -> Image:
    return [[row[::-1] for row in channel] for channel in image]


NAIVE = {
    brightness: (naive_brightness, 1),
    saturation: (naive_saturation, 1),
    contrast: (naive_contrast, 1),
    translation: (naive_translation, 2),
    cutout: (naive_cutout, 2),
}


def naive(augment: DiffAugment, image: Image, uniforms: list[float], strength: float) -> Image:
    used = [(transform, augment.color) for transform in (brightness, saturation, contrast)]
    used += [(translation, augment.translation), (cutout, augment.cutout)]
    for transform, wanted in used:
        if wanted:
            reference, num = NAIVE[transform]
            coin, numbers, uniforms = uniforms[0], uniforms[1 : 1 + num], uniforms[1 + num :]
            image = reference(image, numbers) if coin < strength else image
    if augment.flip:
        coin, uniforms = uniforms[0], uniforms[1:]
        image = naive_flip(image, []) if coin < strength / 2 else image
    assert uniforms == []
    return image


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("transform", NAIVE, ids=lambda transform: transform.__name__)
def test_a_transform_against_the_reference(transform, shape):
    reference, num = NAIVE[transform]
    batch, uniforms = images(6, shape), drawn(6, num)
    uniforms[0], uniforms[1] = 0, 1 - 2**-53
    expected = torch.tensor([reference(image, u) for image, u in zip(batch.tolist(), uniforms.tolist(), strict=True)])
    torch.testing.assert_close(transform(batch, uniforms), expected.double(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("augment", PARTS, ids=repr)
def test_all_against_the_reference(augment, strength):
    shape = (3, 8, 10)
    batch, uniforms = images(20, shape), drawn(20, augment.num_uniforms(shape))
    rows = zip(batch.tolist(), uniforms.tolist(), strict=True)
    expected = torch.tensor([naive(augment, *row, strength) for row in rows], dtype=torch.float64)
    torch.testing.assert_close(augment(batch, uniforms, strength), expected, rtol=1e-12, atol=1e-12)


# --- by hand ---


def test_a_translation_by_hand():
    """Of 8 pixels one is the most; three places in each direction, of numbers 0, 1/2 and nearly 1."""
    image = torch.arange(64.0).view(1, 1, 8, 8).expand(3, 1, 8, 8)
    up, still, down = translation(image, torch.tensor([[0.0, 0.5], [0.5, 0.5], [NEARLY_1, 0.5]]))
    assert torch.equal(still, image[0])
    assert torch.equal(up[0, :7], image[0, 0, 1:])
    assert torch.equal(down[0, 1:], image[0, 0, :7])
    assert not up[0, 7].any()
    assert not down[0, 0].any()


def test_a_hole_by_hand():
    hole = cutout(torch.ones(3, 1, 4, 4), torch.tensor([[0.5, 0.5], [0.0, 0.0], [NEARLY_1, NEARLY_1]]))[:, 0]
    assert hole[0].tolist() == [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]]
    assert hole[1].sum() == hole[2].sum() == 15  # all but a corner lies outside
    assert hole[1, 0, 0] == hole[2, 3, 3] == 0


def test_one_channel_has_no_saturation():
    batch = images(5, (1, 4, 4))
    assert torch.equal(saturation(batch, drawn(5, 1)), batch)


@pytest.mark.parametrize("transform", [brightness, saturation, contrast])
def test_the_color_of_grey_pictures_is_their_level(transform):
    flat = torch.full((2, 3, 4, 4), 0.25, dtype=torch.float64)
    u = torch.tensor([[0.0], [0.75]], dtype=torch.float64)
    moved = u[:, 0] - 0.5 if transform is brightness else torch.zeros(2)
    torch.testing.assert_close(transform(flat, u), flat + moved.view(2, 1, 1, 1))


# --- what every augmentation of this kind keeps ---


@pytest.mark.parametrize("augment", PARTS, ids=repr)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_strength_0_changes_nothing(augment, shape):
    batch = images(4, shape)
    assert torch.equal(augment(batch, torch.zeros(4, augment.num_uniforms(shape), dtype=torch.float64), 0.0), batch)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rows_may_be_split(shape):
    augment, batch = DiffAugment(), images(8, shape)
    uniforms = drawn(8, augment.num_uniforms(shape))
    halves = [augment(batch[rows], uniforms[rows], 0.7) for rows in (slice(0, 4), slice(4, 8))]
    assert torch.equal(augment(batch, uniforms, 0.7), torch.cat(halves))


def test_no_images_no_images():
    assert DiffAugment()(torch.empty(0, 3, 8, 8), torch.empty(0, 12)).shape == (0, 3, 8, 8)


@pytest.mark.parametrize("augment", PARTS, ids=repr)
def test_gradients(augment):
    shape = (2, 3, 4)
    uniforms = drawn(2, augment.num_uniforms(shape), seed=5)
    batch = images(2, shape).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: augment(x, uniforms, 0.8), batch)
    assert torch.autograd.gradgradcheck(lambda x: augment(x, uniforms, 0.8).pow(3), batch)


def test_r1_through_the_augmentation():
    """The penalty is on the slope by the images as they were; its gradient by D's weight, against differences."""
    shape = (1, 4, 4)
    augment, batch = DiffAugment(), images(3, shape)
    uniforms, w = drawn(3, augment.num_uniforms(shape)), images(1, (16,), seed=8)[0].requires_grad_()

    def value() -> torch.Tensor:
        def critic(x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(augment(x, uniforms).flatten(1) @ w)

        return R1()(critic, batch, batch, torch.empty(3, 0)).mean()

    (gradient,) = torch.autograd.grad(value(), w)
    h = 1e-6
    for index in range(16):
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                w[index] += sign * h
            ends.append(value().item())
            with torch.no_grad():
                w[index] -= sign * h
        assert gradient[index].item() == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-5, abs=1e-8)


@given(strength=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_values_stay_finite_and_shapes_are_kept(strength, seed):
    augment, shape = DiffAugment(), (3, 6, 5)
    rng = torch.Generator().manual_seed(seed)
    batch, uniforms = torch.rand(4, *shape, generator=rng), torch.rand(4, augment.num_uniforms(shape), generator=rng)
    out = augment(batch, uniforms, strength)
    assert out.shape == batch.shape
    assert out.dtype == batch.dtype
    assert out.isfinite().all()


def test_no_channel_is_mistaken_for_another():
    """Where an image goes, all its channels go."""
    augment, grey = DiffAugment(), images(6, (1, 8, 8)).expand(6, 3, 8, 8)
    out = augment(grey, drawn(6, 12))
    torch.testing.assert_close(out, out[:, :1].expand_as(out))


def test_not_a_number_is_not_hidden():
    batch = torch.full((4, 1, 8, 8), math.nan)
    assert DiffAugment()(batch, drawn(4, 12).float()).isnan().all()


# --- statistics ---


def test_a_share_of_strength_is_transformed():
    augment, num = DiffAugment(color=False, translation=False), 4000
    changed = augment(torch.ones(num, 1, 2, 2), drawn(num, 3).float(), 0.3).flatten(1).amin(1) == 0
    assert changed.float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_transforms_are_chosen_independently():
    """At strength 1/2 a translated image is cut out as often as another."""
    augment, num = DiffAugment(color=False), 4000
    uniforms = drawn(num, 6)
    moved, cut = uniforms[:, 0] < 0.5, uniforms[:, 3] < 0.5
    out = augment(torch.ones(num, 1, 16, 16, dtype=torch.float64), uniforms, 0.5)
    untouched = (out == 1).flatten(1).all(1)
    assert untouched[~moved & ~cut].all()
    assert not untouched[cut].any()
    assert untouched.double().mean().item() == pytest.approx(0.25 + 0.25 / 25, abs=0.03)  # one translation in 25 is by 0, 0


def test_all_shifts_and_holes_are_equally_likely():
    num = 20_000
    line = torch.eye(16)[8].view(1, 1, 16, 1).expand(num, 1, 16, 1)
    places = translation(line, drawn(num, 2)).argmax(2).flatten()
    assert places.bincount(minlength=16).tolist() == pytest.approx([0.0] * 6 + [num / 5] * 5 + [0.0] * 5, abs=400)
    first = cutout(torch.ones(num, 1, 5, 1), drawn(num, 2))[:, 0, :, 0]  # of 5 pixels 3, centred at each of the 5
    assert first.sum(1).long().bincount(minlength=4).tolist() == pytest.approx([0, 0, 3 * num / 5, 2 * num / 5], abs=400)


# --- settings ---


def test_numbers_that_an_image_takes():
    assert [augment.num_uniforms((1, 28, 28)) for augment in PARTS] == [12, 6, 3, 3, 1, 13]


def test_points_are_no_images():
    with pytest.raises(
        InputError, match=r"diff-augment maps images, but a sample has the shape \[2\]; leave it out for points"
    ):
        DiffAugment().num_uniforms((2,))


def test_nothing_to_do():
    with pytest.raises(
        InputError, match="diff-augment does nothing with color, translation, cutout and flip all false; leave it out"
    ):
        DiffAugment(color=False, translation=False, cutout=False)
