import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring import recipes
from sparring.config import codec
from sparring.config.schedules import Duration, Interval
from sparring.data import Ring
from sparring.errors import InputError
from sparring.losses import Minimax, NonSaturating
from sparring.networks import Gaussian, GlorotUniform
from sparring.networks.latents import Code, Normal, Uniform
from sparring.optim import Adam
from sparring.recipe import MoveD, MoveG, Recipe

VANILLA = recipes.get("vanilla")
TUTORIALS = ["vanilla", "upsample", "dropout-mlp", "dcgan", "paper"]


def changed(**changes: str) -> Recipe:
    """Overrides with two underscores for a dot."""
    return codec.override(VANILLA, {path.replace("__", "."): text for path, text in changes.items()})


# --- overrides ---


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("g_optim.eps", "1e-3", 1e-3),
        ("d_optim.eps", "1", 1.0),  # a whole number will do for a number
        ("shared_clock", "false", False),
        ("epsilon", "plain", "plain"),
        ("optim.epsilon", '"plain"', "plain"),
        ("batch_size", "50", 50),
        ("order", "with-replacement", "with-replacement"),
        ("name", "my own", "my own"),
        ("z.num", "64", 64),
        ("generator.widths", "[512, 256]", (512, 256)),
        ("generator.widths.0", "64", 64),
        ("generator.initial.weight_std", "0.05", 0.05),
        ("loss.real_target", "0.9", 0.9),
        ("journal", '{"epochs": 2}', Interval(epochs=2)),
        ("round.moves.0.z", "fresh", "fresh"),
        ("round.moves.1.batch", "joint", "joint"),
        ("pictures.1.num", "8", 8),
        ("length.epochs", "3", 3),
    ],
)
def test_override(path, text, expected):
    result = codec.override(VANILLA, {path: text})
    value: Any = result
    for step in str({"epsilon": "g_optim.epsilon", "optim.epsilon": "d_optim.epsilon"}.get(path, path)).split("."):
        value = value[int(step)] if isinstance(value, tuple) else getattr(value, step)
    assert (type(value), value) == (type(expected), expected)


def test_an_override_changes_nothing_else():
    result = changed(optim__lr="1e-3")
    assert result == replace(VANILLA, optim=replace(VANILLA.g_optim, lr=1e-3))
    assert recipes.get("vanilla") == VANILLA


def test_a_general_setting_of_adam_is_of_both_sides_and_a_specific_one_beats_it():
    flash = recipes.get("flash")
    assert flash.g_optim.lr != flash.d_optim.lr
    for changes in ({"lr": "1e-4"}, {"optim.lr": "1e-4"}):
        found = codec.override(flash, changes)
        assert (found.g_optim.lr, found.d_optim.lr) == (1e-4, 1e-4)
        assert found == replace(flash, g_optim=replace(flash.g_optim, lr=1e-4), d_optim=replace(flash.d_optim, lr=1e-4))
        for specific in ({"d_optim.lr": "0.5"} | changes, changes | {"d_optim.lr": "0.5"}):
            found = codec.override(flash, specific)
            assert (found.g_optim.lr, found.d_optim.lr) == (1e-4, 0.5)
    found = codec.override(VANILLA, {"d_optim.lr": "0.5"})
    assert (found.g_optim.lr, found.d_optim.lr) == (VANILLA.g_optim.lr, 0.5)
    found = codec.override(flash, {"optim": '{"lr": 0.25}', "g_optim.beta1": "0.5"})
    assert (found.g_optim, found.d_optim) == (Adam(lr=0.25, beta1=0.5), Adam(lr=0.25))


def test_optim_in_python_is_of_both_sides_or_of_g_beside_ds_own():
    one, other = Adam(lr=0.1), Adam(lr=0.2)
    both = replace(VANILLA, optim=one)
    assert (both.g_optim, both.d_optim) == (one, one)
    flash = recipes.get("flash")
    assert replace(flash, optim=one) == replace(flash, g_optim=one)
    apart = replace(VANILLA, d_optim=other)
    assert (apart.g_optim, apart.d_optim) == (VANILLA.g_optim, other)


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        ({"optim": {"lr": 0.1, "shared_clock": True}, "d_optim": None}, (0.1, 0.1, True)),
        ({"optim": {"lr": 0.1, "shared_clock": False}, "d_optim": {"lr": 0.2, "shared_clock": False}}, (0.1, 0.2, False)),
        ({"optim": {"lr": 0.1}}, (0.1, 0.1, False)),
    ],
)
def test_recipes_of_earlier_versions_are_read(old, expected):
    new = {name: value for name, value in codec.encode(VANILLA).items() if name not in ("g_optim", "d_optim", "shared_clock")}
    found = codec.decode(Recipe, new | old, "recipe")
    assert (found.g_optim.lr, found.d_optim.lr, found.shared_clock) == expected


def test_overrides_come_one_after_the_other():
    assert changed(loss="minimax", loss__real_target="0.9").loss == Minimax(real_target=0.9)
    assert changed(loss__real_target="0.9", loss="minimax").loss == Minimax()
    assert codec.override(VANILLA, {}) == VANILLA


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("loss", "minimax", Minimax()),
        ("loss", '{"name": "minimax", "real_target": 0.8}', Minimax(real_target=0.8)),
        ("z", "uniform", Uniform()),
        ("data", "ring", Ring()),
        ("generator.initial", "glorot-uniform", GlorotUniform()),
        ("generator.initial", "gaussian", Gaussian()),
        ("round.moves.0", "move-g", MoveG()),
        ("round.moves", '["move-d", {"name": "move-g", "z": "same"}]', (MoveD(), MoveG(z="same"))),
    ],
)
def test_a_part_by_its_name(path, text, expected):
    value: Any = codec.override(VANILLA, {path: text})
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, tuple) else getattr(value, step)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("optim.lr", "fast", 'optim.lr is "fast"; it must be a number'),
        ("optim.lr", "true", "optim.lr is true; it must be a number"),
        ("optim.lr", "null", "optim.lr is null; it must be a number"),
        ("optim.lr", "[1]", r"optim.lr is \[1\]; it must be a number"),
        ("optim.lr", "1" + "0" * 400, 'optim.lr is "10+ ... 0+; it must be a number'),
        ("optim.lr", "9" * 5000, "optim.lr is .*; it must be a number"),
        ("optim.lr", "0", "optim.lr is 0.0; it must be above 0"),
        ("optim.shared_clock", "1", "shared_clock is 1; it must be true or false"),
        ("batch_size", "1.5", "batch_size is 1.5; it must be a whole number"),
        ("batch_size", "true", "batch_size is true; it must be a whole number"),
        ("batch_size", "0", "batch_size is 0; it must be at least 1"),
        ("keep_checkpoints", "0", "keep_checkpoints is 0"),
        ("name", "3", "name is 3; it must be a word"),
        ("order", "random", 'order is "random"; it must be one of file, shuffled, with-replacement'),
        ("round.moves.0.z", "old", 'round.moves.0.z is "old"; it must be one of fresh, same'),
        ("round.moves.0.z", "same", "the first move of a round has no z before it"),
        ("round.moves", "[]", "round.moves moves only one side"),
        ("round.moves", '["move-g"]', "round.moves moves only one side"),
        ("round.moves", "move-both", r'round.moves is "move-both"; it must be a list'),
        ("round", "5", "round is 5; it must be an object"),
        ("generator.widths", "64", "generator.widths is 64; it must be a list"),
        ("generator.widths", "[64, 1.5]", r"generator.widths.1 is 1.5; it must be a whole number"),
        ("generator.widths.1", "64", "unknown setting 'generator.widths.1': '1' is not an index below 1"),
        ("generator.widths.-1", "64", "'-1' is not an index below 1"),
        ("round.moves.².z", "fresh", "'²' is not an index below 2"),
        ("round.moves.first.z", "fresh", "'first' is not an index below 2"),
        ("optm.lr", "1", "unknown setting 'optm.lr'; did you mean '.*optim'"),
        ("optim.ls", "1", "unknown setting 'optim.ls'; did you mean 'optim.lr'"),
        ("bach_size", "1", "unknown setting 'bach_size'; did you mean 'batch_size'"),
        ("generator.initial.weigth_std", "1", "did you mean 'generator.initial.weight_std'"),
        ("batch_size.x", "1", "unknown setting 'batch_size.x'; it has no part 'x'"),
        ("", "1", "unknown setting ''; the choices are data, generator"),
        (".", "1", "unknown setting '.'"),
        ("loss", "minmax", "unknown loss 'minmax'; did you mean 'minimax'"),
        ("loss", "move-d", "unknown loss 'move-d'; the choices are "),
        ("loss", "5", "loss is 5; it must be the name of a loss"),
        ("loss", '{"real_target": 1}', 'loss is {"real_target": 1}; it must be the name of a loss'),
        ("loss", '{"name": 1}', 'loss is {"name": 1}; it must be the name of a loss'),
        ("loss", '{"name": "minimax", "gamma": 1}', "unknown setting 'loss.gamma'; the choices are real_target"),
        ("loss.real_target", "2", "loss.real_target is 2.0; it must lie in"),
        ("length.rounds", "5", "a length needs exactly one of epochs, images, rounds, minutes, not epochs, rounds"),
        ("length.epochs", "null", "a length needs exactly one of .*, not none"),
        ("length.epochs", "0", "epochs is 0; it must be above 0"),
        ("length", '{"years": 1}', "unknown setting 'length.years'; the choices are"),
        ("data", "idx-folder", "data lacks path"),
    ],
)
def test_what_does_not_fit_is_named(path, text, message):
    with pytest.raises(InputError, match=message):
        codec.override(VANILLA, {path: text})


# --- JSON ---


def test_json_of_parts():
    assert codec.encode(NonSaturating()) == {"name": "non-saturating", "real_target": 1.0}
    assert codec.encode(Interval(rounds=5)) == {"epochs": None, "rounds": 5}
    encoded = codec.encode(VANILLA)
    assert encoded["generator"]["widths"] == [256]
    assert [move["name"] for move in encoded["round"]["moves"]] == ["move-g", "move-d"]
    assert encoded["name"] == "vanilla"


def test_whole_numbers_become_numbers():
    assert type(codec.decode(float, 3, "x")) is float
    with pytest.raises(InputError, match=r"x is 3\.0; it must be a whole number"):
        codec.decode(int, 3.0, "x")


def test_fields_left_out_have_their_defaults():
    assert codec.decode(Duration, {"epochs": 3}, "length") == Duration(epochs=3)
    data = codec.encode(VANILLA)
    del data["keep_checkpoints"], data["z"]["num"]
    assert codec.decode(Recipe, data, "recipe") == replace(VANILLA, z=Normal())


@pytest.mark.parametrize("value", [None, 1, "vanilla", [], [{}], True])
def test_a_recipe_is_an_object(value):
    with pytest.raises(InputError, match=r"recipe is .*; it must be an object"):
        codec.decode(Recipe, value, "recipe")


def test_required_fields_are_named():
    with pytest.raises(InputError, match="recipe lacks data, generator, discriminator, z, loss, pictures, length"):
        codec.decode(Recipe, {}, "recipe")
    data = codec.encode(VANILLA)
    del data["z"]
    with pytest.raises(InputError, match=r"recipe lacks z$"):
        codec.decode(Recipe, data, "recipe")


def test_unknown_fields_are_named():
    data = codec.encode(VANILLA) | {"batchsize": 1}
    with pytest.raises(InputError, match=r"unknown setting 'recipe\.batchsize'; did you mean 'batch_size'"):
        codec.decode(Recipe, data, "recipe")


def test_code_cannot_be_named():
    for name in ("os.system", "sparring.losses.Minimax", "Minimax", "__class__", ""):
        with pytest.raises(InputError, match="unknown loss"):
            codec.decode(Recipe, codec.encode(VANILLA) | {"loss": {"name": name}}, "recipe")


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 10**400, 2**63])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["fresh", "same", "move-d", "minimax", "ring", "first-layer", "strip", "mlp-generator"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "z", "num", "widths", "epochs", "lr"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


def decoded_or_refused(data: Any) -> None:
    with suppress(InputError):
        recipe = codec.decode(Recipe, data, "recipe")
        text = json.dumps(codec.encode(recipe))  # compared as text, for NaN is not equal to itself
        assert json.dumps(codec.encode(codec.decode(Recipe, json.loads(text), "recipe"))) == text


@settings(deadline=None, max_examples=100)
@given(data=values)
def test_any_json_is_a_recipe_or_an_input_error(data):
    decoded_or_refused(data)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_a_recipe_with_one_value_replaced_is_a_recipe_or_an_input_error(data):
    recipe = json.loads(json.dumps(codec.encode(recipes.get(data.draw(st.sampled_from(TUTORIALS))))))
    place = recipe
    while True:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 3)) == 0:
            break
        place = place[key]
    place[key] = data.draw(values)
    decoded_or_refused(recipe)


paths = st.lists(
    st.sampled_from(["optim", "lr", "round", "moves", "0", "1", "z", "generator", "widths", "initial", "loss", "", "²"]),
    max_size=4,
).map(".".join)
texts = values.map(json.dumps) | st.text(max_size=10)


@settings(deadline=None, max_examples=200)
@given(path=paths | st.text(max_size=10), text=texts)
def test_any_override_works_or_is_an_input_error(path, text):
    with suppress(InputError):
        assert isinstance(codec.override(VANILLA, {path: text}), Recipe)


def test_the_order_of_changes_does_not_matter():
    changes = {"condition": "projection", "z.classes": "10", "z": "code"}
    changed = codec.override(recipes.get("paper"), changes)
    assert changed.z == Code(classes=10)
    assert codec.override(recipes.get("paper"), dict(reversed(changes.items()))) == changed
