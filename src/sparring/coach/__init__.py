"""The coach: reads a run's journal as it grows, and warns in plain words when training goes wrong, once for each cause."""

from sparring.coach.coach import Coach, Remark
from sparring.coach.signs import SIGNS, Sign

__all__ = ["SIGNS", "Coach", "Remark", "Sign"]
