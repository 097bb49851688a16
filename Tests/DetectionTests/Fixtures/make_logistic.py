"""Makes logistic.json: features, labels and the AUROC of scikit-learn's logistic regression on them.

    python make_logistic.py

Features are correlated and of unequal scale, as a language model's states are; they are whole numbers, so
that the file is small. Each case has 60 % training, 20 % validation and 20 % test rows, in that order. The
model is LogisticRegression with its defaults (L2, C = 1) on features standardised by the training rows.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score


def case(name, seed, rows, width, strength, bias):
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(width, width)) * np.geomspace(1, 0.05, width)
    hidden = random.normal(size=(rows, width))
    features = np.rint(40 * hidden @ mixing.T + 30 * random.normal(size=width)).astype(int)
    direction = random.normal(size=width)
    logit = strength * hidden @ direction / np.sqrt(width) + bias
    labels = (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)
    train, test = int(0.6 * rows), int(0.8 * rows)
    mean, deviation = features[:train].mean(axis=0), features[:train].std(axis=0)
    scaled = (features - mean) / deviation
    model = LogisticRegression(max_iter=10_000, tol=1e-10).fit(scaled[:train], labels[:train])
    scores = model.predict_proba(scaled[test:])[:, 1]
    return {
        "name": name, "width": width, "features": features.ravel().tolist(), "labels": labels.tolist(),
        "auroc": roc_auc_score(labels[test:], scores), "log_loss": log_loss(labels[test:], scores),
    }


cases = [
    case("balanced", 1, 1500, 10, 2.0, 0.0),
    case("rare hallucinations", 2, 2000, 8, 1.5, -2.0),
    case("nearly separable", 3, 1000, 12, 12.0, 0.0),
]
path = Path(__file__).with_name("logistic.json")
path.write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
for row in cases:
    print(row["name"], np.mean(row["labels"]), row["auroc"], row["log_loss"])
