"""Toys take a single thread, all other recipes as many as there are."""

from dataclasses import replace

import pytest

from sparring import recipes
from sparring.config.threads import MOST_THREADS
from sparring.networks import DcganDiscriminatorConfig
from sparring.training.thread_gain import threads_that_gain

TOYS = {"gaussian": (1,), "grid": (2,), "ring": (2,)}


@pytest.mark.parametrize("name", recipes.names())
def test_toys_take_one(name):
    assert threads_that_gain(recipes.get(name), TOYS.get(name, (1, 28, 28))) == (1 if name in TOYS else MOST_THREADS)


def test_wider_layers_and_larger_batches_take_more():
    ring = recipes.get("ring")
    assert threads_that_gain(replace(ring, batch_size=1024), (2,)) == MOST_THREADS
    assert threads_that_gain(replace(ring, generator=replace(ring.generator, widths=(64, 1024))), (2,)) == MOST_THREADS
    assert threads_that_gain(replace(ring, discriminator=DcganDiscriminatorConfig()), (1, 8, 8)) == MOST_THREADS
