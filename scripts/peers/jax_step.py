#!/usr/bin/env python3
"""JAX, jit-compiled, on the work of `kglab bench train`; one line of JSON.

  jax_step.py --shape 2x64x4 --dtype bf16

XLA takes as many threads as the process may use processors, so that --threads sets the affinity.
"""
import argparse, os, time
import work

parser = argparse.ArgumentParser()
work.add_options(parser)
options = parser.parse_args()
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np

shape = work.Shape(options.shape)
context, vocabulary, sequences = options.context, options.vocabulary, options.sequences
product_type = jnp.bfloat16 if options.dtype == "bf16" else jnp.float32
random = np.random.default_rng(0)


def matrix(rows, columns):
    return jnp.asarray(random.normal(0, 0.02, (rows, columns)), jnp.float32)


def initial_parameters():
    width, hidden = shape.width, shape.hidden
    blocks = [{
        "attention_norm": jnp.ones(width), "qkv": matrix(width, 3 * width), "out": matrix(width, width),
        "feed_forward_norm": jnp.ones(width), "gate_up": matrix(width, 2 * hidden), "down": matrix(hidden, width),
    } for _ in range(shape.layers)]
    return {"embedding": matrix(vocabulary, width), "blocks": blocks, "norm": jnp.ones(width)}


half = shape.head_width // 2
angles = np.arange(context)[:, None] * 10_000.0 ** (-np.arange(half) / half)
cosines, sines = jnp.asarray(np.cos(angles), jnp.float32), jnp.asarray(np.sin(angles), jnp.float32)
causal = jnp.tril(jnp.ones((context, context), bool))


def norm(x, weight):
    x = x.astype(jnp.float32)
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6) * weight


def product(x, weight):
    return x.astype(product_type) @ weight.astype(product_type)


def rotate(x):
    first, second = jnp.split(x.astype(jnp.float32), 2, -1)
    turned = (first * cosines - second * sines, second * cosines + first * sines)
    return jnp.concatenate(turned, -1).astype(product_type)


def attend(x, block):
    batch = x.shape[0]
    qkv = product(norm(x, block["attention_norm"]), block["qkv"])
    qkv = qkv.reshape(batch, context, 3, shape.heads, shape.head_width)
    q, k, v = jnp.moveaxis(qkv, (2, 3), (0, 2))
    scores = jnp.einsum("bhqd,bhkd->bhqk", rotate(q), rotate(k)).astype(jnp.float32)
    weights = jax.nn.softmax(jnp.where(causal, scores / np.sqrt(shape.head_width), -1e30), -1)
    out = jnp.einsum("bhqk,bhkd->bhqd", weights.astype(product_type), v)
    return product(out.swapaxes(1, 2).reshape(batch, context, shape.width), block["out"])


def feed(x, block):
    gate, up = jnp.split(product(norm(x, block["feed_forward_norm"]), block["gate_up"]), 2, -1)
    return product(jax.nn.silu(gate) * up, block["down"])


def loss_of(parameters, inputs, targets):
    x = parameters["embedding"][inputs]
    for block in parameters["blocks"]:
        x = x + attend(x, block)
        x = x + feed(x, block)
    logits = product(norm(x, parameters["norm"]), parameters["embedding"].T).astype(jnp.float32)
    chosen = jnp.take_along_axis(logits, targets[..., None], -1)[..., 0]
    return jnp.mean(jax.nn.logsumexp(logits, -1) - chosen)


def update(state, inputs, targets):
    """Forward, backward and AdamW as torch has it (0.9, 0.95, decay 0.1, rate 3e-4)."""
    parameters, first, second, count = state
    loss, gradients = jax.value_and_grad(loss_of)(parameters, inputs, targets)
    count = count + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.95 * v + 0.05 * g * g, second, gradients)

    def move(p, m, v):
        return p - 3e-4 * ((m / (1 - 0.9 ** count)) / (jnp.sqrt(v / (1 - 0.95 ** count)) + 1e-8) + 0.1 * p)

    return (jax.tree.map(move, parameters, first, second), first, second, count), loss


parameters = initial_parameters()
parameter_count = sum(leaf.size for leaf in jax.tree.leaves(parameters))
state = (parameters, jax.tree.map(jnp.zeros_like, parameters), jax.tree.map(jnp.zeros_like, parameters),
         jnp.float32(0))
del parameters
compiled = jax.jit(update, donate_argnums=0)
loss = None


def step():
    global state, loss
    tokens = random.integers(0, vocabulary, (sequences, context + 1)).astype(np.int32)
    inputs, targets = tokens[:, :-1].copy(), tokens[:, 1:].copy()
    start = time.perf_counter()
    state, loss = compiled(state, inputs, targets)
    jax.block_until_ready((state, loss))
    return time.perf_counter() - start


first, times = work.timed(step, options.seconds)
work.report(sequences * context, first, times, version=f"jax {jax.__version__}", loss=float(loss),
            parameter_count=parameter_count)
