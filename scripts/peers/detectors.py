#!/usr/bin/env python3
"""The speed of kglab's heads beside scikit-learn's on the same features, one thread each; prints Markdown.

Times are processor time, so that other programs on the machine do not count.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python scripts/peers/detectors.py [--rows 20000 --width 256]

Logistic regression: L2 penalty 1, to scikit-learn's default tolerance; its loss must not be below kglab's by more than
1e-6 for the times to be of the same work. MLP: one epoch in batches of 256, both with Adam.
"""
import argparse, json, os, subprocess, tempfile, time, warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
import numpy
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--rows", type=int, default=20_000)
parser.add_argument("--width", type=int, default=256)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--seconds", type=float, default=1)
parser.add_argument("--kglab", default=".build/release/kglab")
options = parser.parse_args()
warnings.filterwarnings("ignore")


def timed(work):
    began = time.process_time()
    work()
    return time.process_time() - began


def objective(model, features, labels):
    logits = features.astype(numpy.float64) @ model.coef_[0] + model.intercept_[0]
    loss = numpy.logaddexp(0, numpy.where(labels, -logits, logits)).mean()
    return loss + 0.5 / len(labels) * (model.coef_**2).sum()


with tempfile.TemporaryDirectory() as folder:
    ours, theirs = {}, {}
    for _ in range(options.rounds):
        command = [options.kglab, "bench", "detect", "--rows", str(options.rows), "--width", str(options.width),
                   "--seconds", str(options.seconds), "--export", folder, "--json"]
        for row in json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["rows"]:
            ours.setdefault((row["work"], row["precision"]), []).append(row)
        features = numpy.fromfile(f"{folder}/features.f32", numpy.float32).reshape(-1, options.width)
        labels = numpy.fromfile(f"{folder}/labels.u8", numpy.uint8)
        model = LogisticRegression()
        theirs.setdefault("linear", []).append(
            (min(timed(lambda: model.fit(features, labels)) for _ in range(3)), objective(model, features, labels)))
        for units in (16, 64, 256):
            epochs = 2
            network = MLPClassifier((units,), batch_size=256, max_iter=epochs, tol=0, n_iter_no_change=1000)
            seconds = timed(lambda: network.fit(features, labels)) / epochs
            theirs.setdefault(f"mlp-{units}, one epoch", []).append((seconds, None))

print(f"scikit-learn {sklearn.__version__}, {options.rows} x {options.width}, best of {options.rounds} rounds\n")
print("| work | precision | kglab s | scikit-learn s | times as fast | loss, kglab | loss, scikit-learn |")
print("| --- | --- | --- | --- | --- | --- | --- |")
for (work, precision), own_rows in ours.items():
    if work not in theirs:
        continue
    rows = theirs[work]
    own = min(row["processor_seconds"] for row in own_rows)
    peer = min(seconds for seconds, _ in rows)
    losses = [f"{own_rows[0]['loss']:.7f}", f"{rows[0][1]:.7f}"] if rows[0][1] else ["", ""]
    print(f"| {work} | {precision} | {own:.4f} | {peer:.4f} | {peer / own:.2f} | {losses[0]} | {losses[1]} |")
