import pytest

from sparring.config.registry import find, kebab, name_of, names, register, suggest
from sparring.errors import InputError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NonSaturating", "non-saturating"),
        ("non_saturating", "non-saturating"),
        ("MLPGenerator", "mlp-generator"),
        ("Gaussian1d", "gaussian-1d"),
        ("Gaussian1D", "gaussian-1d"),
        ("Conv2dLayer", "conv-2d-layer"),
        ("Grid12D", "grid-12d"),
        ("R1", "r1"),
        ("r1", "r1"),
        ("r3gan", "r3gan"),
        ("R3GAN", "r3-gan"),
        ("mnist28", "mnist28"),
        ("Mnist", "mnist"),
    ],
)
def test_python_names_become_kebab_case(name, expected):
    assert kebab(name) == expected
    assert kebab(expected) == expected


def test_parts_are_known_by_their_own_names():
    @register("test-kind")
    class ThingConfig:
        pass

    assert find("test-kind", "thing") is ThingConfig
    assert name_of(ThingConfig) == name_of(ThingConfig()) == "thing"
    assert names("test-kind") == ["thing"]
    with pytest.raises(InputError, match="unknown test-kind 'thong'; did you mean 'thing'"):
        find("test-kind", "thong")


def test_a_name_is_given_once():
    class Twin:
        pass

    register("test-twins")(Twin)
    other = type("Twin", (), {"__module__": "elsewhere"})
    with pytest.raises(ValueError, match=f"'twin' is already registered by {__name__}"):
        register("test-twins")(other)


def test_no_names_near_gives_all():
    assert suggest("zzz", ["ring", "mnist"]) == "the choices are ring, mnist"
