"""Writes metrics.json: scores and the metrics that scikit-learn and NumPy give for them.

    pip install numpy scikit-learn && python make_metrics.py

Scores and weights have few digits, so that JSON holds exactly what was measured.
"""

import json
import pathlib

import numpy
import sklearn
from sklearn import metrics


def matched(labels, weights, prevalence):
    positive = labels == 1
    return weights * numpy.where(
        positive, prevalence / weights[positive].sum(), (1 - prevalence) / weights[~positive].sum()
    )


def calibration_error(labels, scores, weights, bins):
    index = numpy.minimum((scores * bins).astype(int), bins - 1)
    gap = sum(
        abs((weights * (scores - labels))[index == b].sum()) for b in range(bins)
    )
    return gap / weights.sum()


def case(name, scores, labels, weights=None, threshold=0.5):
    scores = numpy.round(numpy.asarray(scores, dtype=float), 6)
    labels = numpy.asarray(labels, dtype=int)
    weights = numpy.ones(len(scores)) if weights is None else numpy.asarray(weights, dtype=float)
    fpr, tpr, _ = metrics.roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    expected = {
        "prevalence": numpy.average(labels, weights=weights),
        "auprc": metrics.average_precision_score(labels, scores, sample_weight=weights),
        "auprc_matched": metrics.average_precision_score(
            labels, scores, sample_weight=matched(labels, weights, 0.5)
        ),
        "auprc_matched_tenth": metrics.average_precision_score(
            labels, scores, sample_weight=matched(labels, weights, 0.1)
        ),
        "auroc": metrics.roc_auc_score(labels, scores, sample_weight=weights),
        "accuracy": metrics.accuracy_score(labels, scores >= threshold, sample_weight=weights),
        "f1": metrics.f1_score(
            labels, scores >= threshold, sample_weight=weights, zero_division=0
        ),
        "fpr_at_tpr": fpr[numpy.argmax(tpr >= 0.95 - 1e-12)],
    }
    if scores.min() >= 0 and scores.max() <= 1:
        expected["brier"] = metrics.brier_score_loss(labels, scores, sample_weight=weights)
        expected["ece"] = calibration_error(labels, scores, weights, 15)
    return {
        "name": name,
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "weights": weights.tolist(),
        "threshold": threshold,
        "expected": {key: float(value) for key, value in expected.items()},
    }


def main():
    random = numpy.random.default_rng(1)

    def noisy(count, prevalence, shift):
        labels = (random.random(count) < prevalence).astype(int)
        labels[:2] = [0, 1]
        return random.normal(size=count) + shift * labels, labels

    def probability(scores):
        return 1 / (1 + numpy.exp(-scores))

    cases = []
    scores, labels = noisy(200, 0.4, 1.0)
    cases.append(case("continuous", scores, labels, threshold=0.25))
    cases.append(case("negated", -scores, labels, threshold=0.25))
    cases.append(case("probabilities", probability(scores - 0.5), labels))
    weights = numpy.round(random.gamma(1.0, size=200), 3)
    weights[::7] = 0
    cases.append(case("weighted", scores, labels, weights))
    cases.append(case("weighted probabilities", probability(scores), labels, weights))
    cases.append(case("tied", numpy.round(scores), labels))
    cases.append(case("tied and weighted", numpy.round(scores), labels, weights))
    cases.append(case("tied probabilities", numpy.round(probability(scores), 1), labels))
    scores, labels = noisy(300, 0.03, 2.0)
    cases.append(case("rare", scores, labels, threshold=1.5))
    scores, labels = noisy(300, 0.97, 0.5)
    cases.append(case("frequent", scores, labels))
    scores, labels = noisy(120, 0.5, 0.0)
    cases.append(case("random", scores, labels))
    cases.append(case("integer weights", scores, labels, random.integers(0, 4, size=120)))
    cases.append(case("constant", numpy.full(50, 0.3), [1] * 20 + [0] * 30))
    cases.append(case("perfect", [0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0]))
    cases.append(case("reversed", [0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1]))
    cases.append(case("two", [0.5, 0.5], [1, 0]))
    cases.append(case("edges", [0, 1, 1 / 3, 2 / 3, 0.2, 0.4, 1], [0, 1, 1, 0, 1, 0, 0]))
    made_with = {"numpy": numpy.__version__, "scikit-learn": sklearn.__version__}
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps({"made_with": made_with, "cases": cases}) + "\n")


main()
