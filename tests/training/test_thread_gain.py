"""Tiny perceptrons take a single thread, all other networks as many as there are."""

from dataclasses import replace

import pytest

from sparring import recipes
from sparring.config.threads import MOST_THREADS
from sparring.networks import DcganDiscriminatorConfig, MLPGeneratorConfig
from sparring.training.thread_gain import threads_that_gain

SHAPES = {"gaussian": (1,), "grid": (2,), "ring": (2,)}


@pytest.mark.parametrize("name", ["gaussian", "grid", "ring", "vanilla", "dcgan", "flash", "upsample"])
def test_recipes(name):
    found = threads_that_gain(recipes.get(name), SHAPES.get(name, (1, 28, 28)))
    assert found == (1 if name == "gaussian" else MOST_THREADS)


def test_wider_layers_and_larger_batches_take_more():
    tiny = recipes.get("gaussian")
    assert threads_that_gain(replace(tiny, batch_size=1023), (1,)) == 1
    assert threads_that_gain(replace(tiny, batch_size=1024), (1,)) == MOST_THREADS
    assert threads_that_gain(replace(tiny, generator=MLPGeneratorConfig(widths=(64, 512))), (1,)) == MOST_THREADS
    assert threads_that_gain(replace(tiny, discriminator=DcganDiscriminatorConfig()), (1, 8, 8)) == MOST_THREADS
