"""One recipe, many seeds: one run each, in processes of their own, and what all of them come to."""

from sparring.population.summary import Failure, Population
from sparring.population.task import Task
from sparring.population.together import Stopped, train

__all__ = ["Failure", "Population", "Stopped", "Task", "train"]
