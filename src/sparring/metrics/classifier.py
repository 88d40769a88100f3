"""Metrics of a classifier's predictions: its confidence and diversity, and the shares of the classes."""

import math

import torch
from torch import Tensor

from sparring.errors import InputError, check
from sparring.metrics.samples import check_samples, widened


def classifier_score(logits: Tensor) -> float:
    """exp E KL(p(y|x) || p(y)) (Salimans et al. 2016, https://arxiv.org/abs/1606.03498, section 4).

    logits: [N, K], of the softmax p(y|x); p(y) is its mean over the samples. The score ranges from 1 (all predictions alike)
    to K (every prediction certain, all classes equally frequent). It is computed as exp(H(y) - E H(y|x)) from log
    probabilities, without an epsilon.
    Raises InputError if there is no sample, or a logit is not finite.
    """
    check_samples(logits, "logits")
    conditional, log_sums = 0.0, []
    for part in widened(logits):
        log_p = part.log_softmax(dim=1)
        conditional -= (log_p.exp() * log_p).sum().item() / len(logits)
        log_sums.append(log_p.logsumexp(dim=0))
    log_mean = torch.stack(log_sums).logsumexp(dim=0) - math.log(len(logits))  # [K]: ln p(y)
    information = -(log_mean.exp() * log_mean).sum().item() - conditional
    return min(max(math.exp(information), 1.0), float(logits.shape[1]))


def class_shares(logits: Tensor) -> Tensor:
    """The share of samples predicted as each class, by the largest logit: logits [N, K] to float64 [K].

    Raises InputError if there is no sample, or a logit is not finite.
    """
    check_samples(logits, "logits")
    return shares_of(logits.argmax(dim=1), logits.shape[1])


def shares_of(labels: Tensor, num_classes: int) -> Tensor:
    """The share of each class among labels int64 [N], as float64 [num_classes], summing to 1.

    Raises InputError if there is no label, or one lies outside 0 to num_classes - 1.
    """
    check(labels.ndim == 1 and labels.dtype == torch.int64, "labels", f"{labels.dtype} {list(labels.shape)}", "be int64 [N]")
    check(len(labels) >= 1, "the number of labels", 0, "be at least 1")
    outside = int(((labels < 0) | (labels >= num_classes)).sum())
    if outside:
        raise InputError(f"{outside} of {len(labels)} labels lie outside 0 to {num_classes - 1}")
    return labels.bincount(minlength=num_classes).double() / len(labels)


def entropy(shares: Tensor) -> float:
    """-sum p ln p of shares [K], in nats, with 0 ln 0 = 0: from 0 (a single class) to ln K (all classes equal).

    Raises InputError unless the shares are at least 0 and sum to 1.
    """
    good = bool((shares >= 0).all()) and abs(shares.sum().item() - 1) < 1e-5
    check(good, "shares", shares.tolist(), "be at least 0 and sum to 1")
    return torch.special.entr(shares.double()).sum().item()


def missing_classes(shares: Tensor, real_shares: Tensor, fraction: float = 0.1) -> int:
    """The number of classes with less than `fraction` of their real share; shares [K], real_shares [K].

    A class with a real share of 0 is never missing. Raises InputError if the numbers of classes differ.
    """
    check(shares.shape == real_shares.shape, "the shape of shares", list(shares.shape), f"be {list(real_shares.shape)}")
    return int((shares.double() < fraction * real_shares.double()).sum())
