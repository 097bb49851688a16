"""Exported models and tasks in lm-evaluation-harness, and BIG-bench's metrics of the same log-probabilities.

BIGBENCH=path/to/bigbench/api/task_metrics.py (of the sdist bigbench 1.0.0) holds kglab to BIG-bench's own code as well.
"""
import importlib.util, json, math, os, pathlib, shutil, sys, tempfile, types, unittest
import numpy
import lab

TOP = pathlib.Path(tempfile.mkdtemp(prefix="kglab-tasks-"))
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_DATASETS_CACHE=str(TOP / "datasets"))
import lm_eval
from lm_eval.tasks import TaskManager

TOLERANCE = 1e-4
TOKENIZERS = ("word", "byte", "bpe", "entity")


def setUpModule():
    global GRAPH
    unittest.addModuleCleanup(shutil.rmtree, TOP)
    GRAPH = lab.tiny_graph(TOP)
    for kind in TOKENIZERS:
        run = TOP / kind
        lab.kglab("train", GRAPH, "--size", "3k", "--epochs", 8, "--learning-rate", 0.02,
                  *lab.tokenizer(kind, 400), "--rule-share", 0.2, "--out", run)
        lab.kglab("export-model", run, "--out", TOP / f"{kind}-model")
        lab.kglab("export-task", run, "--tasks", "facts,neqa,redefine,modus-tollens,prompt-injection,hindsight-neglect",
                  "--candidates", 3, "--questions", 12, "--out", TOP / f"{kind}-tasks")


def measured(kind, name):
    """kglab's results of an exported task, and its log-probabilities by prompt and choice."""
    file = TOP / f"{kind}-tasks" / f"{name}.jsonl"
    results = lab.kglab_json("choices", TOP / kind, "--questions", file, "--resamples", 1)["results"]
    rows = lab.rows(TOP / kind / "run.sqlite", """
        SELECT q.prompt, c.text, c.log_probability FROM choice_question q JOIN choice_probability c
          ON c.scoring_key = q.scoring_key AND c.question = q.number""")
    questions = [json.loads(line) for line in file.read_text().splitlines()]
    return next(r for r in results if r["group_kind"] == "all"), {(p, c): s for p, c, s in rows}, questions


class HarnessTests(unittest.TestCase):
    def test_harness_finds_the_same_numbers(self):
        for kind in TOKENIZERS:
            names = sorted(path.stem for path in (TOP / f"{kind}-tasks").glob("*.yaml"))
            self.assertGreater(len(names), 10)
            found = lm_eval.simple_evaluate(
                model="hf", model_args=f"pretrained={TOP / f'{kind}-model'},dtype=float32", tasks=names, device="cpu",
                task_manager=TaskManager(include_path=str(TOP / f"{kind}-tasks"), include_defaults=False),
                batch_size=16, log_samples=True, bootstrap_iters=0)
            worst = 0
            for name in names:
                with self.subTest(f"{kind} {name}"):
                    ours, scores, questions = measured(kind, name)
                    theirs = found["results"][name]
                    self.assertEqual(ours["question_count"], len(questions))
                    self.assertAlmostEqual(theirs["acc,none"], ours["accuracy"], delta=1e-12)
                    self.assertAlmostEqual(float(theirs["brier_score,none"]), ours["brier"], delta=1e-4)
                    for sample in found["samples"][name]:
                        for (prompt, choice), response in zip(sample["arguments"], sample["resps"]):
                            worst = max(worst, abs(scores[prompt, choice] - response[0][0]))
            print(f"{kind}: {len(names)} tasks, largest difference of a log-probability {worst:.1e}", flush=True)
            self.assertLess(worst, TOLERANCE)


# BIG-bench's metrics, from their definitions.

def shares(scores):
    weights = numpy.exp(numpy.array(scores) - max(scores))
    return weights / weights.sum()


def grade(samples):
    return numpy.mean([s["target_scores"][s["choice"][int(numpy.argmax(s["log_prob"]))]] for s in samples])


def brier(samples):
    terms = [t * (p - 1) ** 2 + (1 - t) * p ** 2 for s in samples
             for p, t in zip(shares(s["log_prob"]), (s["target_scores"][c] for c in s["choice"]))]
    return sum(terms) / len(terms)


def calibration_error(samples, bins=15):
    members = [[] for _ in range(bins)]
    for s in samples:
        p = shares(s["log_prob"])
        right = s["target_scores"][s["choice"][int(numpy.argmax(p))]]
        members[min(bins - 1, math.floor(p.max() * bins))].append((p.max(), right))
    return sum(len(m) / len(samples) * abs(numpy.mean([c for c, _ in m]) - numpy.mean([r for _, r in m]))
               for m in members if m)


def bigbench():
    """Grade, Brier score and calibration error of BIG-bench's own code; None without it."""
    path = os.environ.get("BIGBENCH")
    if not path:
        return None
    # What its other metrics need and these do not.
    import datasets
    datasets.load_metric = getattr(datasets, "load_metric", None)
    for name in ("t5", "t5.evaluation", "t5.evaluation.metrics"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["t5.evaluation"].metrics = sys.modules["t5.evaluation.metrics"]
    specification = importlib.util.spec_from_file_location("task_metrics", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return (module.measure_multiple_choice_grade, module.measure_calibration_multiple_choice_brier_score,
            module.measure_expected_calibration_error)


class BIGBenchTests(unittest.TestCase):
    def test_metrics_are_bigbenchs(self):
        sources = {"formulas": (grade, brier, calibration_error), "code": bigbench()}
        for kind in TOKENIZERS:
            for path in sorted((TOP / f"{kind}-tasks").glob("*.json")):
                task = json.loads(path.read_text())
                ours, scores, questions = measured(kind, path.stem)
                samples = []
                for question, example in zip(questions, task["examples"], strict=True):
                    choices = question["choices"]
                    self.assertEqual(question["prompt"], example["input"])
                    self.assertEqual(set(choices), set(example["target_scores"]))
                    samples.append({"choice": choices, "target_scores": example["target_scores"],
                                    "log_prob": [scores[question["prompt"], c] for c in choices]})
                options = len(questions[0]["choices"])
                for source, metrics in sources.items():
                    if metrics is None:
                        continue
                    with self.subTest(f"{source}, {kind} {path.stem}"):
                        theirs = [float(metric(samples)) for metric in metrics]
                        self.assertAlmostEqual(theirs[0], ours["accuracy"], delta=1e-9)
                        self.assertAlmostEqual(theirs[1] * options, ours["brier"], delta=1e-9)
                        self.assertAlmostEqual(theirs[2], ours["calibration_error"], delta=1e-9)


if __name__ == "__main__":
    unittest.main()
