"""Sparring: two networks in friendly competition, and an honest word on whether the result is any good."""

__version__ = "0.1.0"
