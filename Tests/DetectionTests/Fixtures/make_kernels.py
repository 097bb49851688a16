"""Makes kernels.json: kernels of infinitely wide networks and Gaussian posteriors by neural-tangents.

    pip install neural-tangents==0.6.5 jax==0.4.25 jaxlib==0.4.25 "numpy<2" "scipy<1.13"   # imports with no newer jax
    python make_kernels.py

Two of the five points are nearly parallel and of different length.
"""

import json
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
import neural_tangents as nt  # noqa: E402
from neural_tangents import stax  # noqa: E402

random = np.random.default_rng(7)
x = random.normal(size=(5, 8))
x[4] = 1.5 * x[0] + 0.05 * random.normal(size=8)

ACTIVATIONS = {
    "relu": stax.Relu, "erf": stax.Erf, "gelu": stax.Gelu, "gaussian": stax.Gaussian, "sin": stax.Sin,
}


def kernel(activation, depth, w2, b2):
    def dense(width):
        return stax.Dense(width, W_std=w2 ** 0.5, b_std=b2 ** 0.5 or None, parameterization="ntk")

    layers = [layer for _ in range(depth) for layer in (dense(8), ACTIVATIONS[activation]())]
    return stax.serial(*layers, dense(1))[2]


def values(activation, depth, w2, b2):
    both = kernel(activation, depth, w2, b2)(x, None, ("nngp", "ntk"))
    return {
        "activation": activation, "depth": depth, "w2": w2, "b2": b2,
        "nngp": np.asarray(both.nngp).tolist(), "ntk": np.asarray(both.ntk).tolist(),
    }


kernels = [
    values(activation, depth, w2, b2)
    for activation in ACTIVATIONS for depth in (1, 2, 3, 4) for w2, b2 in ((2.0, 0.0), (2.25, 0.01))
]
y = np.array([[1.0], [-1.0], [0.5]])
noise = 0.01
predict = nt.predict.gp_inference(
    kernel("erf", 2, 2.25, 0.01)(x[:3], None, ("nngp", "ntk")), y, diag_reg=noise,
    diag_reg_absolute_scale=True)
posterior = predict(
    get="nngp", k_test_train=kernel("erf", 2, 2.25, 0.01)(x[3:], x[:3], ("nngp", "ntk")),
    k_test_test=kernel("erf", 2, 2.25, 0.01)(x[3:], None, ("nngp", "ntk")).nngp)
path = Path(__file__).with_name("kernels.json")
path.write_text(json.dumps({
    "x": x.tolist(), "kernels": kernels,
    "posterior": {
        "y": y[:, 0].tolist(), "noise": noise, "mean": np.asarray(posterior.mean)[:, 0].tolist(),
        "covariance": np.asarray(posterior.covariance).tolist(),
    },
}, separators=(",", ":")) + "\n")
