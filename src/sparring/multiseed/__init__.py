"""One recipe, many seeds: one run each, in processes of their own, and what all of them come to."""

from sparring.multiseed.summary import Failure, SeedRuns
from sparring.multiseed.task import Task
from sparring.multiseed.train_seeds import SeedsStopped, train_seeds

__all__ = ["Failure", "SeedRuns", "SeedsStopped", "Task", "train_seeds"]
