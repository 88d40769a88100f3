"""The HTML of a page: one file with its style, its scripts, its data and its weights."""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import sparring
from sparring.config.registry import name_of
from sparring.errors import InputError
from sparring.exporters.page.directions import Directions, principal_directions
from sparring.exporters.page.program import Program
from sparring.exporters.parity import Parity
from sparring.exporters.trained import Trained
from sparring.networks.latents import Code, Mixture, Noise, Normal, Uniform

if TYPE_CHECKING:
    from jinja2 import Template

SCRIPTS = ("forward.js", "latents.js", "gif.js", "pictures.js", "words.js", "controls.js", "images.js", "points.js", "main.js")
"""In the order of their imports, which are left out where all are one script."""


def html(trained: Trained, program: Program, parity: Parity) -> str:
    """The page of a generator whose program draws with this parity; InputError for a distribution of z of the user's own."""
    from markupsafe import Markup

    noise = trained.generator.noise
    directions = principal_directions(program, noise)
    data = {
        "program": program.as_json() | {"directions": _stored(directions, program)},
        "noise": noise_columns(noise),
        "classes": class_names(trained),
        "name": trained.name,
        "strings": strings(),
        "parity": asdict(parity),
        "version": sparring.__version__,
    }
    style, script = read("style.css"), one_script()
    return _template().render(
        title=trained.name,
        facts=_facts(trained, program),
        words=strings()["en"],
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        data=Markup(json_in_html(data)),
        weights=Markup(b64encode(program.weights.data).decode()),
    )


def json_in_html(value: Any) -> str:
    """JSON that no HTML parser takes for a tag, whatever the texts in it say."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def noise_columns(noise: Noise) -> dict[str, Any]:
    """The columns of z as `latents.js` draws them: normal or uniform ones, one-hot ones, uniform codes."""
    if type(noise) not in (Normal, Uniform, Mixture, Code):
        advice = 'export to ONNX instead: --to onnx (in Python: to="onnx")'
        raise InputError(f"z is {name_of(noise)}, which the page cannot draw; {advice}")
    found = {"columns": noise.num, "std": 1.0, "is_uniform": isinstance(noise, Uniform)}
    found |= {"one_hot": 0, "is_class": False, "weights": [], "continuous": 0}
    match noise:
        case Mixture():
            return found | {"columns": noise.normal, "std": noise.std, "one_hot": noise.components}
        case Code():
            one_hot = {"one_hot": noise.classes, "is_class": noise.classes > 0, "weights": list(noise.weights)}
            return found | one_hot | {"columns": noise.normal, "std": noise.std, "continuous": noise.continuous}
    return found


def class_names(trained: Trained) -> list[str]:
    """The names of the generator's classes; numbers where its data have none."""
    generator = trained.generator
    return list(generator.classes) if generator.classes else [str(i) for i in range(generator.num_classes)]


@cache
def one_script() -> str:
    """All scripts as one, without the imports and exports between them."""
    text = "\n".join(read(name) for name in SCRIPTS)
    return re.sub(r"^export ", "", re.sub(r"^import .*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)


@cache
def strings() -> Mapping[str, Mapping[str, str]]:
    """The page's texts by language and name."""
    return json.loads(read("strings.json"))


def read(name: str) -> str:
    """The text of a file beside this one."""
    return files("sparring.exporters.page").joinpath(name).read_text("utf-8")


def _policy(*inline: str) -> str:
    """The style and the script of these texts may run; nothing is ever loaded, sent or framed."""
    style, script = (f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in inline)
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src blob: data:; connect-src 'none';"
        " base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _stored(directions: Directions, program: Program) -> dict[str, Any] | None:
    """The directions as JSON, with their vectors among the program's weights; None where there are none."""
    num, width = directions.vectors.shape
    if not num:
        return None
    vectors = program.weights.add(directions.vectors)
    return {"at": directions.at, "num": num, "width": width, "shares": directions.shares, "vectors": vectors}


def _facts(trained: Trained, program: Program) -> Sequence[str]:
    facts = trained.facts
    num_weights = sum(place["count"] for place in program.weights.places)
    scores = [score for score in facts.get("scores", []) if score.get("metric") == "frechet_distance"]
    shown = [
        facts.get("recipe"),
        facts.get("data"),
        " × ".join(map(str, trained.generator.shape[:0:-1])),  # width × height; nothing of points
        f"{num_weights:,} weights",
        *(f"Frechet distance {score['value']:.3g}" for score in scores[:1]),
    ]
    return [str(fact) for fact in shown if fact]


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(read("page.html.j2"))
