"""Class grids and code traversals, of a generator whose pixels show what it was given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.config.schedules import Interval, RoundInfo
from sparring.errors import InputError
from sparring.networks.latents import Normal
from sparring.visual import DiscriminatorFunction, decode_png, headed_grid
from sparring.visual.codes import ClassGrid, CodeTraversal
from sparring.visual.sampler import NoiseLike, frame_prefix

FIRST_EPOCH = RoundInfo(round=10, images=640, epoch=1, seconds=1.0, epoch_ended=True)
NUM_NORMAL = 1


@dataclass(frozen=True)
class Code:
    """z, a one-hot class, codes in [-1, 1]: columns in this order."""

    classes: int = 0
    continuous: int = 0

    @property
    def num(self) -> int:
        return NUM_NORMAL + self.classes + self.continuous

    def with_class(self, code: Tensor, class_: int | Tensor, /) -> Tensor:
        changed = code.clone()
        hot = torch.nn.functional.one_hot(torch.as_tensor(class_), self.classes).to(code)
        changed[:, NUM_NORMAL : NUM_NORMAL + self.classes] = hot
        return changed

    def with_continuous(self, code: Tensor, index: int, values: float | Tensor, /) -> Tensor:
        changed = code.clone()
        changed[:, NUM_NORMAL + self.classes + index] = torch.as_tensor(values)
        return changed


@dataclass
class Showing:
    """A studio whose images of 2 x C pixels hold the code that they were drawn from in the upper row."""

    noise: NoiseLike
    classes: Sequence[str] = ()
    discriminator: DiscriminatorFunction = field(default_factory=lambda: DiscriminatorFunction(lambda points: points[:, 0]))
    log_density: None = None
    drawn: list[Tensor] = field(default_factory=list)

    def z(self, num: int, *address: str | int) -> Tensor:
        z = torch.linspace(-0.8, 0.8, num)[:, None].repeat(1, self.noise.num)
        assert address == ("fixed z",)
        return z

    def draw(self, z: Tensor) -> Tensor:
        self.drawn.append(z)
        return torch.stack([z, torch.zeros_like(z)], dim=1)[:, None]

    def samples(self, num: int, *address: str | int) -> Tensor:
        return self.draw(self.z(num, *address))

    def real(self, num: int, split: Literal["train", "test"]) -> Tensor:
        return torch.zeros(num, 1, 2, self.noise.num)

    def at_init(self, num: int) -> Tensor:
        return self.real(num, "train")


def test_a_class_grid_has_a_class_in_every_row_and_a_z_in_every_column() -> None:
    studio = Showing(Code(classes=3, continuous=1), ("a", "b", "c"))
    ((name, png),) = ClassGrid(columns=4).render(FIRST_EPOCH, studio)
    assert name == "classes_epoch_0001.png"
    (codes,) = studio.drawn
    table = codes.view(3, 4, -1)
    assert torch.equal(table[..., 1:4], torch.eye(3)[:, None].expand(3, 4, 3))
    own = studio.z(4, "fixed z")
    assert torch.equal(table[..., 0], own[:, 0].expand(3, 4))
    assert torch.equal(table[..., 4], own[:, 4].expand(3, 4))
    page = headed_grid(studio.draw(codes), rows=["a", "b", "c"])
    assert (np.asarray(decode_png(png)) == np.asarray(page)).all()


def test_rows_are_named_by_the_classes_that_the_font_can_write() -> None:
    def drawn(*names: str) -> bytes:
        ((_, png),) = ClassGrid(columns=2).render(FIRST_EPOCH, Showing(Code(classes=3), names))
        return png

    assert drawn() == drawn("one class alone") == drawn("0", "1", "2") != drawn("cat", "1", "2")
    assert drawn("고양이", "cat", "dog") == drawn("0", "cat", "dog")


def test_a_traversal_changes_one_code_alone() -> None:
    studio = Showing(Code(classes=3, continuous=2))
    names = [name for name, _ in CodeTraversal(rows=2, steps=5).render(FIRST_EPOCH, studio)]
    assert names == ["code_class_epoch_0001.png", "code_0_epoch_0001.png", "code_1_epoch_0001.png"]
    rows = studio.z(2, "fixed z")
    by_class, *by_value = studio.drawn
    by_class = by_class.view(2, 3, -1)
    assert torch.equal(by_class[..., 1:4], torch.eye(3).expand(2, 3, 3))
    others = [0, 4, 5]
    assert torch.equal(by_class[..., others], rows[:, None, others].expand(2, 3, 3))
    for index, codes in enumerate(by_value):
        table, column = codes.view(2, 5, -1), 4 + index
        assert torch.equal(table[..., column], torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0]).expand(2, 5))
        others = [i for i in range(6) if i != column]
        assert torch.equal(table[..., others], rows[:, None, others].expand(2, 5, 5))


def test_a_traversal_of_what_there_is() -> None:
    def names(code: Code) -> list[str]:
        return [name for name, _ in CodeTraversal(every=Interval(rounds=10)).render(FIRST_EPOCH, Showing(code))]

    assert names(Code(classes=2)) == ["code_class_round_000010.png"]
    assert names(Code(continuous=1)) == ["code_0_round_000010.png"]


@pytest.mark.parametrize("picture", [ClassGrid(), CodeTraversal()])
def test_pictures_wait_until_they_are_due(picture: ClassGrid | CodeTraversal) -> None:
    studio = Showing(Code(classes=2))
    assert [*picture.render(RoundInfo(round=5, images=320, epoch=1, seconds=1.0), studio)] == []
    ((name, _),) = picture.render(RoundInfo(round=5, images=320, epoch=1, seconds=1.0, last=True), studio)
    assert name.endswith("round_000005.png")


@pytest.mark.parametrize("picture", [ClassGrid(), CodeTraversal()])
@pytest.mark.parametrize("noise", [Normal(4), Code()])
def test_noise_without_codes_is_refused(picture: ClassGrid | CodeTraversal, noise: NoiseLike) -> None:
    with pytest.raises(InputError, match=r"class-grid|code-traversal"):
        picture.check_fits((1, 28, 28), noise)


def test_a_page_of_too_many_images_is_refused() -> None:
    with pytest.raises(InputError, match="at most 10,000"):
        ClassGrid(columns=9).check_fits((1, 28, 28), Code(classes=2000))


@pytest.mark.parametrize("settings", [{"rows": 0}, {"steps": 1}, {"limit": 0.0}])
def test_settings_out_of_range_are_refused(settings: dict) -> None:
    with pytest.raises(InputError, match=f"code-traversal.{next(iter(settings))}"):
        CodeTraversal(**settings)


def test_an_animation_is_of_classes_where_they_are_named_first() -> None:
    assert frame_prefix((CodeTraversal(), ClassGrid())) == "classes_"
    assert frame_prefix(()) == ""


# Headed grids


def test_a_headed_grid_holds_the_grid_and_its_words() -> None:
    images = torch.full((6, 1, 32, 32), -1.0)
    rows = np.asarray(headed_grid(images, rows=["one", "two"]))
    columns = np.asarray(headed_grid(images, columns=["-1", "0", "1"]))
    assert rows.shape[0] == 2 * (2 * 34 + 2)  # enlarged twice
    assert columns.shape == (24 + rows.shape[0], 2 * (3 * 34 + 2))
    left = rows.shape[1] - columns.shape[1]
    assert (rows[:, left:] == columns[24:]).all()
    for row in range(2):  # each word beside the middle of its row
        dark = np.flatnonzero((rows[:, :left] < 100).any(axis=1))
        own = dark[(dark >= row * 68) & (dark < (row + 1) * 68)]
        assert abs(own.mean() - (4 + row * 68 + 32)) < 6
    assert (rows[:, :4] == 255).all()
    for column in range(3):
        dark = np.flatnonzero((columns[:24, column * 68 : (column + 1) * 68] < 100).any(axis=0))
        assert abs(dark.mean() - 36) < 4


@pytest.mark.parametrize("words", [{}, {"rows": ["a"], "columns": ["b"]}, {"rows": ["a", "b"]}, {"columns": ["a", "b"]}])
def test_words_that_do_not_fit_are_refused(words: dict) -> None:
    with pytest.raises(ValueError, match="3 images need words"):
        headed_grid(torch.zeros(3, 1, 2, 2), **words)
