"""Parts that a Python program passes in place of a recipe's: data, networks, a loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from torch import nn

from sparring.config import codec
from sparring.config.own import Own
from sparring.config.registry import name_of
from sparring.data import Data, moved
from sparring.data import resolve as resolve_data
from sparring.errors import InputError
from sparring.losses import Loss, RelativisticLoss, own_loss
from sparring.losses.own import LossFunction
from sparring.networks import DiscriminatorConfig, GeneratorConfig, ModuleDiscriminator, ModuleGenerator
from sparring.recipe import Recipe


@dataclass(frozen=True)
class Parts:
    """What a program passes, each None for the recipe's own.

    data: a data set, or the name or path of one. generator, discriminator: a module, or a configuration. loss: a function of
    the logits, or a loss.
    """

    data: str | Path | Data | None = None
    generator: nn.Module | GeneratorConfig | None = None
    discriminator: nn.Module | DiscriminatorConfig | None = None
    loss: LossFunction | Loss | RelativisticLoss | None = None

    @classmethod
    def of(cls, recipe: Recipe) -> "Parts":
        """The parts of a recipe that are a program's."""
        found: dict[str, Any] = {f.name: getattr(recipe, f.name) for f in fields(cls)}
        return cls(**{name: part for name, part in found.items() if _is_here(part)})

    def beside(self, others: "Parts") -> "Parts":
        """These parts, and those of the others that are not among them."""
        return replace(others, **{f.name: given for f in fields(self) if (given := getattr(self, f.name)) is not None})

    def put_into(self, recipe: Recipe) -> Recipe:
        """The recipe with these parts; InputError where one is of another kind."""
        return replace(recipe, **self._made(recipe))

    def return_to(self, recipe: Recipe, where: str) -> Recipe:
        """The recipe of a run with the objects that it was trained with; InputError, naming `where`, for others.

        Data are compared by those who read them, since a data set that was found by its name may have moved.
        """
        here = replace(self, data=moved(str(self.data), recipe.data)) if isinstance(self.data, str | Path) else self
        made = here._made(recipe)
        for name, part in made.items():
            own = getattr(recipe, name)
            if isinstance(part, Own) and isinstance(own, Own):
                if part != own:
                    raise InputError(f"this {name} is not the one of {where}: it is {part}, and the run has {own}")
            elif name != "data":
                raise InputError(f"the {name} of {where} is {name_of(own)}, which is known by its name; leave {name}= out")
        return replace(recipe, **made)

    def _made(self, recipe: Recipe) -> dict[str, Any]:
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: _MAKERS[name](value, recipe) for name, value in given.items() if value is not None}


def require_parts(recipe: Recipe, call: str) -> None:
    """InputError where parts of the recipe are a program's and not here; it says what to pass in the `call`."""
    parts = {f.name: getattr(recipe, f.name) for f in fields(Parts)}
    missing = {name: part for name, part in parts.items() if isinstance(part, Own) and not _is_here(part)}
    if missing:
        told = " and ".join(f"{name} {part}" for name, part in missing.items())
        passed = ", ".join(f"{name}=..." for name in missing)
        raise InputError(f"the run's {told} were a program's own, of which it keeps fingerprints alone; pass {call}{passed})")


def require_place(data: Data, where: str) -> None:
    """InputError where the files of a data set are no longer in their place; it says how to name another for `where`, a run."""
    path = getattr(data, "path", None)
    if path and not Path(path).exists():
        now = "name the place where they are with --data PATH (in Python: data=)"
        raise InputError(f"the data of {where} are no longer at {path}; {now}")


def _is_here(part: Any) -> bool:
    return isinstance(part, Own) and part.held is not None


def data_of(value: Any, instead: Data | None = None) -> Data:
    """The data set of this name or path, or itself; InputError for anything else. `instead`: see `sparring.data.resolve`."""
    if isinstance(value, str | Path):
        return resolve_data(str(value), instead)
    _check_part(value, "data", ("train", "test", "fetch", "is_cached"), "a data set; make one with sparring.data.of(...)")
    return value


def with_settings(data: Data, settings: Mapping[str, str]) -> Data:
    """The data set with these settings as texts, by its own names (`size`) or by a recipe's (`data.size`).

    Raises InputError for one that it does not have, or that is out of range.
    """
    return codec.override(data, {name.removeprefix("data."): text for name, text in settings.items()})


def _generator(value: Any, recipe: Recipe) -> GeneratorConfig:
    if isinstance(value, nn.Module):
        return ModuleGenerator.of(value)
    _check_part(value, "generator", ("build",), "a torch.nn.Module, or a configuration from sparring.networks")
    return value


def _discriminator(value: Any, recipe: Recipe) -> DiscriminatorConfig:
    if isinstance(value, nn.Module):
        return ModuleDiscriminator.of(value)
    _check_part(value, "discriminator", ("build",), "a torch.nn.Module, or a configuration from sparring.networks")
    return value


def _loss(value: Any, recipe: Recipe) -> Loss | RelativisticLoss:
    if hasattr(value, "d_terms") and not isinstance(value, type):
        return value
    if isinstance(value, type) or not callable(value):
        raise InputError(f"loss is {_told(value)}; it must be a function of the logits, or a loss from sparring.losses")
    return own_loss(cast(LossFunction, value))


_MAKERS: dict[str, Callable[[Any, Recipe], Any]] = {
    "data": lambda value, recipe: data_of(value, recipe.data),
    "generator": _generator,
    "discriminator": _discriminator,
    "loss": _loss,
}


def _check_part(value: Any, name: str, methods: tuple[str, ...], wanted: str) -> None:
    if isinstance(value, type) or not all(hasattr(value, method) for method in methods):
        raise InputError(f"{name} is {_told(value)}; it must be {wanted}")


def _told(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
