"""Inversion: the z of a trained generator whose image is nearest to a given one, by Adam from the best of many starts."""

from sparring.inversion.prior import Prior
from sparring.inversion.search import Found, Scale, Search, invert, searched

__all__ = ["Found", "Prior", "Scale", "Search", "invert", "searched"]
