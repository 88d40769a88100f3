"""Optimisers, and the exponential moving average of weights."""

from sparring.optim.adam import Adam, AdamOptimizer, StepClock
from sparring.optim.ema import EMA

__all__ = ["EMA", "Adam", "AdamOptimizer", "StepClock"]
