"""The strength of an adaptive augmentation, measured on images that D has never seen."""

from typing import TYPE_CHECKING

import torch

from sparring.augment import Adaptive
from sparring.config.rng import keyed_generator
from sparring.training.gan import pack
from sparring.training.player import inference

if TYPE_CHECKING:
    from sparring.training.engine import Engine


@torch.no_grad()
def adapt_strength(engine: "Engine", round_: int) -> None:
    """Update the strength of an adaptive augmentation in the rounds that its `every` names."""
    augment, held_out = engine.recipe.augment, engine.held_out
    if not isinstance(augment, Adaptive) or held_out is None or (round_ + 1) % augment.every:
        return
    rng, num = keyed_generator("cpu", engine.seed, "adapt", round_), engine.recipe.batch_size
    uniforms = torch.rand(num, augment.num_uniforms(engine.data.shape), generator=rng).to(engine.device)
    places = [torch.randint(len(data), (num,), generator=rng).to(engine.device) for data in (engine.data, held_out)]
    seen = [(x := data.batch(i), engine.codes(x, data, i)) for data, i in zip((engine.data, held_out), places, strict=True)]
    z, (g, d) = engine.z(num, "adapt", round_), engine.gan.networks
    with inference(g), inference(d):
        seen.append((g(z), engine.gan.codes_of(z)))
        packs = [pack(augment(x, uniforms, engine.gan.context.strength), engine.gan.packing) for x, _ in seen]
        train, unseen, fake = (engine.gan.logits(d(x), codes) for x, (_, codes) in zip(packs, seen, strict=True))
    strength, images = engine.gan.memory["strength"], engine.images_before(round_ + 1)
    images -= engine.images_before(round_ + 1 - augment.every)
    strength.fill_(augment.adapt(strength.item(), train, unseen, fake, images))
    engine.group.broadcast([strength])
