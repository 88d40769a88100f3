"""Clusters by k-means on principal components, against naive formulas."""

import pytest
import torch
from torch import Tensor

from sparring.conditions.clusters import Clusters, features_of, k_means, nearest


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blobs(num: int = 600, std: float = 0.02) -> tuple[Tensor, Tensor]:
    """Points of six far, tight groups in five dimensions, and the group of each."""
    centres = 10 * torch.eye(6, 5, dtype=torch.float64)
    group = torch.arange(num) % 6
    return centres[group] + std * torch.randn(num, 5, generator=rng(1), dtype=torch.float64), group


def test_the_nearest_centre_is_that_of_the_least_distance():
    points, centres = torch.randn(50, 4, generator=rng()), torch.randn(7, 4, generator=rng(1))
    distances = [[(point - centre).square().sum().item() for centre in centres] for point in points]
    assert nearest(points, centres).tolist() == [min(range(7), key=row.__getitem__) for row in distances]


@pytest.mark.parametrize("seed", range(5))
def test_every_far_group_has_its_centre_at_its_mean(seed):
    points, group = blobs()
    centres = k_means(points, 6, rng(seed))
    means = torch.stack([points[group == each].mean(0) for each in range(6)])
    assert torch.cdist(means, centres).min(1).values.max() < 1e-9


def test_more_centres_than_groups_leave_no_group_without_one():
    points, group = blobs()
    assigned = nearest(points, k_means(points, 20, rng()))
    for centre in range(20):
        assert len(group[assigned == centre].unique()) <= 1


def test_fewer_places_than_centres_leave_some_empty():
    points = torch.tensor([[0.0], [1.0]], dtype=torch.float64).repeat(10, 1)
    centres = k_means(points, 5, rng())
    assert centres.shape == (5, 1)
    assert centres.isfinite().all()
    assert sorted(torch.bincount(nearest(points, centres), minlength=5).tolist()) == [0, 0, 0, 10, 10]


def test_the_components_are_those_of_the_largest_variance():
    features = torch.randn(400, 6, generator=rng(), dtype=torch.float64) * torch.tensor([0.1, 3, 0.2, 5, 0.1, 1])
    found = Clusters.of(features, 4, 3, rng())
    _, _, axes = torch.linalg.svd(features - features.mean(0), full_matrices=False)
    inner = (axes[:3].float() @ found.basis).abs()
    torch.testing.assert_close(inner, torch.eye(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.mean, features.mean(0).float())


def test_with_all_components_clusters_are_those_of_the_features():
    points, group = blobs()
    found = Clusters.of(points, 6, 50, rng())
    assert found.basis.shape == (5, 5)
    assigned = found.assign(points)
    assert len({(a, b) for a, b in zip(assigned.tolist(), group.tolist(), strict=True)}) == 6
    assert torch.equal(torch.cat([found.assign(part) for part in points.split(7)]), assigned)


def test_the_same_stream_gives_the_same_clusters_and_another_one_others():
    points, _ = blobs(std=3.0)
    one, again, other = (Clusters.of(points, 9, 3, rng(seed)) for seed in (2, 2, 3))
    assert torch.equal(one.centres, again.centres)
    assert not torch.equal(one.centres, other.centres)


def test_clusters_in_another_order():
    points, _ = blobs()
    found, order = Clusters.of(points, 6, 5, rng()), torch.tensor([3, 1, 2, 0, 5, 4])
    assert torch.equal(order[found.in_order(order).assign(points)], found.assign(points))


@pytest.mark.parametrize(("shape", "num"), [((3, 64, 48), 3 * 16 * 16), ((1, 8, 28), 8 * 16), ((2,), 2)])
def test_large_pictures_are_averaged_down(shape, num):
    examples = torch.randn(4, *shape, generator=rng())
    found = features_of(examples)
    assert found.shape == (4, num)
    if shape == (3, 64, 48):
        assert found[1, 0].item() == pytest.approx(examples[1, 0, :4, :3].mean().item(), abs=1e-5)
