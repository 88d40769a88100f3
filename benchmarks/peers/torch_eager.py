"""Plain eager PyTorch: float images in memory, `torch.nn` layers, `torch.optim.Adam`, one `backward` a network.

The same as in Sparring: networks, initial values, batches, moves and their z, number of updates. Not the same: Adam's epsilon
stands beside the corrected root, as PyTorch has it; G's move also takes the gradient of D's weights, which nobody reads, as
plain loops do. Denormal numbers are flushed to zero, which few plain loops do: without it this peer slows down as it trains.
Variants: "fused" is Adam's fused kernel, "channels-last" the memory format of the convolutions.
"""

import torch
from common import NUMBERS, Losses, arguments, batches, load, serve
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch_players import players, share_the_clock, updates


def towards(target: float, logits: Tensor) -> Tensor:
    """The mean cross-entropy of logits to a target."""
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


class Loop:
    """A tutorial's loop; every round returns g_loss and d_loss."""

    def __init__(self, recipe: str, g: nn.Module, d: nn.Module, fused: bool):
        self.recipe, self.numbers, self.g, self.d = recipe, NUMBERS[recipe], g, d
        betas = (self.numbers.beta1, self.numbers.beta2)
        self.g_adam = torch.optim.Adam(g.parameters(), self.numbers.lr, betas, fused=fused or None)
        self.d_adam = torch.optim.Adam(d.parameters(), self.numbers.lr, betas, fused=fused or None)

    def z(self) -> Tensor:
        shape = self.numbers.batch, self.numbers.num_z
        return torch.rand(shape) * 2 - 1 if self.recipe == "upsample" else torch.randn(shape)

    def play(self, real: Tensor) -> tuple[Tensor, Tensor]:
        match self.recipe:
            case "vanilla":
                z = self.z()
                share_the_clock(self.g_adam, self.d_adam, self.numbers.lr)
                return self.move_g(z), self.move_d(real, z)
            case "paper":
                z = self.z()
                d_loss = self.move_d(real, z)
                return self.move_g(z), d_loss
            case "dropout-mlp":
                d_loss = self.move_d(real, self.z())
                return self.move_g(self.z()), d_loss
            case "dcgan":
                return self.move_both(real, self.z())
            case _:
                d_loss = self.move_d_jointly(real, self.z())
                return [self.move_g(self.z()) for _ in range(5)][-1], d_loss

    def move_g(self, z: Tensor) -> Tensor:
        self.g_adam.zero_grad()
        g_loss = towards(1, self.d(self.g(z)))
        g_loss.backward()
        self.g_adam.step()
        return g_loss

    def move_d(self, real: Tensor, z: Tensor) -> Tensor:
        self.d_adam.zero_grad()
        d_loss = towards(1, self.d(real)) + towards(0, self.d(self.g(z).detach()))
        d_loss.backward()
        self.d_adam.step()
        return d_loss

    def move_d_jointly(self, real: Tensor, z: Tensor) -> Tensor:
        """One batch of real images, towards 0.9, and of fakes from G in inference mode."""
        self.g.eval()
        with torch.no_grad():
            fake = self.g(z)
        self.g.train()
        self.d_adam.zero_grad()
        real_logits, fake_logits = self.d(torch.cat((real, fake))).chunk(2)
        d_loss = (towards(0.9, real_logits) + towards(0, fake_logits)) / 2
        d_loss.backward()
        self.d_adam.step()
        return d_loss

    def move_both(self, real: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """One forward pass, both gradients from it, then both updates."""
        fake_logits = self.d(self.g(z))
        g_loss = towards(1, fake_logits)
        d_loss = towards(1, self.d(real)) + towards(0, fake_logits)
        self.g_adam.zero_grad()
        self.d_adam.zero_grad()
        g_loss.backward(retain_graph=True, inputs=list(self.g.parameters()))
        d_loss.backward(inputs=list(self.d.parameters()))
        self.g_adam.step()
        self.d_adam.step()
        return g_loss, d_loss


def main() -> None:
    args = arguments(__doc__)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    g, d = players(args.recipe)
    if args.variant == "channels-last":
        g, d = (network.to(memory_format=torch.channels_last) for network in (g, d))  # pyright: ignore[reportCallIssue]
    loop = Loop(args.recipe, g, d, fused=args.variant == "fused")
    images = torch.from_numpy(load(loop.numbers, args.images))
    if not loop.numbers.widths:
        images = images.view(-1, 1, 28, 28)
    order = batches(loop.numbers, len(images), args.seed)

    def play(rounds: int) -> Losses:
        g_loss = d_loss = torch.zeros(())
        for _ in range(rounds):
            g_loss, d_loss = loop.play(images[torch.from_numpy(next(order))])
        return g_loss.item(), d_loss.item()

    parameters = sum(p.numel() for network in (g, d) for p in network.parameters())
    serve(play, parameters, lambda: updates(loop.g_adam) + updates(loop.d_adam))


if __name__ == "__main__":
    main()
