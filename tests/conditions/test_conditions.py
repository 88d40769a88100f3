import math

import pytest
import torch
from torch.nn.functional import one_hot

from sparring.conditions import AuxiliaryClassifier, Info, Projection
from sparring.errors import InputError
from sparring.networks.latents import Code

CLASSES = Code(normal=3, classes=4)


def outputs_and_codes(num: int = 5, others: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    outputs = torch.randn(num, 1 + others, generator=rng, dtype=torch.float64)
    return outputs, one_hot(torch.arange(num) % 4, 4).double()


def log_softmax(row: list[float], index: int) -> float:
    return row[index] - math.log(sum(math.exp(value) for value in row))


def test_projection_adds_the_output_of_the_class():
    outputs, codes = outputs_and_codes()
    expected = [outputs[i, 0] + outputs[i, 1 + i % 4] for i in range(5)]
    assert torch.equal(Projection().logits(outputs, codes), torch.stack(expected))
    assert Projection().num_outputs(CLASSES) == 4


def test_projection_adds_no_terms():
    outputs, codes = outputs_and_codes()
    assert Projection().real_terms(outputs, codes, 4) == Projection().fake_terms(outputs, codes, 4) == ()


def test_a_classifier_is_charged_the_cross_entropy_of_real_and_of_generated_images():
    outputs, codes = outputs_and_codes()
    condition = AuxiliaryClassifier(weight=2.0)
    expected = [-2 * log_softmax(outputs[i, 1:].tolist(), i % 4) for i in range(5)]
    for terms in (condition.real_terms(outputs, codes, 4), condition.fake_terms(outputs, codes, 4)):
        assert [term.tolist() for term in terms] == [pytest.approx(expected)]
    assert torch.equal(condition.logits(outputs, codes), outputs[:, 0])


def test_information_is_charged_of_generated_images_alone():
    outputs, codes = outputs_and_codes(others=6)
    continuous = torch.linspace(-1, 1, 10, dtype=torch.float64).view(5, 2)
    condition = Info(weight=1.5, continuous_weight=0.5)
    of_class, of_rest = condition.fake_terms(outputs, torch.cat([codes, continuous], 1), 4)
    assert of_class.tolist() == pytest.approx([-1.5 * log_softmax(outputs[i, 1:5].tolist(), i % 4) for i in range(5)])
    squares = [sum((continuous[i, j] - outputs[i, 5 + j]).item() ** 2 for j in range(2)) for i in range(5)]
    assert of_rest.tolist() == pytest.approx([0.25 * square for square in squares])
    assert condition.real_terms(outputs, codes, 4) == ()


def test_information_of_one_kind_alone():
    outputs, codes = outputs_and_codes()
    assert len(Info().fake_terms(outputs, codes, 4)) == 1
    assert len(Info().fake_terms(outputs[:, :3], torch.zeros(5, 2, dtype=torch.float64), 0)) == 1
    assert Info().num_outputs(Code(normal=3, continuous=2)) == 2


@pytest.mark.parametrize("condition", [Projection(), AuxiliaryClassifier()])
@pytest.mark.parametrize("code", [Code(3), Code(3, classes=4, continuous=1)])
def test_labels_are_classes_alone(condition, code):
    with pytest.raises(InputError, match="z is "):
        condition.num_outputs(code)


def test_information_of_nothing_is_refused():
    with pytest.raises(InputError, match="classes or continuous codes"):
        Info().num_outputs(Code(3))
