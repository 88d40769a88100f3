"""The model card of a saved generator: Markdown with the front matter that model hubs read.

Names of recipes, data and classes may come from anywhere; they are escaped, and stay texts.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sparring.config.schedules import RoundInfo
from sparring.evaluation import Score
from sparring.evaluation.known import meaning
from sparring.evaluation.score import number
from sparring.networks.latents import Code, Noise
from sparring.runs.run import Run
from sparring.storage import strict_json
from sparring.storage.yaml_text import yaml_text

TASK = "unconditional-image-generation"
_SPECIAL = re.compile(r"[\\`*_\[\]<>&|#~$]")


@dataclass(frozen=True)
class ModelCard:
    """What a model card tells; `str` of it is the file's text.

    facts: those of `training_facts`, {} where the training is not known. place: what from_pretrained takes. picture: the file
    with samples. onnx: the file for other programs, and how exactly it draws the same. license: as the Hugging Face Hub names
    it.
    """

    name: str
    noise: Noise
    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
    place: str = "PATH/TO/THIS/FOLDER"
    picture: str | None = None
    onnx: tuple[str, str] | None = None
    license: str | None = None

    @classmethod
    def of_run(cls, run: Run, info: RoundInfo) -> "ModelCard":
        """The card of a run's generator after this round."""
        facts, classes = training_facts(run, info), tuple(run.facts.get("classes", ()))
        return cls(f"{run.recipe.name}, seed {run.seed}", run.recipe.z, run.shape, classes, facts)

    def __str__(self) -> str:
        return f"---\n{yaml_text(self.front_matter())}---\n\n" + "\n\n".join(self._sections()) + "\n"

    def front_matter(self) -> dict[str, Any]:
        """The metadata, as the Hugging Face Hub names them."""
        images = len(self.shape) == 3
        kind = "class-conditional" if self._num_classes else "unconditional"
        found: dict[str, Any] = {"library_name": "sparring"}
        found |= {"license": self.license} if self.license else {}
        found |= {"pipeline_tag": TASK} if images else {}
        found |= {"tags": ["gan", f"{kind}-image-generation"] if images else ["gan"]}
        return found | ({"model-index": [self._index()]} if self.scores else {})

    def _index(self) -> dict[str, Any]:
        """The scores by protocol, each with its interval and its bounds."""
        by_protocol: dict[str, dict[str, Any]] = {}
        for score in self.scores:
            measured = {"low": score.low, "high": score.high, "floor": score.floor, "ceiling": score.ceiling}
            protocol = asdict(score.protocol)
            own = _known({name: protocol.pop(name) or None for name in ("options", "interval")} | measured)
            result = by_protocol.setdefault(
                str(protocol),
                {"task": {"type": TASK if len(self.shape) == 3 else "other"}, "dataset": _data_of(protocol), "metrics": []},
            )
            name = f"{score.metric.replace('_', ' ')} ({score.protocol.extractor})"
            result["metrics"].append({"type": score.metric, "name": name, "value": score.value, "args": own})
        return {"name": self.name, "results": [*by_protocol.values()]}

    @property
    def _samples(self) -> str:
        return "images" if len(self.shape) == 3 else "points"

    @property
    def _num_classes(self) -> int:
        return self.noise.classes if isinstance(self.noise, Code) else 0

    def _sections(self) -> Iterator[str]:
        yield f"# {plain(self.name)}"
        data = f" on `{self.facts['data']}`" if re.fullmatch(r"[\w-]+", self.facts.get("data", "")) else ""
        yield f"The generator of a GAN (generative adversarial network), trained by Sparring{data}. It draws {self._samples}."
        if self.picture:
            yield f"![Samples, not selected]({self.picture})"
        yield self._use()
        if self.onnx:
            yield "`{}` draws the same in other programs: input `z`, output `samples`. Parity: {}.".format(*self.onnx)
        if self.facts:
            yield f"## Training\n\n{_table(('', ''), self._training())}"
        yield from self._scores()
        yield "## Limits\n\n" + "\n".join(f"- {limit}" for limit in self._limits())
        yield f"## Licence\n\n{self.license or 'Nobody has stated a licence.'}"

    def _use(self) -> str:
        shape = ", ".join(map(str, self.shape))
        range_ = " in [-1, 1]" if len(self.shape) == 3 else ""
        of_class = ", class_=0" if self._num_classes else ""
        return (
            f"```python\nimport sparring\n\ngenerator = sparring.from_pretrained({json.dumps(self.place)})\n"
            f"samples = generator.sample(num=16, seed=0{of_class})  # [16, {shape}]{range_}\n```\n\n"
            f"It maps z [N, {self.noise.num}] to samples [N, {shape}]{range_}."
        )

    def _training(self) -> Iterator[tuple[str, str]]:
        facts = self.facts
        yield "recipe", plain(facts["recipe"]) + (f" ({plain(facts['source'])})" if facts["source"] else "")
        yield "data", plain(facts.get("data", "unknown"))
        images = f", {facts['images']:,} {self._samples}" if "images" in facts else ""
        yield "length", f"{facts['rounds']:,} rounds{images}"
        threads = f", threads: {facts['threads']}" if "threads" in facts else ""
        yield "cost", f"{facts['seconds']:,.0f} s on {plain(str(facts.get('device', 'a device unknown')))}{threads}"
        yield from [("weights", facts["weights"])] if "weights" in facts else []
        yield "software", ", ".join(f"{name} {plain(str(facts[name]))}" for name in ("sparring", "torch") if name in facts)

    def _scores(self) -> Iterator[str]:
        if not self.scores:
            return
        rows = [
            (plain(score.metric.replace("_", " ")), *map(number, (score.value, score.low, score.high, score.floor)))
            for score in self.scores
        ]
        protocol = self.scores[0].protocol
        yield f"## Scores\n\n{_table(('metric', 'value', 'from', 'to', 'real images'), rows)}"
        yield (
            f"{protocol.num_samples:,} samples against {protocol.num_real:,} test examples of {plain(protocol.data)}; "
            f"extractor {plain(protocol.extractor_text)}; 95 % intervals over draws of this generator, not over trainings; "
            f"real images: training examples in the samples' place."
        )

    def _limits(self) -> Iterator[str]:
        size = " x ".join(map(str, self.shape[1:]))
        if len(self.shape) == 3:
            yield f"It draws images of {size} pixels like those that it was trained on, and nothing else."
        if self._num_classes:
            named = [f"{i} {plain(name)}" for i, name in enumerate(self.classes) if name not in (str(i), f"cluster {i}")]
            yield f"It has {self._num_classes} classes{': ' if named else ''}{', '.join(named)}."
        yield "Some samples are malformed; nothing filters them."
        yield from (
            f"Copies of training images: memorisation {number(score.value)}, where 0 is chance and 1 is always."
            for score in self.scores
            if score.metric == "memorisation"
        )
        if self.scores:
            sentence = meaning(self.scores[0])
            yield from [f"{sentence[0].upper()}{sentence[1:]}."] if sentence else []
        else:
            yield f"{'It was not scored' if self.facts else 'Its scores are not known here'}; `sparring evaluate` takes some."


def training_facts(run: Run, info: RoundInfo) -> dict[str, Any]:
    """What a run tells of its training until this round: JSON values.

    recipe, source, seed; rounds, images, seconds; and where recipe.json has them data, data_fingerprint, sparring, torch,
    device, threads.
    """
    known = ("data_name", "data_fingerprint", "sparring", "torch", "device", "threads")
    return {
        "recipe": run.recipe.name,
        "source": run.recipe.source,
        "seed": run.seed,
        "rounds": info.round,
        "images": info.images,
        "seconds": info.seconds,
        **{name.removesuffix("_name"): run.facts[name] for name in known if name in run.facts},
    }


def _data_of(protocol: dict[str, Any]) -> dict[str, Any]:
    """What the scores of a protocol were taken against, and how."""
    name, split = protocol.pop("data"), protocol.pop("split")
    return {"name": name, "type": name, "split": split, "args": _known(protocol)}


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def plain(text: str) -> str:
    """Any text for use in Markdown, on one line, without a meaning of its own."""
    return _SPECIAL.sub(r"\\\g<0>", strict_json.one_line(text))


def _table(columns: tuple[str, ...], rows: Any) -> str:
    lines = (columns, ("---",) * len(columns), *rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
