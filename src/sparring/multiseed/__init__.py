"""One recipe, many seeds: one run each, in processes of their own, and what all of them come to."""

from sparring.multiseed.summary import Failure, Population
from sparring.multiseed.task import Task
from sparring.multiseed.train_seeds import Stopped, train

__all__ = ["Failure", "Population", "Stopped", "Task", "train"]
