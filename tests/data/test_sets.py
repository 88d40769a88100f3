import pytest
import torch

from sparring.data.sets import HostImageSet, ImageSet, PointSet
from sparring.errors import InputError


@pytest.fixture
def images():
    values = torch.arange(256, dtype=torch.uint8).reshape(64, 1, 2, 2)
    return ImageSet(values, torch.arange(64) % 10, tuple("0123456789"))


@pytest.fixture
def points():
    return PointSet(torch.arange(12, dtype=torch.float32).reshape(6, 2))


def test_a_batch_holds_every_byte_in_the_range_from_minus_1_to_1(images):
    batch = images.batch(torch.arange(64))
    assert batch.dtype == torch.float32
    assert torch.equal(batch, images.images.float() / 127.5 - 1)
    assert batch.min() == -1
    assert batch.max() == 1


def test_a_batch_is_in_the_order_of_its_indices_and_its_own_memory(images):
    batch = images.batch(torch.tensor([3, 0, 3]))
    assert batch.shape == (3, 1, 2, 2)
    assert torch.equal(batch[0], batch[2])
    batch.zero_()
    assert images.images[3].tolist() == [[[12, 13], [14, 15]]]


def test_points_are_gathered(points):
    assert points.batch(torch.tensor([5, 0])).tolist() == [[10, 11], [0, 1]]
    assert (len(points), points.shape, points.labels, points.classes) == (6, (2,), None, ())


def test_the_first_are_left_out_with_their_labels(images):
    rest = images.without_first(5)
    assert (len(rest), rest.shape, rest.classes) == (59, (1, 2, 2), images.classes)
    assert rest.labels[0] == 5
    assert torch.equal(rest.images, images.images[5:])


@pytest.mark.parametrize("n", [-1, 6, 7])
def test_not_all_can_be_left_out(points, n):
    with pytest.raises(InputError, match=f"cannot leave out the first {n} of 6"):
        points.without_first(n)


def test_fingerprints_tell_contents_labels_and_shapes_apart(images):
    same = ImageSet(images.images.clone(), images.labels.clone(), images.classes)
    changed = images.images.clone()
    changed[63, 0, 1, 1] = 0
    others = [
        ImageSet(changed, images.labels),
        ImageSet(images.images, images.labels.flip(0)),
        ImageSet(images.images),
        ImageSet(images.images.reshape(64, 1, 4, 1), images.labels),
        images.without_first(1),
    ]
    assert same.fingerprint() == images.fingerprint()
    assert len({images.fingerprint(), *(other.fingerprint() for other in others)}) == 1 + len(others)
    assert len(images.fingerprint()) == 64


def test_a_fingerprint_does_not_depend_on_strides(points):
    turned = PointSet(points.points.t().contiguous().t())
    assert turned.fingerprint() == points.fingerprint()


def test_sets_move_to_a_device_whole(images):
    moved = images.to("meta")
    assert (moved.images.device.type, moved.labels.device.type, len(moved)) == ("meta", "meta", 64)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ImageSet(torch.zeros(2, 1, 3, 3)), r"uint8 \[N, C, H, W\], got float32 \[2, 1, 3, 3\]"),
        (lambda: ImageSet(torch.zeros(2, 3, 3, dtype=torch.uint8)), r"got uint8 \[2, 3, 3\]"),
        (
            lambda: ImageSet(torch.zeros(2, 1, 3, 3, dtype=torch.uint8), torch.zeros(3).long()),
            r"labels must be int64 \[2\]",
        ),
        (lambda: ImageSet(torch.zeros(2, 1, 3, 3, dtype=torch.uint8), torch.zeros(2)), r"labels must be int64 \[2\]"),
        (lambda: PointSet(torch.zeros(2, 1).double()), r"float32 \[N, D\], got float64 \[2, 1\]"),
        (lambda: PointSet(torch.zeros(2)), r"got float32 \[2\]"),
    ],
)
def test_tensors_of_other_types_and_shapes_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_images_that_stay_in_main_memory_give_the_same_batches(images):
    there = HostImageSet.of(images).to("cpu")
    assert there.images is images.images
    assert there.fingerprint() == images.fingerprint()
    chosen = torch.tensor([2, 0])
    assert torch.equal(there.batch(chosen), images.batch(chosen))
    on_meta = HostImageSet.of(images).to("meta")
    assert on_meta.images is images.images
    assert on_meta.labels is not None
    assert (on_meta.batch(chosen).device.type, on_meta.labels.device.type) == ("meta", "meta")
    assert torch.equal(there.take(chosen).images, images.take(chosen).images)


def test_a_batch_can_be_made_in_given_memory(images):
    out = torch.empty(2, *images.shape)
    chosen = torch.tensor([1, 2])
    assert images.batch(chosen, out) is out
    assert torch.equal(out, images.batch(chosen))
