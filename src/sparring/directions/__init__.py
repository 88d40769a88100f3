"""Directions in z along which a trained generator's pictures change most, found without labels."""

from sparring.directions.latent import Directions, of_features, of_weight, principal_axes, singular_axes

__all__ = ["Directions", "of_features", "of_weight", "principal_axes", "singular_axes"]
