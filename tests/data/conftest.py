import math
import struct

import pytest


def encode_idx(sizes, values=None, magic=None):
    """An IDX file's bytes: the magic of so many axes, the sizes, the values (by default 0, 1, 2 ...)."""
    magic = 2048 + len(sizes) if magic is None else magic
    values = bytes(i % 256 for i in range(math.prod(sizes))) if values is None else bytes(values)
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + values


@pytest.fixture(scope="session")
def encode():
    return encode_idx


@pytest.fixture
def four_files():
    """A tiny data set under MNIST's names: 5 training and 3 test images of 2 x 3 pixels."""
    return {
        "train-images-idx3-ubyte": encode_idx([5, 2, 3]),
        "train-labels-idx1-ubyte": encode_idx([5], [0, 1, 2, 1, 0]),
        "t10k-images-idx3-ubyte": encode_idx([3, 2, 3]),
        "t10k-labels-idx1-ubyte": encode_idx([3], [3, 1, 0]),
    }
