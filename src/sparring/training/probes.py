"""Probes of both networks in inference mode: traces on test images, and the numbers of a checkup. Nothing changes by them."""

import torch
from torch import Tensor

from sparring.config.rng import keyed_generator
from sparring.data.sets import Dataset
from sparring.losses import is_probabilistic
from sparring.networks.layers.batch_norm import BatchNorm
from sparring.training.checks import normalises
from sparring.training.engine import Engine
from sparring.training.gan import pack
from sparring.training.player import inference
from sparring.training.readings import contrast_of, require_finite, spread_of
from sparring.training.sampler import EngineSampler, num_at_once

NUM_PROBED = 500  # samples and images


@torch.no_grad()
def traces_on_test_images(engine: Engine, test: Dataset, round_: int) -> dict[str, float]:
    """Mean D(x) over all test images and mean D(G(z)) over as many fresh z, both networks in inference mode; over packs
    where the recipe packs.

    Raises DivergenceError where one is not finite.
    """
    generator, size = engine.gan.generator.network, engine.recipe.batch_size
    starts = range(0, len(test), size)
    sums = torch.zeros(len(starts), 3, dtype=torch.float64)  # of D(x), of D(G(z)), and how many, batch by batch
    with inference(generator), inference(engine.gan.discriminator.network):
        for index in engine.group.my_share(len(starts)):
            start = starts[index]
            chosen = torch.arange(start, min(start + size, len(test)))
            z = engine.z(len(chosen), "test", round_, start)
            real = test.batch(chosen).to(engine.device)
            d_real = _probabilities(engine, real, engine.codes(real, test, chosen))
            d_fake = _probabilities(engine, generator(z), engine.gan.codes_of(z))
            sums[index] = torch.stack([d_real.sum(), d_fake.sum(), d_real.new_tensor(len(d_real))])
    d_real, d_fake, num = engine.group.all_reduce_sum(sums).sum(0).tolist()
    return require_finite({"d_real_test": d_real / num, "d_fake_test": d_fake / num})


def _probabilities(engine: Engine, images: Tensor, codes: Tensor | None) -> Tensor:
    """D(x) as probabilities: of images [B], or of packs, at least one."""
    network, packing = engine.gan.discriminator.network, engine.gan.packing
    images = images if len(images) >= packing else images[torch.arange(packing, device=images.device) % len(images)]
    return engine.gan.logits(network(pack(images, packing)), codes).sigmoid()


@torch.no_grad()
def run_probes(engine: Engine, test: Dataset) -> dict[str, float]:
    """The numbers of a checkup, in inference mode and on fixed z.

    `spread`: deviation from sample to sample, beside that of real ones (1: as varied); `contrast`, of images: deviation
    within a sample, likewise; `d_real_train`, `d_real_held_out`, unless D is a critic: mean D(x) on training images and on
    ones never trained on; `batch_norm_gap`, where G normalises over the batch: how far its samples move (root mean square,
    beside their own spread) when batch statistics take the place of the running ones.
    Raises DivergenceError where one is not finite.
    """
    generator, discriminator = engine.gan.g_eval, engine.gan.discriminator.network
    (real, codes), (held_out, held_out_codes) = _probed(engine, engine.data), _probed(engine, test)
    fake = EngineSampler(engine, test).samples(NUM_PROBED, "checkup").to(engine.device)
    spread, numbers = spread_of(fake), {}
    if len(held_out) >= 10:  # fewer say nothing of how varied real ones are
        numbers["spread"] = spread / spread_of(held_out)
        if fake.ndim == 4:
            numbers["contrast"] = contrast_of(fake) / contrast_of(held_out)
    if is_probabilistic(engine.recipe.loss):
        with inference(discriminator):
            numbers |= {
                "d_real_train": _probabilities(engine, real, codes).mean(),
                "d_real_held_out": _probabilities(engine, held_out, held_out_codes).mean(),
            }
    if normalises(generator):
        moved = _with_batch_statistics(engine, "checkup")
        moved -= fake[: len(moved)]
        numbers["batch_norm_gap"] = moved.square().mean().sqrt() / spread
    return require_finite({name: value.item() for name, value in numbers.items()})


def _probed(engine: Engine, data: Dataset) -> tuple[Tensor, Tensor | None]:
    """A fixed subset of examples, with their codes, on the engine's device."""
    chosen = torch.randperm(len(data), generator=keyed_generator("cpu", engine.seed, "checkup"))[:NUM_PROBED]
    chosen = chosen.to(engine.device if data is engine.data else "cpu")
    images = data.batch(chosen).to(engine.device)
    return images, engine.codes(images, data, chosen)


def _with_batch_statistics(engine: Engine, *address: str) -> Tensor:
    """Samples of G in one batch, fewer of large images, with only its batch norms in training mode; their running statistics
    are restored.
    """
    network = engine.gan.g_eval
    kept = {name: buffer.clone() for name, buffer in network.named_buffers()}
    with inference(network):
        for layer in network.modules():
            layer.training = isinstance(layer, BatchNorm)
        samples = network(engine.z(NUM_PROBED, *address)[: num_at_once(NUM_PROBED, engine.data.shape)])
    for name, buffer in network.named_buffers():
        buffer.copy_(kept[name])
    return samples
