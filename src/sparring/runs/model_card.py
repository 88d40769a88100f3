"""The model card of a saved generator."""

from sparring.config.schedules import RoundInfo
from sparring.networks.latents import Code
from sparring.runs.run import Run


def model_card(run: Run, info: RoundInfo) -> str:
    """The model card in Markdown, with the front matter that model hubs read."""
    recipe = run.recipe
    classes = recipe.z.classes if isinstance(recipe.z, Code) else 0
    of_class = ", class_=0" if classes else ""
    software = ", ".join(f"{name} {run.facts[name]}" for name in ("sparring", "torch", "device") if name in run.facts)
    return f"""---
library_name: sparring
tags:
- gan
- {"class-conditional" if classes else "unconditional"}-image-generation
---

# {recipe.name}, seed {run.seed}

A generator trained with Sparring: recipe `{recipe.name}` ({recipe.source}), data
`{run.facts.get("data_name", "")}`, {info.round} rounds, {info.images} images, {info.seconds:.0f} s, {software}.

It maps z [N, {recipe.z.num}] to samples [N, {", ".join(map(str, run.shape))}] in [-1, 1].

```python
import sparring

images = sparring.load("PATH/TO/THIS/FOLDER").sample(num=16, seed=0{of_class})
```
"""
