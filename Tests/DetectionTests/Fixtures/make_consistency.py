"""Makes consistency.json: scores of sets of completions by their general definitions, on full matrices.

    python make_consistency.py

Completions of one object are alike (similarity 1), others are not (0). Needs NumPy, SciPy and rouge-score.
"""

import json
from pathlib import Path

import numpy as np
from rouge_score import rouge_scorer
from scipy.linalg import eigh, expm

# For each case completions: name, tokens, log-probability. What has no name is a meaning of its own.
CASES = {
    "spread": [("a", [7], -0.9)] * 3 + [("a", [8, 9], -2.5)] + [("b", [5], -1.6)] * 2
              + [(None, [4, 4], -3.0), (None, [3], -3.2)],
    "agreed": [("a", [7, 8, 9], -0.01)] * 5,
    "apart": [("a", [7, 8], -2.0), ("b", [7, 9], -2.1), ("c", [8, 7], -1.9), (None, [], -4.0)],
    "overlapping": [("a", [1, 2, 3, 4], -1.0)] * 2 + [("b", [2, 4, 1], -1.5)] + [("c", [1, 3], -1.2)] * 4,
}


def similarity(completions):
    same = [[a is b or (a[0] == b[0] and (a[0] is not None or a[1] == b[1])) for b in completions]
            for a in completions]
    return np.array(same, float)


def kernel_entropy(weights):
    kernel = expm(-0.3 * (np.diag(weights.sum(0)) - weights))
    scale = np.sqrt(np.diag(kernel))
    values = np.linalg.eigvalsh(kernel / np.outer(scale, scale) / len(kernel))
    values = values[values > 1e-15]
    return -(values * np.log(values)).sum()


def relevance(weights, completions, per_token):
    p = np.array([np.exp(c[2] / (len(c[1]) + 1 if per_token else 1)) for c in completions])
    others = (weights * (1 - np.eye(len(p)))) @ p
    return -np.log(p + others / 0.001).mean()


def lexical(completions):
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    # Numbers as words; two empty texts are the same.
    words = [" ".join(f"w{token}" for token in c[1]) for c in completions]
    pairs = [1.0 if a == b == "" else scorer.score(a, b)["rougeL"].fmeasure
             for i, a in enumerate(words) for b in words[:i]]
    return 1 - np.mean(pairs)


def eccentricity(weights):
    scale = 1 / np.sqrt(weights.sum(0))
    laplacian = np.eye(len(weights)) - weights * np.outer(scale, scale)
    values, vectors = eigh(laplacian)
    kept = vectors[:, values < 0.9]
    return np.sqrt(((kept - kept.mean(0)) ** 2).sum())


cases = []
for name, completions in CASES.items():
    weights = similarity(completions)
    scale = 1 / np.sqrt(weights.sum(0))
    laplacian = np.eye(len(weights)) - weights * np.outer(scale, scale)
    cases.append({
        "name": name,
        "completions": [{"name": c[0], "tokens": c[1], "log_probability": c[2]} for c in completions],
        "expected": {
            "kernel-language-entropy": kernel_entropy(weights),
            "sentence-sar": relevance(weights, completions, False),
            "sar": relevance(weights, completions, True),
            "lexical-dissimilarity": lexical(completions),
            # The published forms of two scores that exact meanings make simple.
            "disagreement": 1 - weights.sum() / len(weights) ** 2,
            "distinct-objects": np.maximum(0, 1 - eigh(laplacian)[0]).sum(),
        },
        "eccentricity": eccentricity(weights),
    })
Path(__file__).with_name("consistency.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n")
