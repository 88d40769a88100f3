"""Sparring beside a plain eager PyTorch loop of the same mathematics: time a round, interleaved, and peak memory.

    python benchmarks/eager_loop.py [--recipes vanilla dcgan] [--repeats 7]

The plain loop is what a careful user writes: float images in memory, `torch.nn` layers, `torch.optim.Adam`, one `backward` a
network. It counts rounds of the same batch, networks and number of updates.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median, quantiles

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, pad

from sparring import devices, recipes
from sparring.engine import Engine

Step = Callable[[Tensor], None]
CHUNKS = {"vanilla": 100, "paper": 60, "dropout-mlp": 60, "dcgan": 3}


def mlp(sizes: list[int], activation: Callable[[], nn.Module], dropout: float, last: nn.Module) -> nn.Sequential:
    layers: list[nn.Module] = []
    for num_in, num_out in pairwise(sizes[:-1]):
        layers += [nn.Linear(num_in, num_out), activation(), nn.Dropout(dropout)][: 3 if dropout else 2]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]), last)


class SameConv(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(pad(input, (1, 2, 1, 2)))


class Crop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :-1, :-1]


def dcgan_players() -> tuple[nn.Module, nn.Module]:
    def norm(channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)

    generator = nn.Sequential(
        *(nn.Linear(100, 3136, bias=False), nn.BatchNorm1d(3136, eps=1e-3, momentum=0.01), nn.ReLU()),
        *(nn.Unflatten(1, (64, 7, 7)), nn.ConvTranspose2d(64, 64, 5, padding=2, bias=False), norm(64), nn.ReLU()),
        *(nn.ConvTranspose2d(64, 32, 5, 2, padding=1, bias=False), Crop(), norm(32), nn.ReLU()),
        *(nn.ConvTranspose2d(32, 1, 5, 2, padding=1, bias=False), Crop(), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(SameConv(1, 64, 5, 2), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        *(SameConv(64, 128, 5, 2), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        *(nn.Flatten(), nn.Linear(6272, 1)),
    )
    return generator, discriminator


def players(name: str) -> tuple[nn.Module, nn.Module]:
    if name == "dcgan":
        return dcgan_players()
    if name == "dropout-mlp":
        g = mlp([100, 256, 256, 784], nn.ReLU, 0.1, nn.Tanh())
        return g, mlp([784, 256, 256, 1], nn.LeakyReLU, 0.1, nn.Identity())
    num_z, hidden = (128, 256) if name == "vanilla" else (256, 512)
    return mlp([num_z, hidden, 784], nn.ReLU, 0, nn.Sigmoid()), mlp([784, hidden, 1], nn.ReLU, 0, nn.Identity())


def real_loss(logits: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def fake_loss(logits: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))


def plain_round(name: str) -> Callable[[Tensor], None]:
    """One round of a tutorial's loop, written without Sparring."""
    g, d = players(name)
    lr, num_z = (1e-4, 100) if name == "dcgan" else (2e-4, {"vanilla": 128, "paper": 256}.get(name, 100))
    g_adam, d_adam = torch.optim.Adam(g.parameters(), lr), torch.optim.Adam(d.parameters(), lr)

    def step_g(z: Tensor) -> None:
        g_adam.zero_grad()
        real_loss(d(g(z))).backward()
        g_adam.step()

    def step_d(real: Tensor, z: Tensor) -> None:
        d_adam.zero_grad()
        (real_loss(d(real)) + fake_loss(d(g(z).detach()))).backward()
        d_adam.step()

    def step_both(real: Tensor, z: Tensor) -> None:
        fake_logits = d(g(z))
        g_gradients = torch.autograd.grad(real_loss(fake_logits), list(g.parameters()), retain_graph=True)
        d_adam.zero_grad()
        (real_loss(d(real)) + fake_loss(fake_logits)).backward(inputs=list(d.parameters()))
        for p, gradient in zip(g.parameters(), g_gradients, strict=True):
            p.grad = gradient
        g_adam.step()
        d_adam.step()

    def play(real: Tensor) -> None:
        z = torch.randn(len(real), num_z)
        if name == "dcgan":
            step_both(real, z)
        elif name == "vanilla":
            step_g(z)
            step_d(real, z)
        else:
            step_d(real, z)
            step_g(z if name == "paper" else torch.randn(len(real), num_z))

    return play


def plain_loop(name: str) -> Callable[[int], None]:
    recipe = recipes.get(name)
    data = recipe.data.train()
    images = data.batch(torch.arange(len(data)))
    images = images if name == "dcgan" else images.flatten(1)
    images = (images + 1) / 2 if name in ("vanilla", "paper") else images
    play = plain_round(name)

    def rounds(count: int) -> None:
        for _ in range(count):
            play(images[torch.randint(len(images), (recipe.batch_size,))])

    return rounds


def sparring_loop(name: str) -> Callable[[int], None]:
    recipe = recipes.get(name)
    engine = Engine.build(recipe, recipe.data.train(), 0, torch.device("cpu"))
    done = 0

    def rounds(count: int) -> None:
        nonlocal done
        for _ in range(count):
            engine.play(done)
            done += 1

    return rounds


LOOPS = {"plain": plain_loop, "sparring": sparring_loop}


def timed(rounds: Callable[[int], None], count: int) -> float:
    start = time.perf_counter()
    rounds(count)
    return 1000 * (time.perf_counter() - start) / count


def compare(name: str, repeats: int) -> dict[str, list[float]]:
    """Milliseconds a round of both loops, measured in turns after a warm-up."""
    loops = {label: make(name) for label, make in LOOPS.items()}
    for rounds in loops.values():
        rounds(CHUNKS[name])
    times: dict[str, list[float]] = {label: [] for label in loops}
    for _ in range(repeats):
        for label, rounds in loops.items():
            times[label].append(timed(rounds, CHUNKS[name]))
    return times


def peak_mib(label: str, name: str) -> float:
    """Peak resident memory of one loop in a process of its own."""
    code = f"import eager_loop as e; e.LOOPS[{label!r}]({name!r})(20); print(e.rss_mib())"
    out = subprocess.run([sys.executable, "-c", code], cwd=sys.path[0], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def rss_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=list(CHUNKS), choices=list(CHUNKS))
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    devices.flush_denormals()  # for both loops
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads; ms a round, median (quartiles); peak MiB")
    # memory first: a child's peak starts at what its parent holds
    peaks = {(label, name): peak_mib(label, name) for name in args.recipes for label in LOOPS}
    for name in args.recipes:
        times = compare(name, args.repeats)
        for label, values in times.items():
            low, _, high = quantiles(values, n=4)
            print(f"{name:<12} {label:<9} {median(values):8.2f} ({low:.2f} to {high:.2f})  {peaks[label, name]:6.0f} MiB")
        ratios = [ours / plain for plain, ours in zip(times["plain"], times["sparring"], strict=True)]
        print(f"{name:<12} ratio     {median(ratios):8.2f}", flush=True)


if __name__ == "__main__":
    main()
