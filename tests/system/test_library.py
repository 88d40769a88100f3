"""A notebook as a researcher would write it: own tensors, modules, loss and metric, and the run as objects."""

import subprocess
import sys

CELLS = [
    """
import torch
from torch import nn
from torch.nn.functional import relu
import sparring
""",
    """
rng = torch.Generator().manual_seed(0)
y, x = torch.meshgrid(torch.linspace(-1, 1, 16), torch.linspace(-1, 1, 16), indexing="ij")
labels = torch.randint(3, (600,), generator=rng)
radii = 0.2 + 0.25 * labels[:, None, None] + 0.05 * torch.rand(600, 1, 1, generator=rng)
rings = torch.exp(-50 * ((x**2 + y**2).sqrt() - radii) ** 2)  # floats within [0, 1]
data = sparring.data.of(torch.utils.data.TensorDataset(rings[:, None], labels), classes=["small", "middle", "large"])
""",
    """
class G(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(128, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 256))

    def forward(self, z):
        return torch.tanh(self.body(z)).view(-1, 1, 16, 16)

class D(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.body = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(512, 1))

    def forward(self, x):
        return self.body(x).squeeze(1)

def hinge(real, fake):
    return (relu(1 - real), relu(1 + fake)), -fake

hinge.probabilistic = False
""",
    """
settings = {"optim.lr": "1e-3", "optim.beta1": "0.5", "journal": '{"rounds": 10}', "batch_size": "50"}
run = sparring.train("vanilla", data=data, generator=G(), discriminator=D(), loss=hinge, rounds=200, out="run",
                     settings=settings, quiet=True)
run
""",
    "run.history[-1]['round'], all(r['d_real'] is None for r in run.history)",
    """
z = run.generator.z(num=64, seed=1).requires_grad_()
logits = run.discriminator(run.generator(z))
(gradient,) = torch.autograd.grad(logits.sum(), z)
tuple(logits.shape), gradient.abs().sum().item() > 0
""",
    """
def brightness(samples, real):
    return abs(samples.mean() - real.mean()).item()

untrained = sparring.train("vanilla", data=data, generator=G(), discriminator=D(), loss=hinge, rounds=1, out="untrained",
                           settings=settings, quiet=True)
how = {"metrics": [brightness], "num": 500, "draws": 3, "quiet": True}
before, after = (sparring.evaluate(r, **how)["brightness"] for r in (untrained, run))
after.high < before.low
""",
    """
longer = sparring.resume("run", data=data, generator=G(), discriminator=D(), loss=hinge, rounds=220, quiet=True)
loaded = sparring.load("run", generator=G())
longer.history[-1]["round"], torch.equal(loaded.sample(4), longer.sample(4))
""",
    """
try:
    sparring.resume("run", data=data, generator=D(), discriminator=D(), loss=hinge, rounds=230, quiet=True)
except sparring.errors.InputError as error:
    print(error)
""",
]

NOTEBOOK = f"""
import nbformat, nbclient
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in {CELLS!r}])
nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
for cell in book.cells:
    for output in cell.outputs:
        print(output.get("text") or sorted(output["data"]) * ("image/png" in output["data"]) or output["data"]["text/plain"])
"""


def test_a_researchers_notebook():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", NOTEBOOK], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    picture, history, gradients, metric, resumed, refused = done.stdout.strip().splitlines()
    assert "image/png" in picture
    assert history == "(200, True)"
    assert gradients == "((64,), True)"
    assert metric == "True"
    assert resumed == "(220, True)"
    assert refused.startswith("this generator is not the one of run: it is D (fingerprint")
