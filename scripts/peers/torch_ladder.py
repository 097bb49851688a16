#!/usr/bin/env python3
"""One process of a sweep in PyTorch: trains the shapes it is given on standard input, one after the other.

A line holds a shape such as 2x64x4; the answer is a line of JSON with the seconds of its steps. The first step,
in which torch.compile compiles, is apart.
"""
import argparse, json, os, sys, time
import work

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--sequences", type=int, default=16)
parser.add_argument("--context", type=int, default=128)
parser.add_argument("--vocabulary", type=int, default=1024)
parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32")
parser.add_argument("--threads", type=int, default=1)
options = parser.parse_args()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(options.threads)

import torch
from torch_model import Training

torch.set_num_threads(options.threads)
torch.manual_seed(0)

for line in sys.stdin:
    shape = work.Shape(line.strip())
    torch._dynamo.reset()  # every shape is compiled for itself, as in a process of its own
    training = Training(shape, options.vocabulary, options.context, options.sequences, options.mode, options.dtype)
    times = []
    for _ in range(options.steps):
        start = time.perf_counter()
        loss = training.step(*training.batch())
        times.append(time.perf_counter() - start)
    print(json.dumps({
        "shape": shape.text, "first_seconds": times[0], "rest_seconds": sum(times[1:]), "steps": len(times),
        "loss": loss, "peak_memory_mib": work.peak_memory_mib(),
        "version": f"torch {torch.__version__.split('+')[0]}"}), flush=True)
