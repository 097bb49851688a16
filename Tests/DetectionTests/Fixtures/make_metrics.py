"""Writes metrics.json: scores and the metrics that scikit-learn and NumPy give for them; and calibration.json:
the probabilities that scikit-learn's sigmoid and isotonic calibration make of scores.

    pip install numpy scikit-learn && python make_metrics.py

Scores have few digits, so that JSON holds exactly what was measured.
"""

import json
import pathlib

import numpy
import sklearn
from sklearn import metrics
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression


def matched(labels, prevalence):
    positive = labels == 1
    return numpy.where(
        positive, prevalence / positive.sum(), (1 - prevalence) / (~positive).sum()
    )


def calibration_error(labels, scores, bins):
    index = numpy.minimum((scores * bins).astype(int), bins - 1)
    gap = sum(abs((scores - labels)[index == b].sum()) for b in range(bins))
    return gap / len(scores)


def summed_risk(kept_positive, kept, tie_positive, tie):
    """The risks while `tie` answers of one score join, in random order."""
    share = tie_positive / tie
    return sum((kept_positive + j * share) / (kept + j) for j in range(1, int(tie) + 1))


def risk_coverage(labels, scores):
    """The area under the risk-coverage curve and the prediction rejection ratio, ties in random order."""
    total, kept_positive, kept = 0.0, 0.0, 0.0
    for score in numpy.unique(scores):
        tie = scores == score
        count, positive = tie.sum(), (tie & (labels == 1)).sum()
        total += summed_risk(kept_positive, kept, positive, count)
        kept_positive, kept = kept_positive + positive, kept + count
    area, chance = total / kept, kept_positive / kept
    oracle = summed_risk(0, kept - kept_positive, kept_positive, kept_positive) / kept
    return area, (chance - area) / (chance - oracle)


def case(name, scores, labels, threshold=0.5):
    scores = numpy.round(numpy.asarray(scores, dtype=float), 6)
    labels = numpy.asarray(labels, dtype=int)
    fpr, tpr, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    expected = {
        "prevalence": numpy.average(labels),
        "auprc": metrics.average_precision_score(labels, scores),
        "auprc_matched": metrics.average_precision_score(
            labels, scores, sample_weight=matched(labels, 0.5)
        ),
        "auprc_matched_tenth": metrics.average_precision_score(
            labels, scores, sample_weight=matched(labels, 0.1)
        ),
        "auroc": metrics.roc_auc_score(labels, scores),
        "accuracy": metrics.accuracy_score(labels, scores >= threshold),
        "f1": metrics.f1_score(labels, scores >= threshold, zero_division=0),
        "fpr_at_tpr": fpr[numpy.argmax(tpr >= 0.95 - 1e-12)],
    }
    expected["aurc"], expected["prr"] = risk_coverage(labels, scores)
    if scores.min() >= 0 and scores.max() <= 1:
        expected["log_loss"] = metrics.log_loss(labels, scores)
        expected["brier"] = metrics.brier_score_loss(labels, scores)
        expected["ece"] = calibration_error(labels, scores, 15)
    return {
        "name": name,
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "threshold": threshold,
        "expected": {key: float(value) for key, value in expected.items()},
    }


def calibration(name, scores, labels):
    scores = numpy.round(scores, 6)
    sigmoid = _SigmoidCalibration().fit(scores, labels)
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    at = numpy.round(numpy.linspace(scores.min() - 0.5, scores.max() + 0.5, 41), 6)
    return {
        "name": name,
        "scores": scores.tolist(),
        "labels": [int(label) for label in labels],
        "at": at.tolist(),
        "platt": sigmoid.predict(at).tolist(),
        "isotonic": isotonic.predict(at).tolist(),
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
    cases.append(case("tied", numpy.round(scores), labels))
    cases.append(case("tied probabilities", numpy.round(probability(scores), 1), labels))
    scores, labels = noisy(300, 0.03, 2.0)
    cases.append(case("rare", scores, labels, threshold=1.5))
    scores, labels = noisy(300, 0.97, 0.5)
    cases.append(case("frequent", scores, labels))
    scores, labels = noisy(120, 0.5, 0.0)
    cases.append(case("random", scores, labels))
    cases.append(case("constant", numpy.full(50, 0.3), [1] * 20 + [0] * 30))
    cases.append(case("perfect", [0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0]))
    cases.append(case("reversed", [0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1]))
    cases.append(case("two", [0.5, 0.5], [1, 0]))
    cases.append(case("edges", [0, 1, 1 / 3, 2 / 3, 0.2, 0.4, 1], [0, 1, 1, 0, 1, 0, 0]))
    calibrations = []
    for name, scores, labels in [
        ("continuous", *noisy(200, 0.4, 1.0)),
        ("reversed", *(lambda s, l: (-3 * s + 40, l))(*noisy(150, 0.3, 1.5))),
        ("tied", *(lambda s, l: (numpy.round(2 * s) / 2, l))(*noisy(300, 0.6, 1.0))),
        ("rare", *noisy(400, 0.05, 2.0)),
    ]:
        calibrations.append(calibration(name, scores, labels))
    path = pathlib.Path(__file__).with_name("calibration.json")
    path.write_text(json.dumps({"cases": calibrations}) + "\n")
    made_with = {"numpy": numpy.__version__, "scikit-learn": sklearn.__version__}
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps({"made_with": made_with, "cases": cases}) + "\n")


main()
