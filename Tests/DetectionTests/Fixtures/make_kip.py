"""Makes kip.json again: loss, gradients and label solve of kernel inducing points, by PyTorch's automatic differentiation.

    python make_kip.py

Points and targets are those of the file. Its numbers were made first with neural-tangents 0.6.5 (jax 0.4.25, float64);
this script says by how much PyTorch's differ.
"""

import json
from pathlib import Path

import torch

torch.set_default_dtype(torch.float64)
path = Path(__file__).with_name("kip.json")
file = json.loads(path.read_text())
support = torch.tensor(file["support"], requires_grad=True)
y_support = torch.tensor(file["y_support"], requires_grad=True)
targets, y_target = torch.tensor(file["targets"]), torch.tensor(file["y_target"])
W2, B2 = 2.0, 0.01


def ntk(x, z, same):
    a = (W2 * (x * x).sum(1) / x.shape[1] + B2)[:, None]
    c = (W2 * (z * z).sum(1) / z.shape[1] + B2)[None, :]
    b = W2 * x @ z.T / x.shape[1] + B2
    eye = torch.eye(len(x)) if same else torch.zeros(len(x), len(z))
    # A point with itself: the root is 0, and its slope infinite.
    p = torch.sqrt(torch.where(eye > 0, torch.ones_like(b), a * c - b * b)) * (1 - eye)
    angle = torch.where(eye > 0, torch.zeros_like(b), torch.atan2(p + eye, b))
    slope = 0.5 - 0.5 * angle / torch.pi
    value = 0.5 * p / torch.pi + slope * b
    return W2 * value + B2 + W2 * slope * b


def loss(x, y):
    own = ntk(x, x, True)
    matrix = own + 1e-6 * own.trace() / len(x) * torch.eye(len(x))
    prediction = ntk(targets, x, False) @ torch.linalg.solve(matrix, y)
    return 0.5 * ((y_target - prediction) ** 2).mean(), matrix


value, matrix = loss(support, y_support)
value.backward()
phi = ntk(targets, support, False) @ torch.linalg.inv(matrix)
solved = torch.linalg.pinv(phi) @ y_target
for name, found in {
    "loss": value, "gradient_x": support.grad, "gradient_y": y_support.grad, "label_solve": solved,
    "loss_label_solve": loss(support, solved)[0],
}.items():
    print(name, float((found - torch.tensor(file[name])).abs().max()))
