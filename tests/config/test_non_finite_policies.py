import pytest
import torch

from sparring import recipes
from sparring.config import codec
from sparring.config.non_finite import DivergenceError, NonFiniteValue, RollBack, Skip, Stop
from sparring.config.schedules import RoundInfo
from sparring.errors import InputError, NonFiniteError
from sparring.recipe import Recipe


def chosen(*texts: str):
    recipe = recipes.get("vanilla")
    for text in texts:
        name, _, value = text.partition("=")
        recipe = codec.override(recipe, {name: value})
    assert codec.decode(Recipe, codec.encode(recipe), "recipe") == recipe
    return recipe.non_finite


def test_a_recipe_chooses_its_remedy():
    assert chosen() == Stop()
    assert chosen("non_finite=skip") == Skip(at_most=10)
    assert chosen("non_finite=skip", "non_finite.at_most=2") == Skip(at_most=2)
    assert chosen('non_finite={"name": "roll-back", "lr_factor": 0.3}') == RollBack(at_most=3, lr_factor=0.3)
    assert [remedy.guards for remedy in (Stop(), Skip(), RollBack())] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("non_finite=ignore", "unknown remedy 'ignore'"),
        ('non_finite={"name": "skip", "at_most": 0}', "non_finite.at_most is 0; it must be at least 1"),
        ('non_finite={"name": "roll-back", "at_most": 0}', "non_finite.at_most is 0; it must be at least 1"),
        ('non_finite={"name": "roll-back", "lr_factor": 1.0}', "non_finite.lr_factor is 1.0; it must lie between 0 and 1"),
        ('non_finite={"name": "roll-back", "lr_factor": 0}', "non_finite.lr_factor is 0.0; it must lie between 0 and 1"),
        ('non_finite={"name": "roll-back", "lr_factor": "NaN"}', "non_finite.lr_factor is"),
        ('non_finite={"name": "stop", "at_most": 1}', "unknown setting 'non_finite.at_most'"),
    ],
)
def test_senseless_settings_are_refused(text, sentence):
    with pytest.raises(InputError, match=sentence):
        chosen(text)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1.0, float("inf"), float("nan")], "nan"),
        ([1.0, float("inf"), float("-inf")], "inf"),
        ([1.0, float("-inf")], "-inf"),
        ([1e30, 1e30], "inf"),
    ],
)
def test_a_trouble_tells_the_worst_value(values, told):
    trouble = NonFiniteValue.of("gradient of 2.weight", "generator", torch.tensor(values))
    error = DivergenceError(trouble, RoundInfo(round=7, images=70, epoch=2, seconds=1.0), ", after 2 roll-backs")
    assert str(error) == f"gradient of 2.weight of the generator became {told} at round 7 (epoch 2), after 2 roll-backs"
    assert isinstance(error, NonFiniteError)
    assert error.exit_status == 3
