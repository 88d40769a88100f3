"""Sparring itself: rounds of a recipe, as `sparring train` plays them. Variant "bf16" sets its precision."""

from dataclasses import replace

import torch
from common import Losses, arguments, serve
from pictures_of import training_data

from sparring import recipes
from sparring.config import devices
from sparring.training.engine import Engine


def main() -> None:
    args = arguments(__doc__)
    devices.tune_process()
    recipe = recipes.get(args.recipe)
    if args.variant == "bf16":
        recipe = replace(recipe, precision="bf16")
    engine = Engine.build(recipe, training_data(recipe), args.seed, torch.device("cpu"))
    played = 0

    def play(rounds: int) -> Losses:
        nonlocal played
        readings = {}
        for _ in range(rounds):
            readings = engine.train_round(played)
            played += 1
        return float(readings["g_loss"]), float(readings["d_loss"])

    moves = {"MoveBoth": 2, "MoveD": 1, "MoveG": 1}
    per_round = sum(moves[type(move).__name__] for move in recipe.round.moves)
    parameters = sum(p.numel() for network in engine.gan.networks for p in network.parameters())
    serve(play, parameters, updates=lambda: played * per_round)


if __name__ == "__main__":
    main()
