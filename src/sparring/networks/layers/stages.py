"""Sizes of images that networks build by doubling a small map."""

from sparring.errors import InputError

SMALLEST = 4  # pixels of the shorter side of the map at which halving ends
STEP, LEAST, MOST = 16, 32, 256  # sides of images


def stages(shape: tuple[int, ...], network: str) -> tuple[tuple[int, int], int]:
    """Height and width of the smallest map, and the number of doublings from it to images [C, H, W].

    The image is halved for as long as both sides come out even and no side is below 4 pixels: 64 x 64 begins with 4 x 4,
    48 x 96 with 6 x 12, and 28 x 28 with 7 x 7. InputError unless it is 28 x 28, or both sides are multiples of 16 from 32 to
    256.
    """
    sides = shape[1:]
    good = len(shape) == 3 and (sides == (28, 28) or all(side % STEP == 0 and LEAST <= side <= MOST for side in sides))
    if not good:
        rule = f"images of 28 x 28 pixels, or of sides that are multiples of {STEP} from {LEAST} to {MOST}"
        raise InputError(f"{network} needs {rule}, but the data's shape is {list(shape)}")
    height, width = sides
    num = 0
    while height % 2 == width % 2 == 0 and min(height, width) >= 2 * SMALLEST:
        height, width, num = height // 2, width // 2, num + 1
    return (height, width), num
