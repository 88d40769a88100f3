"""Sizes of images that networks build by doubling a small map."""

from sparring.errors import InputError

SIZES = {28: (7, 2), 32: (4, 3), 64: (4, 4), 128: (4, 5), 256: (4, 6)}
"""Pixels of an image: those of the smallest map, and how often it is doubled."""


def stages(shape: tuple[int, ...], network: str) -> tuple[int, int]:
    """Pixels of the smallest map and the number of doublings, for images [C, size, size]; InputError for another size."""
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise InputError(f"{network} needs square images of {sizes} pixels, but the data's shape is {list(shape)}")
    return SIZES[shape[1]]
