"""The floor: the matrix products and convolutions of a round alone, in PyTorch, as `sparring bench` counts them."""

import torch
from common import Losses, arguments, serve
from pictures_of import training_data

from sparring import recipes
from sparring.bench.arithmetic import round_products
from sparring.bench.floor import build
from sparring.config import devices
from sparring.training.settle import settle


def main() -> None:
    args = arguments(__doc__)
    devices.tune_process()
    recipe = recipes.get(args.recipe)
    data, device = training_data(recipe), torch.device("cpu")
    floor = build(round_products(settle(recipe, data, device).recipe, data), device)

    def play(rounds: int) -> Losses:
        for round_ in range(rounds):
            floor.run(round_)
        return 0.0, 0.0

    serve(play, parameters=0, updates=lambda: 0)


if __name__ == "__main__":
    main()
