import pytest
import torch

from sparring.errors import InputError
from sparring.networks.latents import AttributeCode, Code, Mixture

CODE = Code(normal=3, classes=4, continuous=2)


def sampled(num: int = 4000) -> torch.Tensor:
    return CODE.sample(num, torch.Generator().manual_seed(1))


def test_a_code_is_normal_then_a_class_then_even():
    code = sampled()
    assert code.shape == (4000, 9)
    assert CODE.num == 9
    normal, class_, continuous = code.split([3, 4, 2], dim=1)
    assert abs(normal.mean()) < 0.05
    assert abs(normal.std() - 1) < 0.05
    assert torch.equal(class_.sum(1), torch.ones(4000))
    assert class_.mean(0).tolist() == pytest.approx([0.25] * 4, abs=0.03)
    assert (continuous.min() + 1).abs() < 0.01
    assert (continuous.max() - 1).abs() < 0.01
    assert continuous.std().item() == pytest.approx(3**-0.5, abs=0.02)


def test_the_condition_sees_class_and_even_columns():
    code = sampled(5)
    assert torch.equal(CODE.codes(code), code[:, 3:])


def test_a_class_is_set_and_read():
    code = sampled(6)
    assert CODE.class_of(CODE.with_class(code, 2)).tolist() == [2] * 6
    wanted = torch.tensor([3, 2, 1, 0, 1, 2])
    changed = CODE.with_class(code, wanted)
    assert torch.equal(CODE.class_of(changed), wanted)
    assert torch.equal(changed[:, [0, 1, 2, 7, 8]], code[:, [0, 1, 2, 7, 8]])


def test_a_continuous_code_is_set():
    code = sampled(2)
    changed = CODE.with_continuous(code, 1, torch.tensor([0.5, -0.5]))
    assert changed[:, 8].tolist() == [0.5, -0.5]
    assert torch.equal(changed[:, :8], code[:, :8])


@pytest.mark.parametrize("class_", [-1, 4])
def test_a_class_that_there_is_not_is_refused(class_):
    with pytest.raises(InputError, match="the classes are 0 to 3"):
        CODE.with_class(sampled(1), class_)


def test_what_there_is_not_cannot_be_set():
    with pytest.raises(InputError, match="not trained with classes"):
        Code(3).class_of(torch.zeros(1, 3))
    with pytest.raises(InputError, match="no continuous code 2"):
        CODE.with_continuous(sampled(1), 2, 0.0)


def test_the_deviation_of_a_code_scales_its_normal_columns_alone():
    def draw(std: float):
        return Code(normal=2, classes=3, continuous=1, std=std).sample(50, torch.Generator().manual_seed(0))

    narrow, wide = draw(0.25), draw(1.0)
    assert torch.equal(narrow[:, :2], wide[:, :2] / 4)
    assert torch.equal(narrow[:, 2:], wide[:, 2:])


@pytest.mark.parametrize("settings", [{"normal": 0}, {"classes": 1}, {"classes": -1}, {"continuous": -1}, {"std": 0.0}])
def test_impossible_codes(settings):
    with pytest.raises(InputError, match="z\\."):
        Code(**settings)


def test_a_mixture_is_narrow_and_normal_then_a_component():
    mixture = Mixture(normal=2, components=5, std=0.1)
    z = mixture.sample(5000, torch.Generator().manual_seed(1))
    assert z.shape == (5000, mixture.num) == (5000, 7)
    normal, component = z.split([2, 5], dim=1)
    assert normal.mean(0).tolist() == pytest.approx([0, 0], abs=0.006)  # 4 standard errors
    assert normal.std(0).tolist() == pytest.approx([0.1, 0.1], rel=0.04)
    assert component.unique().tolist() == [0, 1]
    assert torch.equal(component.sum(1), torch.ones(5000))
    assert component.mean(0).tolist() == pytest.approx([0.2] * 5, abs=0.023)
    assert normal[component[:, 0] == 1].std().item() == pytest.approx(0.1, rel=0.08)  # about each component alike


@pytest.mark.parametrize("wrong", [{"normal": 0}, {"components": 1}, {"std": 0.0}, {"std": float("inf")}])
def test_a_mixture_of_nothing_is_refused(wrong):
    with pytest.raises(InputError, match=f"z.{next(iter(wrong))} is"):
        Mixture(**wrong)


def test_a_combination_of_attributes_has_a_block_of_columns_for_each():
    code = AttributeCode(normal=2, classes=3, continuous=1, weights=(1.0, 0.0, 3.0), values=((0, 0), (0, 2), (1, 1)))
    assert (code.class_columns, code.num) == (5, 8)
    assert code.encoded(torch.arange(3)).tolist() == [[1, 0, 1, 0, 0], [1, 0, 0, 0, 1], [0, 1, 0, 1, 0]]
    z = code.sample(400, torch.Generator().manual_seed(0))
    assert torch.bincount(code.class_of(z), minlength=3).tolist() == pytest.approx([100, 0, 300], abs=30)
    changed = code.with_continuous(code.with_class(z, 1), 0, 0.5)
    assert changed[0].tolist() == [*z[0, :2].tolist(), 1, 0, 0, 0, 1, 0.5]
    assert torch.equal(code.codes(changed), changed[:, 2:])


@pytest.mark.parametrize("values", [(), ((0,), (0,)), ((0,), (0, 1)), ((), ()), ((0,), (-1,)), ((0,), (1,), (2,))])
def test_impossible_values_of_attributes_are_refused(values):
    with pytest.raises(InputError, match=r"z\.values"):
        AttributeCode(classes=2, values=values)
