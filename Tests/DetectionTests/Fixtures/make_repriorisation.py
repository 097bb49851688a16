"""Makes repriorisation.json again: energies and gradients of a head's posterior, by PyTorch's automatic differentiation.

    python make_repriorisation.py

Points, targets and coordinates are those of the file. Its numbers were made first by the code of arXiv 2206.07673
(google/wide_bnn_sampling, jax 0.4.25, float64); this script says by how much PyTorch's differ, relative to the largest.
"""

import json
import math
from pathlib import Path

import torch

torch.set_default_dtype(torch.float64)
file = json.loads(Path(__file__).with_name("repriorisation.json").read_text())
x, y = torch.tensor(file["x"]), torch.tensor(file["y"], dtype=torch.float64)
width, noise = file["width"], file["noise"]
inputs = x.shape[1]


def energy(phi, repriorised):
    W1, b1, out = phi[: inputs * width].view(inputs, width), phi[inputs * width : -width - 1], phi[-width - 1 :]
    hidden = torch.nn.functional.gelu(2**0.5 * x @ W1 / inputs**0.5 + 0.1 * b1)
    psi = torch.cat([hidden / width**0.5, torch.full((len(x), 1), 0.1)], 1)
    log_det = torch.zeros(())
    if repriorised:
        R = torch.linalg.cholesky(psi.T @ psi + noise**2 * torch.eye(width + 1), upper=True)
        inner = noise * out + torch.linalg.solve_triangular(R.T, (psi.T @ y)[:, None], upper=False)[:, 0]
        out = torch.linalg.solve_triangular(R, inner[:, None], upper=True)[:, 0]
        log_det = (math.log(noise) - torch.log(torch.diagonal(R))).sum()
    theta = torch.cat([phi[: -width - 1], out])
    fit = ((y - psi @ out) ** 2 - noise**2) / noise**2
    return 0.5 * (theta**2 - 1).sum() + 0.5 * fit.sum() - log_det


for name in ("plain", "repriorised"):
    phi = torch.tensor(file["phi"], requires_grad=True)
    value = energy(phi, name == "repriorised")
    value.backward()
    gradient = torch.tensor(file[name]["gradient"])
    print(name, float(abs(value.detach() / file[name]["energy"] - 1)),
          float((phi.grad - gradient).abs().max() / gradient.abs().max()))
