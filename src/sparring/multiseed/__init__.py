"""One recipe with many seeds: a run for each seed, and statistics over all of them."""

from sparring.multiseed.summary import Failure, SeedRuns
from sparring.multiseed.task import Task
from sparring.multiseed.train_seeds import SeedsStopped, train_seeds

__all__ = ["Failure", "SeedRuns", "SeedsStopped", "Task", "train_seeds"]
