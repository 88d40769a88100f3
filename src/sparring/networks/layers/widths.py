"""Lists of widths, as recipes and files of unknown origin give them."""

from typing import Annotated

from sparring.config.ranges import Length, Range

MOST_LAYERS = 1000  # nobody wants more, and a file could ask for millions

Widths = Annotated[tuple[Annotated[int, Range(1)], ...], Length(1, MOST_LAYERS)]
OptionalWidths = Annotated[tuple[Annotated[int, Range(1)], ...], Length(0, MOST_LAYERS)]
