"""The numbers of a round that the journal holds, from its tensors."""

from math import isfinite

import torch
from torch import Tensor

from sparring.config.non_finite import DivergenceError, NonFiniteValue
from sparring.distributed.single_process import BOTH
from sparring.training.gan import GAN, pack
from sparring.training.player import inference
from sparring.training.step import Readings, detached

PROBABILITIES = ("d_real", "d_fake", "d_accuracy_real", "d_accuracy_fake", "g_accuracy")
OPTIONAL = ("g_gradient", "d_gradient", "d_penalty", "strength")  # readings that a journal holds where there are any


def summary(readings: Readings, probabilistic: bool = True) -> dict[str, float | None]:
    """Readings as numbers: losses, mean logits, mean sigmoids, and accuracies.

    `d_accuracy_real`: share of real images that D takes for real; `d_accuracy_fake`: share of fakes that D takes for fakes;
    `g_accuracy`: share of the fakes of G's own move that D takes for real; `g_gradient` and `d_gradient`: norms of the
    gradients of the last moves; `d_penalty`: what the penalties on D's gradients added when they were due last; `strength`: of
    an adaptive augmentation.
    Of a loss under which D's output is no probability, mean sigmoids and shares are None.
    """
    real, fake, own = (readings[name] for name in ("real_logits", "fake_logits", "g_fake_logits"))
    numbers: dict[str, Tensor] = {
        "g_loss": readings["g_loss"],
        "d_loss": readings["d_loss"],
        "real_logit": real.mean(),
        "fake_logit": fake.mean(),
        "d_real": real.sigmoid().mean(),
        "d_fake": fake.sigmoid().mean(),
        "d_accuracy_real": (real > 0).float().mean(),
        "d_accuracy_fake": (fake <= 0).float().mean(),
        "g_accuracy": (own > 0).float().mean(),
        **{name: readings[name] for name in OPTIONAL if name in readings},
    }
    values = torch.stack(list(numbers.values())).tolist()  # one synchronisation
    found: dict[str, float | None] = dict(zip(numbers, values, strict=True))
    return found if probabilistic else found | dict.fromkeys(PROBABILITIES)


def require_finite(numbers: dict[str, float]) -> dict[str, float]:
    """The numbers unchanged; DivergenceError where one is not finite."""
    for name, value in numbers.items():
        if not isfinite(value):
            raise DivergenceError(NonFiniteValue(name, "discriminator" if name.startswith("d_") else "generator", str(value)))
    return numbers


def spread_of(samples: Tensor) -> Tensor:
    """The root mean square deviation from sample to sample, at least 1e-6, so that it can be divided by."""
    return samples.var(0, correction=0).mean().sqrt().clamp(min=1e-6)


def contrast_of(images: Tensor) -> Tensor:
    """The mean standard deviation within an image, at least 1e-6."""
    return images.flatten(1).std(1, correction=0).mean().clamp(min=1e-6)


@torch.no_grad()
def read_losses(gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None = None) -> Readings:
    """Both losses in inference mode, without a step."""
    generator, discriminator = gan.networks
    with inference(generator), inference(discriminator):
        outputs = discriminator(pack(real, gan.packing)), discriminator(pack(generator(z), gan.packing))
    on_real, on_fake = gan.gather(BOTH, outputs, (codes, gan.codes_of(z)))
    logits = {"real_logits": on_real.logits, "fake_logits": on_fake.logits, "g_fake_logits": on_fake.logits}
    return detached(g_loss=gan.g_loss(on_fake, on_real.logits), d_loss=gan.d_loss(on_real, on_fake), **logits)
