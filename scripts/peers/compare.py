#!/usr/bin/env python3
"""Training speed of kglab beside PyTorch's on the same work, interleaved in one run.

  python3 -m venv .venv-peers && .venv-peers/bin/pip install torch
  .venv-peers/bin/python scripts/peers/compare.py [--rounds 5] [--shapes 1x32x2,2x64x4] [--regime lab|wide]

Each round runs every candidate once, so that a slow minute hits all of them. The number is tokens a second of
forward, backward and update; the ratio is kglab's best precision over PyTorch's best mode. PyTorch gets a malloc
that keeps its pages, which makes it up to ten times faster than the default one.
"""
import argparse, json, os, re, statistics, subprocess, sys

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--seconds", type=float, default=4, help="of measuring for each candidate and round")
parser.add_argument("--shapes", default="1x32x2,2x64x4,4x96x6,4x128x4")
parser.add_argument("--regime", choices=["lab", "wide"], default="lab",
                    help="lab: 16 x 128 tokens, vocabulary 1,024; wide: 64 x 128, vocabulary 4,096")
parser.add_argument("--kglab", default=".build/release/kglab")
options = parser.parse_args()

sequences, vocabulary = (16, 1024) if options.regime == "lab" else (64, 4096)
here = os.path.dirname(os.path.abspath(__file__))
malloc = {"THP_MEM_ALLOC_ENABLE": "1", "MALLOC_MMAP_THRESHOLD_": "4294967296",
          "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "268435456"}


def kglab(shape, precision):
    out = subprocess.run(
        [options.kglab, "bench", "train", "--shape", shape, "--sequences", str(sequences), "--vocabulary",
         str(vocabulary), "--precision", precision, "--workers", "2", "--seconds", str(options.seconds), "--json"],
        capture_output=True, text=True, check=True).stdout
    result = json.loads(out)[0]["result"]
    return result["tokens_per_second"], result["peak_memory_mib"]


def torch(shape, mode, dtype):
    layers, width, heads = shape.split("x")
    out = subprocess.run(
        [sys.executable, f"{here}/torch_step.py", "--layers", layers, "--width", width, "--heads", heads, "--batch",
         str(sequences), "--context", "128", "--vocab", str(vocabulary), "--mode", mode, "--dtype", dtype,
         "--threads", "2", "--steps", "1000", "--seconds", str(options.seconds)],
        capture_output=True, text=True, check=True, env=os.environ | malloc).stdout
    return float(re.search(r"tok/s=(\d+)", out)[1]), float(re.search(r"rss_MiB=(\d+)", out)[1])


candidates = {f"kglab {p}": (lambda s, p=p: kglab(s, p)) for p in ("fp32", "bf16")}
candidates |= {f"torch {m} {d}": (lambda s, m=m, d=d: torch(s, m, d))
               for m in ("eager", "compile") for d in ("fp32", "bf16")}
print(f"{sequences} x 128 tokens a step, vocabulary {vocabulary}, 2 threads, median of {options.rounds} rounds\n")
print("| model | " + " | ".join(candidates) + " | ratio | memory |")
print("|---" * (len(candidates) + 3) + "|")
for shape in options.shapes.split(","):
    results = {name: [] for name in candidates}
    for _ in range(options.rounds):
        for name, run in candidates.items():
            results[name].append(run(shape))
    speed = {name: statistics.median(r[0] for r in rows) for name, rows in results.items()}
    memory = {name: statistics.median(r[1] for r in rows) for name, rows in results.items()}
    best = {side: max((n for n in candidates if n.startswith(side)), key=speed.get) for side in ("kglab", "torch")}
    print(f"| {shape} | " + " | ".join(f"{speed[n]:,.0f}" for n in candidates)
          + f" | {speed[best['kglab']] / speed[best['torch']]:.2f}"
          + f" | {memory[best['kglab']]:.0f} of {memory[best['torch']]:.0f} MiB |", flush=True)
