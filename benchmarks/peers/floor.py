"""The floor: the matrix products and convolutions of a round alone, in PyTorch, as `sparring bench` counts them."""

import torch
from common import Losses, arguments, serve

from sparring import recipes
from sparring.bench.arithmetic import round_products
from sparring.bench.floor import build
from sparring.config import devices


def main() -> None:
    args = arguments(__doc__)
    devices.tune_process()
    recipe = recipes.get(args.recipe)
    floor = build(round_products(recipe, recipe.data.train()), torch.device("cpu"))

    def play(rounds: int) -> Losses:
        for round_ in range(rounds):
            floor.run(round_)
        return 0.0, 0.0

    serve(play, parameters=0, updates=lambda: 0)


if __name__ == "__main__":
    main()
