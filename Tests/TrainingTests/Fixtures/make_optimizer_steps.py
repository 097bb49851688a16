"""Makes optimizer_steps.json: what torch's SGD with momentum and transformers' Adafactor make of 24 values in four steps.

pip install torch transformers; python make_optimizer_steps.py > optimizer_steps.json
Values and gradients follow a formula of index and step, in double precision, so that both sides can make them.
"""
import json, math, torch
from transformers.optimization import Adafactor

COUNT, STEPS = 24, 4


def start():
    return torch.tensor([math.sin(1.7 * i + 0.3) * 0.2 for i in range(COUNT)], dtype=torch.float64)


def gradient(step):
    return torch.tensor(
        [math.cos(2.3 * i + 0.9 * step) * (0.5 + 0.1 * step) * (1 + i % 5) for i in range(COUNT)], dtype=torch.float64)


def optimizer(name, parameter, rate):
    if name == "sgd":
        return torch.optim.SGD([parameter], lr=rate, momentum=0.9)
    return Adafactor(
        [parameter], lr=rate, scale_parameter=True, relative_step=False, warmup_init=False, beta1=None,
        decay_rate=-0.8, clip_threshold=1.0, eps=(1e-30, 1e-3))


def case(name, shape, rate):
    parameter = torch.nn.Parameter(start().reshape(shape).clone())
    rule = optimizer(name, parameter, rate)
    for step in range(STEPS):
        parameter.grad = gradient(step).reshape(shape)
        rule.step()
    values = [round(value, 9) for value in parameter.detach().reshape(-1).tolist()]
    return {"optimizer": name, "shape": list(shape), "rate": rate, "values": values}


cases = [case(name, shape, rate) for shape in [(6, 4), (24,)] for name, rate in [("sgd", 0.03), ("adafactor", 0.05)]]
print(json.dumps(cases, indent=1))
