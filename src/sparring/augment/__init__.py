"""Augmentation: differentiable maps of D's inputs, real and generated ones alike. A file holds one family.

What is random comes from outside, as numbers U[0, 1) of each sample, so that a batch can be drawn whole and split by rows, and
each sample is mapped by itself. Images are [-1, 1] NCHW float; what comes out may leave that range.
"""

from sparring.augment.adaptive import Adaptive, adapted, overfitting
from sparring.augment.augment import Augment
from sparring.augment.auto import Auto
from sparring.augment.diff_augment import DiffAugment
from sparring.augment.flip import Flip
from sparring.augment.instance_noise import InstanceNoise
from sparring.config import registry

__all__ = ["Adaptive", "Augment", "Auto", "DiffAugment", "Flip", "InstanceNoise", "adapted", "overfitting"]

registry.import_all(__name__, __path__)
