"""Penalties on D, and constraints on its weights beside them. A file holds one family.

One convention of gamma for all: a penalty is (gamma / 2) (deviation)^2 per sample, added to D's loss as a mean over samples.
R1 and R2 are (gamma / 2) |grad D|^2 as in R3GAN and StyleGAN2. Where others write lambda (deviation)^2 without the half
(WGAN-GP, DRAGAN, LeCam, GAN_stability), lambda is half of our gamma: WGAN-GP's 10 is gamma 20.

A penalty with `every` n is due in one round of n, weighted n times as much then (lazy regularisation, Karras et al. 2020,
https://arxiv.org/abs/1912.04958, appendix B); `training.gradient_penalties` and `GAN.d_loss` apply both.
"""

from sparring.config import registry
from sparring.penalties.clipping import WeightClipping
from sparring.penalties.constraint import Constraint
from sparring.penalties.dragan import Dragan
from sparring.penalties.finite_difference import R1FD, R2FD, FiniteDifference
from sparring.penalties.gradient_penalty import GradientPenalty
from sparring.penalties.lecam import LeCam
from sparring.penalties.penalty import Critic, LogitPenalty, Penalty
from sparring.penalties.spectral_norm import SpectralNorm
from sparring.penalties.zero_centred import R1, R2

__all__ = [
    "R1",
    "R1FD",
    "R2",
    "R2FD",
    "Constraint",
    "Critic",
    "Dragan",
    "FiniteDifference",
    "GradientPenalty",
    "LeCam",
    "LogitPenalty",
    "Penalty",
    "SpectralNorm",
    "WeightClipping",
]

registry.import_all(__name__, __path__)
