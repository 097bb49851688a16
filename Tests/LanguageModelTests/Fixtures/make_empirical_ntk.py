"""Makes empirical_ntk.json again: the tangent kernel of a small network, by PyTorch's automatic differentiation.

    python make_empirical_ntk.py

Points and weights are those of the file. Its kernel was made first by neural-tangents 0.6.5 (jax 0.4.25, float64), whose
three implementations agree to 9e-16; this script says by how much PyTorch's differs, and must be run in double precision.
"""

import json
from pathlib import Path

import torch

torch.set_default_dtype(torch.float64)
path = Path(__file__).with_name("empirical_ntk.json")
file = json.loads(path.read_text())
x, *weights = (torch.tensor(file[name]) for name in ("x", "W1", "b1", "W2", "b2"))


def outputs(W1, b1, W2, b2):
    return torch.erf(x @ W1 / 8**0.5 + b1) @ W2 / 6**0.5 + b2


jacobians = [j.flatten(2) for j in torch.autograd.functional.jacobian(outputs, tuple(weights))]
full = sum(torch.einsum("iap,jbp->ijab", j, j) for j in jacobians)
print("largest difference", float((full - torch.tensor(file["full"])).abs().max()))
