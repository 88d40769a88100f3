"""Directions in z, for networks whose answer is known."""

import pytest
import torch

from sparring.directions import of_features, of_weight, principal_axes

RNG = torch.Generator().manual_seed(0)
Z = torch.randn(4000, 6, generator=RNG)
ALL = torch.ones(6)


def test_the_regression_of_z_on_linear_features_finds_what_moves_them_most():
    turned = torch.linalg.qr(torch.randn(6, 6, generator=RNG))[0]
    features = Z @ turned.T @ torch.diag(torch.tensor([5.0, 3.0, 1.0, 0, 0, 0]))
    found = of_features(Z, features, ALL, 8)
    assert len(found.vectors) == 3  # the others move nothing
    assert (found.vectors @ turned.T).abs().diagonal().tolist() == pytest.approx([1, 1, 1], abs=0.05)
    assert found.shares == pytest.approx([25 / 35, 9 / 35, 1 / 35], abs=0.02)
    largest = found.vectors.gather(1, found.vectors.abs().argmax(1, keepdim=True))
    assert (largest > 0).all()
    assert torch.allclose(of_features(0.5 * Z, features, ALL, 1).vectors.norm(), torch.tensor(0.5), atol=0.01)


def test_the_regression_holds_where_features_are_not_linear_and_mixed():
    weight = torch.randn(6, 20, generator=RNG)
    features = torch.nn.functional.leaky_relu(Z @ weight, 0.2)
    axis, vector = principal_axes(features)[1][0].float(), of_features(Z, features, ALL, 1).vectors[0]
    coordinate = (features - features.mean(0)) @ axis
    moved = (torch.nn.functional.leaky_relu((Z + vector) @ weight, 0.2) - features.mean(0)) @ axis
    others = [(torch.nn.functional.leaky_relu((Z + torch.eye(6)[i]) @ weight, 0.2) - features.mean(0)) @ axis for i in range(6)]
    assert (moved - coordinate).abs().mean() > max((other - coordinate).abs().mean() for other in others)


def test_classes_are_no_variation_and_stay_as_they_are():
    classes = torch.arange(len(Z)) % 2
    z = torch.cat([Z[:, :4], torch.eye(2)[classes]], 1)
    features = torch.stack([z[:, 0] + 100 * z[:, 5], 0.1 * z[:, 1]], 1)
    found = of_features(z, features, torch.tensor([1.0, 1, 1, 1, 0, 0]), 8, classes)
    assert found.vectors[0].abs().argmax() == 0
    assert not found.vectors[:, 4:].any()


def test_singular_directions_of_a_weight():
    left, right = (torch.linalg.qr(torch.randn(6, 6, generator=RNG))[0] for _ in range(2))
    weight = left @ torch.diag(torch.tensor([4.0, 2, 1, 0, 0, 0])) @ right.T
    found = of_weight(weight, ALL, 2.0, 2)
    assert (found.vectors @ right).abs()[:, :2].diagonal().tolist() == pytest.approx([2, 2], abs=1e-4)
    assert found.shares == pytest.approx([16 / 21, 4 / 21], abs=1e-3)
    assert not of_weight(weight, torch.tensor([1.0, 1, 1, 0, 0, 0]), 1.0, 6).vectors[:, 3:].any()


def test_one_sample_has_no_directions():
    with pytest.raises(ValueError, match="at least 2"):
        of_features(Z[:1], Z[:1], ALL, 1)
