"""The floor: the matrix products and convolutions of a round alone, in PyTorch, as `sparring bench` counts them."""

import torch
from common import Losses, arguments, serve

from sparring import recipes
from sparring.bench import floor
from sparring.config import devices


def main() -> None:
    args = arguments(__doc__)
    devices.tune_process()
    recipe = recipes.get(args.recipe)
    products, _ = floor.round_products(recipe, recipe.data.train())
    lowest = floor.build(products, torch.device("cpu"))

    def play(rounds: int) -> Losses:
        for _ in range(rounds):
            lowest.run()
        return 0.0, 0.0

    serve(play, parameters=0, updates=lambda: 0)


if __name__ == "__main__":
    main()
