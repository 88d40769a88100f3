"""Limits of settings: in words, for every field that has any, and recipes drawn at random within them."""

import json
import math
import types
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, is_dataclass, replace
from typing import Annotated, Any, Literal, Optional, get_args, get_origin

import pytest
import torch
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from sparring import recipes
from sparring.config import codec, ranges, registry
from sparring.config.non_finite import DivergenceError
from sparring.config.ranges import Length, Limits, Range, Ranged
from sparring.config.rng import own_torch_state
from sparring.config.schedules import Duration, Interval, Schedule
from sparring.data.sets import ImageSet
from sparring.errors import InputError
from sparring.networks import MLPDiscriminatorConfig, MLPGeneratorConfig
from sparring.networks.latents import Code
from sparring.networks.r3 import R3DiscriminatorConfig, R3GeneratorConfig
from sparring.penalties.penalty import LazyPenalty
from sparring.recipe import Recipe
from sparring.runs import orders
from sparring.training.engine import Engine
from sparring.training.sampler import EngineSampler

CPU = torch.device("cpu")
VANILLA = recipes.get("vanilla")
INF = math.inf
PART_KINDS = (
    *("augment", "condition", "constraint", "discriminator", "generator", "initial"),
    *("loss", "move", "noise", "penalty", "picture", "remedy"),
)


def own(kind: str) -> list[str]:
    """Sparring's own parts, not those that another test registers."""
    return [name for name in registry.names(kind) if registry.find(kind, name).__module__.startswith("sparring.")]


# --- wording ---


@pytest.mark.parametrize(
    ("limits", "words", "value", "rule"),
    [
        (Range(1), "at least 1", 0, "be at least 1"),
        (Range(0), "at least 0", -1.0, "be at least 0 and finite"),
        (Range(above=0), "above 0", 0.0, "be above 0 and finite"),
        (Range(most=5), "at most 5", 6, "be at most 5"),
        (Range(below=5), "below 5", 5, "be below 5"),
        (Range(), "finite", math.nan, "be finite"),
        (Range(1, 100_000), "in 1..100,000", 0, "lie in 1..100,000"),
        (Range(0, below=1), "in [0, 1)", 1.0, "lie in [0, 1)"),
        (Range(above=0, most=1), "in (0, 1]", 0.0, "lie in (0, 1]"),
        (Range(above=0, below=0.5), "between 0 and 0.5", 0.5, "lie between 0 and 0.5"),
    ],
)
def test_a_range_in_words(limits, words, value, rule):
    assert str(limits) == words
    assert value not in limits
    assert limits.rule(value) == rule


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Optional[Annotated[int, Range(1, 6)]], "in 1..6, or null"),  # noqa: UP045
        (Annotated[tuple[Annotated[int, Range(1)], ...], Length(1, 9)], "1 to 9 numbers, each at least 1"),
        (Annotated[tuple[Annotated[int, Range(1)], ...], Length(0, 9)], "at most 9 numbers, each at least 1"),
        (Annotated[tuple[Annotated[Any, "penalty"], ...], Length(0, 9)], "at most 9 items"),
    ],
)
def test_limits_of_a_field_in_words(kind, words):
    assert str(Limits.of(kind)) == words


bounds = st.integers(-3, 3)


@given(least=bounds, most=bounds, above=bounds, below=bounds, value=st.floats() | bounds)
def test_a_range_holds_what_all_its_bounds_allow(least, most, above, below, value):
    wanted = not math.isnan(value) and value >= least and value <= most and value > above and value < below
    assert (value in Range(least, most, above=above, below=below)) == wanted
    assert (value in Range(least)) == (math.isfinite(value) and value >= least)
    assert (value in Range()) == math.isfinite(value)


# --- classes that have ranges ---


@dataclass(frozen=True)
class Base(Ranged, prefix="base."):
    rate: Annotated[float, Range(above=0)]
    depth: Annotated[int, Range(1, 6)] | None = None
    sizes: tuple[Annotated[int, Range(2)], ...] = ()


@dataclass(frozen=True)
class Derived(Base):
    rate: float = 0.5
    share: Annotated[float, Range(0, 1)] = 0.0


@dataclass(frozen=True)
class Another(Base, prefix="another."):
    rate: Annotated[float, Range(0)] = 0.0


def test_a_derived_class_keeps_ranges_and_adds_its_own():
    with pytest.raises(InputError, match=r"^base\.rate is -1\.0; it must be above 0 and finite$"):
        Derived(rate=-1.0)
    with pytest.raises(InputError, match=r"^base\.share is 2; it must lie in 0\.\.1$"):
        Derived(share=2)
    with pytest.raises(InputError, match=r"^another\.rate is -1\.0; it must be at least 0 and finite$"):
        Another(rate=-1.0)
    assert Another().rate == 0  # its own range in place of the base's
    assert Base.prefix == Derived.prefix == "base."


def test_null_is_for_optional_fields_alone():
    assert Base(1.0, depth=None).depth is None
    with pytest.raises(InputError, match=r"^base\.depth is 7; it must lie in 1\.\.6, or be null$"):
        Base(1.0, depth=7)
    with pytest.raises(TypeError):
        Base(rate=None)  # type: ignore[arg-type]


def test_each_number_of_a_tuple_is_in_range():
    with pytest.raises(InputError, match=r"^base\.sizes is \[2, 1\]; it must be numbers, each at least 2$"):
        Base(1.0, sizes=(2, 1))
    with pytest.raises(InputError, match=r"^base\.sizes is \[2, 1\]; it must be numbers, each at least 2$"):
        replace(Base(1.0, sizes=(2, 3)), sizes=(2, 1))


def test_ranges_hold_for_overrides():
    for path, text in (("generator.widths.0", "0"), ("generator.widths", "[]"), ("generator.widths", json.dumps([1] * 1001))):
        with pytest.raises(InputError, match=r"^generator\.widths is "):
            codec.override(VANILLA, {path: text})
    generator = codec.override(VANILLA, {"generator.widths.0": "1"}).generator
    assert isinstance(generator, MLPGeneratorConfig)
    assert generator.widths == (1,)


def test_described_ranges_are_those_of_the_settings():
    words = ranges.describe(recipes.get("r3"))
    assert words["g_optim.lr"] == "above 0"
    assert words["generator.blocks"] == "in 1..100"
    assert words["penalties"] == "at most 16 items"
    assert words["penalties.0.gamma"] == "above 0"
    assert "name" not in words


# --- every field of every part ---


def subclasses(cls: type) -> Iterator[type]:
    for sub in cls.__subclasses__():
        yield sub
        yield from subclasses(sub)


OWN = sorted({c for c in subclasses(Ranged) if c.__module__.startswith("sparring.")}, key=lambda c: c.__qualname__)
FIELDS = [
    (cls, name)
    for cls in OWN
    if is_dataclass(cls) and not cls.__name__.startswith("_")
    for name in ranges.limits_of(cls)
    if name != "weights" or not issubclass(cls, Code)
]
WITHOUT_RANGE = {"bn_eps", "bn_momentum", "max_width", "moves", "values", "weights"}  # the last four have rules of their own


def number_type(kind: Any) -> type | None:
    """`int` or `float`, wherever it stands in a field's type."""
    return kind if kind in (int, float) else next(filter(None, map(number_type, get_args(kind))), None)


def next_number(value: float, towards: float, kind: type) -> float:
    return value + math.copysign(1, towards) if kind is int else math.nextafter(value, towards)


def around(limits: Range, kind: type) -> tuple[list[Any], list[Any]]:
    """The outermost numbers within a range, and the first ones outside."""
    inside, outside = [], [] if kind is int else [-INF, INF, math.nan]
    for end, out in zip(limits.ends, (-INF, INF), strict=True):
        if math.isfinite(end):
            within = end in limits
            beside = next_number(end, out if within else -out, kind)
            inside.append(kind(end if within else beside))
            outside.append(kind(beside if within else end))
    return inside, outside


def edges(cls: type, name: str) -> tuple[list[Any], list[Any]]:
    """Values of a field on its bounds, and just outside."""
    limits, kind = ranges.limits_of(cls)[name], ranges.types_of(cls)[name]
    inside, outside = around(limits.range, number_type(kind) or float) if limits.range else ([], [])
    if limits.length is None:
        return inside, outside
    item = inside[0] if inside else recipes.get("r3").penalties[0]
    least, most = limits.length.least, limits.length.most
    lengths = [(item,) * (most + 1), *[()] * least]
    return [(item,) * least, (item,) * most, *((v,) for v in inside)], [*lengths, *((v,) for v in outside)]


OF_ORDERS = {orders.Moves: {"g": 1, "d": 1}, orders.Only: {"side": "g", "rounds": 1}, orders.SetFactor: {"of": "g_lr"}}


def made(cls: type, **values: Any) -> Any:
    """An instance, with what its other rules need beside these values."""
    if cls is Recipe:
        return replace(VANILLA, **{"batch_size": 64, **values})
    needed: dict[str, Any] = {"of": "lr"} if cls is Schedule else {"gamma": 1.0} if issubclass(cls, LazyPenalty) else {}
    needed |= OF_ORDERS.get(cls, {})
    needed |= {"group": 2} if issubclass(cls, R3GeneratorConfig | R3DiscriminatorConfig) and "width" in values else {}
    return cls(**{**needed, **values})


@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=lambda v: getattr(v, "__name__", v))
def test_bounds_are_accepted_and_what_lies_beyond_is_refused(cls, name):
    inside, outside = edges(cls, name)
    for value in inside:
        assert getattr(made(cls, **{name: value}), name) == value
    assert outside
    for value in outside:
        refused(cls, name, value)


def refused(cls: type[Ranged], name: str, value: Any) -> None:
    with pytest.raises(InputError) as error:
        made(cls, **{name: value})
    start, _, rule = str(error.value).partition("; it must ")
    assert start.startswith(f"{cls.prefix}{name} is ")
    assert str(ranges.limits_of(cls)[name].range) in rule or rule.startswith("have at most ")


@given(field=st.sampled_from([f for f in FIELDS if ranges.limits_of(f[0])[f[1]].range]), data=st.data())
def test_any_number_outside_is_refused(field, data):
    cls, name = field
    limits, kind = ranges.limits_of(cls)[name], ranges.types_of(cls)[name]
    allowed = limits.range or Range()
    numbers = st.integers() if number_type(kind) is int else st.floats()
    value = data.draw(numbers.filter(lambda v: v not in allowed))
    refused(cls, name, (value,) if limits.length else value)


def test_every_number_of_a_part_has_a_range():
    named = {registry.find(kind, name) for kind in PART_KINDS for name in own(kind)} | {cls for cls, _ in FIELDS}
    numeric = {(cls, name) for cls in named for name, kind in ranges.types_of(cls).items() if number_type(kind)}
    assert {name for _, name in numeric - set(FIELDS)} == WITHOUT_RANGE


# --- recipes at random ---


def numbers(limits: Range, kind: type) -> st.SearchStrategy:
    """Small numbers within a range, its bounds among them."""
    low, high = limits.ends
    inside, _ = around(limits, kind)
    if kind is int:
        first = inside[0] if low > -INF else -2
        return st.integers(first, int(min(high, first + 6)))
    low, high = max(low, -4.0), min(high, 4.0)
    return st.floats(low, high, exclude_min=low not in limits, exclude_max=high not in limits, allow_subnormal=False)


def values(kind: Any) -> st.SearchStrategy:
    """Values of a field's type, within its range."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated and isinstance(args[1], str):
        return st.sampled_from(own(args[1])).flatmap(lambda name: parts(registry.find(args[1], name)))
    if origin is Annotated:
        return numbers(args[1], args[0]) if isinstance(args[1], Range) else values(args[0])
    if origin is tuple:
        return st.lists(values(args[0]), min_size=1, max_size=3).map(tuple)
    if kind is int:
        return st.integers(0, 3)
    if origin is Literal:
        return st.sampled_from(args)
    if types.NoneType in args:
        return st.none() | values(args[0])
    return st.booleans() if kind is bool else parts(kind)


@st.composite
def parts(draw: st.DrawFn, cls: type) -> Any:
    """An instance with random values in all fields that have a range; drawn again where rules across fields say no."""
    kinds = {name: kind for name, kind in ranges.types_of(cls).items() if kind not in (int, float)}
    for _ in range(10):
        with suppress(InputError):
            return cls(**{name: draw(values(kind)) for name, kind in kinds.items()})
    return reject()


DRAWN = ("loss", "g_optim", "d_optim", "constraint", "augment", "average", "non_finite", "round", "order")
MORE = {
    "shared_clock": False,
    "length": Duration(rounds=3),
    "journal": Interval(rounds=1),
    "test_traces": False,
    "pictures": (),
}


@st.composite
def small_recipes(draw: st.DrawFn) -> Recipe:
    """Perceptrons on images of three classes, with random parts and values of all other kinds."""
    kinds = ranges.types_of(Recipe)
    changes = {name: draw(values(kinds[name])) for name in DRAWN}
    condition = draw(st.none() | values(Annotated[Any, "condition"]))
    changes |= MORE | {
        "condition": condition,
        "z": Code(normal=4, classes=3) if condition else draw(values(kinds["z"])),
        "penalties": draw(st.just(()) | values(kinds["penalties"])),
        "ramps": draw(st.lists(parts(Schedule), max_size=2, unique_by=lambda ramp: ramp.of).map(tuple)),
        "generator": draw(parts(MLPGeneratorConfig)),
        "discriminator": draw(parts(MLPDiscriminatorConfig)),
        "packing": 1 if condition else draw(st.sampled_from([1, 1, 2, 3])),
        "batch_size": 6 * draw(st.integers(1, 2)),
    }
    try:
        return replace(VANILLA, **changes)
    except InputError:
        return reject()


def examples() -> ImageSet:
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (24, 1, 28, 28), dtype=torch.uint8, generator=rng)
    return ImageSet(pixels, torch.arange(24) % 3, tuple("abc"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(recipe=small_recipes())
def test_recipes_within_their_ranges_play_or_diverge(recipe):
    assert codec.decode(Recipe, json.loads(json.dumps(codec.encode(recipe))), "recipe") == recipe
    with own_torch_state(CPU):
        try:
            engine = Engine.build(recipe, examples(), 0, CPU)
        except InputError:
            reject()
        with suppress(DivergenceError):
            for round_ in range(3):
                numbers = engine.numbers(engine.train_round(round_))
                assert numbers["g_loss"] is not None
                assert all(value is None or math.isfinite(value) for value in numbers.values())
            assert EngineSampler(engine, examples()).samples(4, "test").isfinite().all()
