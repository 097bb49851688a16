#!/usr/bin/env python3
"""The speed of kglab beside PyTorch's and JAX's on the same work, interleaved in one run; prints Markdown.

  make bench-peers                                       all tables, in an environment it makes
  compare.py --workload train --regime lab|wide          training steps
  compare.py --workload generate                         batched greedy generation with a key-value cache
  compare.py --workload evaluate --regime lab|wide       exact scoring and sampling of 256 random queries
  compare.py --workload evaluate --run runs/a            the same of 2,048 queries of a trained run and its graph
  compare.py --workload ladder                           eight small models side by side, one thread each
  compare.py --shapes 2x64x4 --rounds 2 --seconds 1 --only "kglab,torch compile"

Each round runs every candidate once, so that a slow minute hits all of them. Speeds are medians over the rounds.
The ratio is the fastest kglab over the fastest peer by those medians, and behind it the least and the largest of
the rounds' ratios of these two. After two rounds a peer slower than --prune times the fastest peer is left out of
the others. A row is printed, and the record written, as soon as its shape is finished.
"""
import argparse, datetime, json, os, platform, statistics, sys
from candidates import Candidates, REGIMES

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--workload", choices=["train", "generate", "evaluate", "ladder"], default="train")
parser.add_argument("--regime", choices=["lab", "wide"], default="lab",
                    help="of training: 16 x 128 tokens, vocabulary 1,024; or 64 x 128, vocabulary 4,096; of "
                         "evaluation the vocabularies alone")
parser.add_argument("--shapes", help="such as 1x32x2,2x64x4; by default the regime's")
parser.add_argument("--answers", default="1,1.25,2,4", help="of a query on average, one number or several")
parser.add_argument("--run", metavar="FOLDER", help="a finished run, whose model and queries are evaluated")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--seconds", type=float, default=3, help="of measuring for each candidate and round")
parser.add_argument("--steps", type=int, default=100, help="of each model of the ladder")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--only", help="parts of candidates' names, such as 'kglab,torch compile'")
parser.add_argument("--prune", type=float, default=0.6, help="0 runs every peer in every round")
parser.add_argument("--kglab", default=".build/release/kglab")
parser.add_argument("--record", help="JSON file of every measurement; by default under runs/peers/")
options = parser.parse_args()

name = {"train": options.regime, "evaluate": f"evaluate-{options.regime}"}.get(options.workload, options.workload)
if options.run:
    if options.workload != "evaluate" or options.shapes:
        parser.error("--run goes with --workload evaluate, and has the shape of its model")
    options.workload, name = "evaluate-run", "evaluate-run"
regime = REGIMES[name]
candidates = Candidates(options, regime).by_name
peers = [one for one in candidates if not one.startswith("kglab")]
record_path = options.record or f"runs/peers/{name}.json"
record = {"date": datetime.date.today().isoformat(), "options": vars(options), "regime": regime,
          "processor": platform.processor() or platform.machine(), "processors": os.cpu_count(),
          "versions": [], "shapes": {}}


def write_record():
    os.makedirs(os.path.dirname(record_path) or ".", exist_ok=True)
    with open(record_path + ".new", "w") as file:
        json.dump(record, file, indent=1)
    os.replace(record_path + ".new", record_path)


def measure(shape):
    """Every measurement of one shape: a list for each candidate, with None where a round left it out."""
    results = {one: [] for one in candidates}
    dropped = set()
    for round_number in range(options.rounds):
        # Another candidate begins each round, so that none always follows the same one.
        order = list(candidates)
        order = order[round_number % len(order):] + order[:round_number % len(order)]
        for one in order:
            results[one].append(None)
            if one in dropped:
                continue
            try:
                results[one][-1] = candidates[one](shape)
                version = results[one][-1]["version"]
                if version not in record["versions"]:
                    record["versions"].append(version)
            except (RuntimeError, OSError, ValueError, KeyError) as error:
                print(f"{shape}: {one} failed and is left out: {error}", file=sys.stderr)
                dropped.add(one)
        record["shapes"][shape] = results
        write_record()
        if round_number == 1 and options.prune > 0:
            speeds = medians(results, "tokens_per_second")
            best = max((speeds[one] for one in peers if one in speeds), default=0)
            dropped |= {one for one in peers if speeds.get(one, 0) < options.prune * best}
    return results


def medians(results, key):
    found = {one: [row[key] for row in rows if row and row.get(key)] for one, rows in results.items()}
    return {one: statistics.median(values) for one, values in found.items() if values}


def ratio(results, key, ours, theirs, less_is_better=False):
    """'2.50 (2.41-2.62)' of the fastest of ours over the fastest of theirs; '-' where a side is missing."""
    middle = medians(results, key)
    pick = min if less_is_better else max
    ours, theirs = [one for one in ours if one in middle], [one for one in theirs if one in middle]
    if not ours or not theirs:
        return "-"
    left, right = pick(ours, key=middle.get), pick(theirs, key=middle.get)
    if less_is_better:
        left, right = right, left
    rounds = [a[key] / b[key] for a, b in zip(results[left], results[right]) if a and b]
    spread = f" ({min(rounds):.2f}-{max(rounds):.2f})" if len(rounds) > 1 else ""
    return f"{middle[left] / middle[right]:.2f}{spread}"


def memory(results):
    """The fastest kglab's peak beside that of the lightest peer."""
    speed, middle = medians(results, "tokens_per_second"), medians(results, "peak_memory_mib")
    ours = [one for one in speed if one.startswith("kglab") and one in middle]
    theirs = [one for one in peers if one in middle]
    if not ours or not theirs:
        return "-"
    own, least = middle[max(ours, key=speed.get)], min(middle[one] for one in theirs)
    return f"{own:.0f} of {least:.0f} MiB ({own / least:.2f})"


def share(results, one):
    value = medians(results, "share_of_ceiling").get(one)
    return f"{100 * value:.0f} %" if value else "-"


def in_precision(precision):
    ours = [one for one in candidates if one == f"kglab {precision}"]
    return ours, [one for one in peers if one.endswith(precision)]


def rows():
    if options.workload == "evaluate-run":
        return ["exact", "sample"]
    shapes = (options.shapes or regime["shapes"]).split(",")
    if options.workload != "evaluate":
        return shapes
    kinds = [f"exact {count}" for count in options.answers.split(",")] + ["sample"]
    return [f"{shape} {kind}" for shape in shapes for kind in kinds]


def table_of_speeds():
    header = list(candidates) + ["ratio", "fp32 alone", "memory", "fp32 share", "bf16 share"]
    print("| model | " + " | ".join(header) + " |\n" + "|---" * (len(header) + 1) + "|", flush=True)
    for shape in rows():
        results = measure(shape)
        speed = medians(results, "tokens_per_second")
        ours = [one for one in candidates if one.startswith("kglab")]
        cells = [f"{speed[one]:,.0f}" if one in speed else "-" for one in candidates]
        cells += [ratio(results, "tokens_per_second", ours, peers),
                  ratio(results, "tokens_per_second", *in_precision("fp32")), memory(results),
                  share(results, "kglab fp32"), share(results, "kglab bf16")]
        print(f"| {shape} | " + " | ".join(cells) + " |", flush=True)


def table_of_ladders():
    results = measure("ladder")
    steps, wall = medians(results, "seconds"), medians(results, "wall_seconds")
    peak = medians(results, "peak_memory_mib")
    print("| candidate | steps alone, s | with start and compilation, s | peak MiB |\n|---|---|---|---|")
    for one in candidates:
        if one in steps:
            print(f"| {one} | {steps[one]:.2f} | {wall[one]:.2f} | {peak[one]:.0f} |")
    ours = [one for one in candidates if one.startswith("kglab")]
    print(f"\nThe ladder on the steps alone: {ratio(results, 'seconds', ours, peers, True)} times as fast; with start "
          f"and compilation {ratio(results, 'wall_seconds', ours, peers, True)}; in fp32 alone "
          f"{ratio(results, 'seconds', *in_precision('fp32'), True)}. Memory: {memory(results)}.", flush=True)


def title():
    sequences, vocabulary = regime["sequences"], f"{regime.get('vocabulary', 0):,}"
    return {
        "train": f"Training, {sequences} x 128 tokens a step, vocabulary {vocabulary}; tokens a second",
        "generate": f"Generation, {sequences} prompts of 8 tokens, 8 new ones each, vocabulary {vocabulary}; "
                    "tokens written a second",
        "evaluate": f"Evaluation of {sequences} queries, prompts of 8 tokens, answers of 3, vocabulary {vocabulary}; "
                    "exact with the answers of a query: queries a second; sample, 16 a query: tokens drawn a second",
        "evaluate-run": f"Evaluation of {sequences} queries of {options.run}; exact: queries a second; sample, 16 a "
                        "query: tokens drawn a second",
        "ladder": f"Eight models of the dial, {options.steps} steps of {sequences} x 128 tokens each, vocabulary "
                  f"{vocabulary}, {options.threads} at a time with one thread each",
    }[options.workload]


print(f"\n{title()}, {options.threads} threads, median of {options.rounds} rounds, {record['date']}\n", flush=True)
table_of_ladders() if options.workload == "ladder" else table_of_speeds()
print(f"\nMeasured: {', '.join(record['versions'])}; every round is in {record_path}.", flush=True)
