"""`sparring.data.of`: what a program has in memory becomes a data set."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from sparring import data
from sparring.config import codec
from sparring.data import ImageSet, InMemoryData, PointSet
from sparring.errors import InputError

BYTES = torch.arange(20 * 3 * 4 * 5).view(20, 3, 4, 5).to(torch.uint8)  # [N, C, H, W]
LABELS = torch.arange(20) % 3


def whole(source, *args, **settings) -> ImageSet:
    """Everything as the examples to train on."""
    made = data.of(source, *args, test=source, test_labels=args[0] if args else None, **settings).train()
    assert isinstance(made, ImageSet)
    return made


class Items(Dataset):
    def __init__(self, items, classes=None):
        self.items = items
        if classes:
            self.classes = classes

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        return self.items[place]  # no IndexError at the end, as with a list: one that PyTorch's `iter` does not need


def test_bytes_are_taken_as_they_are_with_the_channels_on_either_side():
    assert torch.equal(whole(BYTES).images, BYTES)
    assert torch.equal(whole(BYTES.permute(0, 2, 3, 1)).images, BYTES)
    assert torch.equal(whole(BYTES.numpy()).images, BYTES)
    assert torch.equal(whole(BYTES[:, 0]).images, BYTES[:, :1])
    assert torch.equal(whole(BYTES[:, :, :3], layout="NCHW").images, BYTES[:, :, :3])
    square = BYTES[:, :, :, :3]  # [20, 3, 4, 3]
    assert torch.equal(whole(square, layout="NHWC").images, square.permute(0, 3, 1, 2))
    assert whole(BYTES.permute(0, 2, 3, 1)).images.is_contiguous()


@given(st.lists(st.integers(0, 255), min_size=2, max_size=50), st.sampled_from([(0, 1), (-1, 1), (0, 255), (-3.5, 8)]))
def test_floats_of_a_given_range_are_rounded_to_256_values(values, value_range):
    low, high = value_range
    floats = torch.tensor(values).double().view(-1, 1, 1) / 255 * (high - low) + low
    assert whole(floats.clamp(low, high), value_range=value_range).images.flatten().tolist() == values


def test_the_range_is_inferred_where_it_is_certain():
    x = torch.linspace(0, 1, 20).view(20, 1, 1)
    assert whole(x).images.flatten().tolist() == [round(255 * v) for v in x.flatten().tolist()]
    assert whole(x * 2 - 1).images.flatten().tolist() == [round(255 * v) for v in x.flatten().tolist()]
    assert whole(x.half()).images.max() == 255
    half = x - 0.5  # within [-1, 1]
    assert whole(half).images.min() == 64


def test_the_test_examples_have_the_range_of_the_others():
    made = data.of(torch.tensor([-1.0, 1.0]).view(2, 1, 1), test=torch.zeros(1, 1, 1))
    assert made.test().batch(torch.tensor([0])).item() == pytest.approx(0, abs=0.01)


def test_a_tenth_is_left_for_the_test_and_labels_go_with_their_images():
    made = data.of(BYTES, LABELS, classes=("a", "b", "c"))
    train, test = made.train(), made.test()
    assert isinstance(train, ImageSet)
    assert isinstance(test, ImageSet)
    assert (len(train), len(test)) == (18, 2)
    assert train.classes == test.classes == ("a", "b", "c")
    for examples in (train, test):
        assert examples.labels is not None
        for image, label in zip(examples.images, examples.labels, strict=True):
            (place,) = (image == BYTES).flatten(1).all(1).nonzero()
            assert LABELS[place] == label
    assert len({tuple(x.flatten().tolist()) for x in torch.cat([train.images, test.images])}) == 20


def test_data_are_a_copy():
    own = BYTES.clone()
    made = data.of(own, test=own)
    own.zero_()
    assert torch.equal(made.train().images, BYTES)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "1"])
def test_pictures_of_every_mode(mode):
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()).convert(mode) for image in BYTES]
    images = whole(pictures).images
    assert images.shape == (20, 1 if mode in ("L", "1") else 3, 4, 5)
    if mode in ("RGB", "RGBA"):
        assert torch.equal(images, BYTES)


def test_one_coloured_picture_makes_all_of_them_coloured():
    grey = Image.fromarray(BYTES[0, 0].numpy())
    images = whole([grey, Image.fromarray(BYTES[1].permute(1, 2, 0).numpy())]).images
    assert torch.equal(images[0], BYTES[0, :1].expand(3, 4, 5))
    assert torch.equal(images[1], BYTES[1])


def test_data_sets_of_pytorch():
    pairs = [(image, int(label)) for image, label in zip(BYTES, LABELS, strict=True)]
    for source in (TensorDataset(BYTES, LABELS), Items(pairs), pairs, Subset(Items(pairs), range(20))):
        made = whole(source)
        assert torch.equal(made.images, BYTES)
        assert made.labels is not None
        assert torch.equal(made.labels, LABELS)
        assert made.classes == ("0", "1", "2")
    assert whole(Items(pairs, ["x", "y", "z"])).classes == ("x", "y", "z")
    for source in (TensorDataset(BYTES), Items(list(BYTES)), Items(list(BYTES.numpy()))):
        assert torch.equal(whole(source).images, BYTES)
        assert whole(source).labels is None
    assert torch.equal(whole(TensorDataset(BYTES), LABELS).labels, LABELS)  # pyright: ignore[reportArgumentType]


def test_a_data_set_without_a_length():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(BYTES)

    assert torch.equal(whole(Stream()).images, BYTES)


def test_rows_that_are_dicts():
    rows = [{"id": 7, "img": image, "label": 2} for image in BYTES]
    made = whole(rows)
    assert torch.equal(made.images, BYTES)
    assert made.labels is not None
    assert made.labels.tolist() == [2] * 20
    two = [{"a": image, "b": image + 1, "fine_label": 0, "coarse_label": 1} for image in BYTES]
    with pytest.raises(InputError, match=r"may be in 'a' and 'b' of the columns .*; name it with image_column="):
        data.of(two)
    with pytest.raises(InputError, match=r"may be in 'fine_label' or 'coarse_label'; name one with label_column="):
        data.of(two, image_column="b")
    made = whole(two, image_column="b", label_column="coarse_label")
    assert torch.equal(made.images, BYTES + 1)
    assert made.classes == ("0", "1")
    with pytest.raises(InputError, match="has no column 'c'; it has 'a', 'b'"):
        data.of(two, image_column="c")


def test_hugging_face(monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.arrow_dataset.generate_fingerprint", lambda *_: "any")  # fails with some versions of pyarrow
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in BYTES]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["x", "y", "z"])})
    source = datasets.Dataset.from_dict({"image": pictures, "label": LABELS.tolist()}, features=features)
    made = whole(source)
    assert torch.equal(made.images, BYTES)
    assert made.labels is not None
    assert torch.equal(made.labels, LABELS)
    assert made.classes == ("x", "y", "z")
    assert torch.equal(whole(source.with_format("torch")).images, BYTES)
    with pytest.raises(InputError, match="is a dict of 'train', 'test'; pass one of its parts"):
        data.of(datasets.DatasetDict({"train": source, "test": source}))


def test_points():
    points = torch.randn(20, 2, dtype=torch.float64)
    made = data.of(points, test=points).train()
    assert isinstance(made, PointSet)
    assert torch.equal(made.points, points.float())


@pytest.mark.parametrize(
    ("source", "settings", "sentence"),
    [
        (torch.rand(4, 3, 8, 3), {}, 'either axis can be that of the channels; pass layout="NCHW" or layout="NHWC"'),
        (torch.rand(4, 2, 8, 8), {}, "neither axis has the 1 or 3 channels of an image"),
        (torch.rand(4, 2, 8, 8), {"layout": "NCHW"}, "which is 2 channels in NCHW; there must be 1 or 3"),
        (torch.rand(4, 1, 1, 8, 8), {}, r"has shape \[4, 1, 1, 8, 8\]; it must be \[N, H, W\]"),
        (torch.rand(4, 8, 8) * 255, {}, r"goes from .* to .*; say what black and white are, such as value_range=\(0, 255\)"),
        (torch.rand(4, 8, 8) * 9, {"value_range": (0, 1)}, r"goes from .*, which leaves value_range \(0, 1\); correct one"),
        (
            torch.rand(4, 8, 8),
            {"value_range": (1, 0)},
            r"is \(1, 0\); it must be two numbers, the smaller one first",
        ),
        (torch.full((4, 8, 8), torch.nan), {}, "has 256 of 256 values that are infinite or not a number"),
        (BYTES, {"value_range": (0, 1)}, r"is uint8, whose range is \(0, 255\), but value_range is \(0, 1\); leave it out"),
        (BYTES.long(), {}, "is int64; it must be uint8 in 0..255, or floats"),
        (np.array([["a"]]), {}, "is an array of <U1; it must be uint8"),
        (torch.zeros(0, 8, 8), {}, "is empty"),
        (torch.zeros(4, 0, 8), {}, "has shape"),
        ([], {}, "is empty; it needs at least one example"),
        (BYTES[:1], {}, "a single example; at least 2 are needed"),
        ([torch.rand(8, 8), torch.rand(8, 9)], {}, r"mixes shapes: item 0 is float32 \[8, 8\], item 1 is float32 \[8, 9\]"),
        ([Image.new("L", (3, 4)), Image.new("L", (5, 4))], {}, "mixes shapes: item 0 has 3 x 4 pixels, item 1 5 x 4"),
        ([Image.new("L", (3, 4)), torch.zeros(4, 3)], {}, "mixes kinds: item 1 is of type Tensor, others are PIL images"),
        ([Image.new("F", (3, 4))], {}, "item 0: the picture has more than 16 bits a channel"),
        ([(1, 2, 3)], {}, "item 0 is of type tuple; it must be an image, or a tuple of image and label"),
        (["a.png"], {}, "item 0 is of type str; it must be an image"),
        (7, {}, "is of type int; it must be a tensor, an array, a list of images, a data set, or a path"),
        (BYTES, {"labels": LABELS[:7]}, "has 20 images and 7 labels; there must be as many"),
        (BYTES, {"labels": LABELS - 1}, "go from -1 to 1; they must lie in 0..65535"),
        (BYTES, {"labels": LABELS / 2}, "label 0 of data is 0.0; labels must be whole numbers"),
        (BYTES, {"labels": LABELS[:, None]}, r"have shape \[20, 1\]; they must be \[N\]"),
        (BYTES, {"labels": LABELS, "classes": ("a", "b")}, "has the label 2, and there are 2 classes"),
        (BYTES, {"classes": ("a", "b")}, "classes are given, and data has no labels"),
        (TensorDataset(BYTES, LABELS), {"labels": LABELS}, "has labels in its items, and others are given besides"),
        (torch.rand(4, 2), {"labels": LABELS[:4]}, "points have no labels here"),
        (BYTES[:, 0, 0], {}, r"is uint8 \[20, 5\]; points \[N, D\] must be floats, images \[N, H, W\]"),
        (BYTES, {"test": BYTES[:, :1]}, "are 1 x 4 x 5 without labels, and those to train on 3 x 4 x 5 without labels"),
        (BYTES, {"test": BYTES, "labels": LABELS}, "without labels, and those to train on 3 x 4 x 5 with labels"),
        (BYTES, {"test_labels": LABELS}, "which is not given; pass both or neither"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(source, settings, sentence):
    with pytest.raises(InputError, match=sentence):
        data.of(source, **settings)


def test_files_are_found_again_by_their_path(tmp_path):
    np.savez(tmp_path / "a.npz", images=BYTES.permute(0, 2, 3, 1).numpy(), labels=LABELS.numpy())
    np.savez(tmp_path / "b.npz", images=BYTES[:5].permute(0, 2, 3, 1).numpy(), labels=LABELS[:5].numpy())
    alone = data.of(tmp_path / "a.npz")
    assert (len(alone.train()), len(alone.test())) == (18, 2)
    assert alone.train().fingerprint() == data.of(BYTES, LABELS).train().fingerprint()
    assert alone == data.resolve(str(tmp_path / "a.npz"))
    two = data.of(tmp_path / "a.npz", test=tmp_path / "b.npz")
    assert (len(two.train()), len(two.test())) == (20, 5)
    for part in (alone, two):
        assert codec.decode(type(part), {k: v for k, v in codec.encode(part).items() if k != "name"}, "data") == part
    (tmp_path / "b.npz").unlink()
    assert alone.is_cached()
    assert not two.is_cached()
    with pytest.raises(InputError, match=r"there is no file .*b\.npz"):
        two.train()
    with pytest.raises(InputError, match="says itself what labels and ranges it has"):
        data.of(tmp_path / "a.npz", LABELS)
    with pytest.raises(InputError, match=r"names a second \.npz file beside a first one"):
        data.of("mnist", test="mnist")


def test_a_file_keeps_what_the_memory_does_not(tmp_path):
    made = data.of(BYTES, LABELS)
    read = codec.decode(InMemoryData, {k: v for k, v in codec.encode(made).items() if k != "name"}, "data")
    assert read == made
    assert not read.is_cached()
    assert made.is_cached()
    for ask in (read.train, read.test, read.fetch):
        with pytest.raises(InputError, match=r"the data 18 images of 3 x 4 x 5, 2 to test with .* was a program's own"):
            ask()
    assert data.of(BYTES + 1, LABELS) != made
    assert data.of(BYTES, LABELS + 1) != made
    assert data.of(BYTES, test=BYTES[:5]) != data.of(BYTES, test=BYTES[1:6])
    assert "in-memory-data" not in [name for name, *_ in data.listing()]
