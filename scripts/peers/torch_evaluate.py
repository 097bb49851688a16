#!/usr/bin/env python3
"""PyTorch on the work of `kglab bench evaluate`; one line of JSON.

  torch_evaluate.py --work exact --shape 4x128x4 --vocabulary 4096 --answers 1.25
  torch_evaluate.py --work sample --shape 4x128x4 --vocabulary 4096 --mode compile --dtype bf16
  torch_evaluate.py --check FOLDER     compares with what `kglab bench evaluate --export FOLDER` wrote

exact: the log-probability of every answer, its end included, of every query, logits only where they say something
of an answer. Three ways are tried, in passes of 32, 128 and all queries, and the fastest counts:
  texts    each answer behind a prompt of its own
  shared   prompts once into a key-value cache, then the answers of all
  tree     prompt and answers side by side in one pass, under a mask
sample: completions at temperature 1 with a key-value cache, prompts read once; tokens and their log-probabilities.
Compilation is in no time.
"""
import argparse, json, os, statistics
import work

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--shape")
parser.add_argument("--vocabulary", type=int, default=1024)
parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seconds", type=float, default=3)
parser.add_argument("--work", choices=["exact", "sample"], default="exact")
parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
parser.add_argument("--queries", type=int, default=256)
parser.add_argument("--prompt", type=int, default=8)
parser.add_argument("--answers", type=float, default=1, help="of a query, on average")
parser.add_argument("--answer-length", type=int, default=3)
parser.add_argument("--samples", type=int, default=16)
parser.add_argument("--check", metavar="FOLDER")
options = parser.parse_args()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(options.threads)

import torch
import torch.nn.functional as F
from torch_model import LanguageModel, draw_rows

torch.set_num_threads(options.threads)
torch.manual_seed(0)
# Each way, pass and number of answers is a shape of its own.
torch._dynamo.config.recompile_limit = 64
version = f"torch {torch.__version__.split('+')[0]}"


def log_probabilities(model, states, targets):
    """Of the token at each state, in single precision; states (..., C), targets (...)."""
    logits = model.head(model.norm(states)).float().flatten(0, -2)
    return -F.cross_entropy(logits, targets.flatten(), reduction="none").view(targets.shape)


def new_caches(model, rows, length):
    size = (rows, model.blocks[0].heads, length, model.blocks[0].head_width)
    return [tuple(torch.empty(size, dtype=model.norm.weight.dtype) for _ in range(2)) for _ in model.blocks]


def score_texts(model, prompts, answers, owners):
    inputs = torch.cat((prompts[owners], answers[:, :-1]), 1)
    states = model.states(inputs)[:, prompts.shape[1] - 1:]
    return log_probabilities(model, states, answers).sum(1)


def score_shared(model, prompts, answers, owners):
    width, length = prompts.shape[1], answers.shape[1]
    own = new_caches(model, len(prompts), width)
    first = model.states(prompts, own)[:, -1]
    scores = log_probabilities(model, first[owners], answers[:, 0])
    if length == 1:
        return scores
    caches = new_caches(model, len(answers), width + length - 1)
    for filled, kept in zip(caches, own):
        for new, old in zip(filled, kept):
            new[:, :, :width] = old[owners]
    mask = torch.ones(length - 1, width + length - 1, dtype=torch.bool).tril(width)
    states = model.states(answers[:, :-1], caches, width, mask=mask)
    return scores + log_probabilities(model, states, answers[:, 1:]).sum(1)


def score_tree(model, prompts, answers, count):
    """All prompts have `count` answers, one after the other."""
    (queries, width), length = prompts.shape, answers.shape[1]
    branch = length - 1
    answers = answers.view(queries, count, length)
    inputs = torch.cat((prompts, answers[:, :, :-1].flatten(1)), 1)
    places = torch.cat((torch.arange(width), torch.arange(width, width + branch).repeat(count)))
    owner = torch.cat((torch.full((width,), -1), torch.arange(count).repeat_interleave(branch)))
    mask = torch.ones(len(places), len(places), dtype=torch.bool).tril()
    mask &= (owner[None, :] == -1) | (owner[None, :] == owner[:, None])
    states = model.states(inputs, places=places, mask=mask)
    first = states[:, None, width - 1:width].expand(-1, count, -1, -1)
    rest = states[:, width:].unflatten(1, (count, branch))
    return log_probabilities(model, torch.cat((first, rest), 2), answers).sum(2).flatten()


class Queries:
    """Prompts, and how many answers each has: the same number for all, give or take one."""

    def __init__(self, prompts, counts, answers):
        self.prompts, self.counts, self.answers = prompts, counts, answers
        self.owners = torch.arange(len(prompts)).repeat_interleave(counts)

    @classmethod
    def random(cls, count, prompt, answers, length, vocabulary):
        ends = [int(index * answers) for index in range(count + 1)]
        counts = torch.tensor([last - first for first, last in zip(ends, ends[1:])])
        return cls(torch.randint(vocabulary, (count, prompt)), counts, torch.randint(vocabulary, (ends[-1], length)))

    def passes(self, size):
        """Arguments of score_texts and score_shared for each pass of `size` queries."""
        for first in range(0, len(self.prompts), size):
            chosen = (self.owners >= first) & (self.owners < first + size)
            yield self.prompts[first:first + size], self.answers[chosen], self.owners[chosen] - first

    def tree_passes(self, size):
        """Arguments of score_tree, queries of one number of answers together."""
        for count in self.counts.unique().tolist():
            chosen = (self.counts == count).nonzero()[:, 0]
            answers = self.answers[self.counts[self.owners] == count]
            for first in range(0, len(chosen), size):
                yield self.prompts[chosen[first:first + size]], answers[first * count:(first + size) * count], count

    def ways(self):
        """Name, function and arguments of all passes, which are gathered before time is taken."""
        for size in sorted({32, 128, len(self.prompts)}):
            yield f"texts by {size}", score_texts, list(self.passes(size))
            yield f"shared by {size}", score_shared, list(self.passes(size))
            yield f"tree by {size}", score_tree, list(self.tree_passes(size))


def prepared(model, function):
    if options.dtype == "bf16":
        model.to(torch.bfloat16)
    return torch.compile(function, dynamic=False) if options.mode == "compile" else function


def score_all(function, model, passes):
    with torch.inference_mode():
        return torch.cat([function(model, *one) for one in passes])


def exact():
    model = LanguageModel(work.Shape(options.shape), options.vocabulary, options.prompt + options.answer_length).eval()
    queries = Queries.random(
        options.queries, options.prompt, options.answers, options.answer_length, options.vocabulary)
    best = None
    for name, function, passes in queries.ways():
        function = prepared(model, function)
        first, times = work.timed(lambda: work.seconds_of(lambda: score_all(function, model, passes)), options.seconds)
        if best is None or statistics.median(times) < statistics.median(best[1]):
            best = first, times, name
    first, times, name = best
    work.report(options.queries, first, times, version=version, way=name)


def draw(model, states, count):
    uniforms = torch.rand(len(states), count)
    # One after the other, 128 rows of logits stay in the cache; compiled, all at once are as fast.
    size = len(states) if options.mode == "compile" else 128
    parts = [draw_rows(model, *pair) for pair in zip(states.split(size), uniforms.split(size))]
    return tuple(torch.cat(part) for part in zip(*parts))


def sample():
    length = options.prompt + options.answer_length
    model = LanguageModel(work.Shape(options.shape), options.vocabulary, length).eval()
    prompts = torch.randint(options.vocabulary, (options.queries, options.prompt))
    rows = options.queries * options.samples

    def read(prompts, own, caches):
        states = model.states(prompts, own)[:, -1]
        for filled, kept in zip(caches, own):
            for new, old in zip(filled, kept):
                new[:, :, :options.prompt] = old.repeat_interleave(options.samples, 0)
        return draw(model, states, options.samples)

    def go_on(newest, caches, position):
        return draw(model, model.states(newest, caches, position)[:, -1], 1)

    read, go_on = prepared(model, read), prepared(model, go_on)
    own, caches = new_caches(model, options.queries, options.prompt), new_caches(model, rows, length)

    def step():
        with torch.inference_mode():
            tokens, scores = read(prompts, own, caches)
            drawn, total = [tokens.reshape(rows, 1)], scores.reshape(rows, 1)
            for position in range(options.prompt, length - 1):
                tokens, scores = go_on(drawn[-1], caches, position)
                drawn.append(tokens)
                total = total + scores
            return torch.cat(drawn, 1), total

    first, times = work.timed(lambda: work.seconds_of(step), options.seconds)
    work.report(rows * options.answer_length, first, times, version=version)


def check(folder):
    """Every way's log-probabilities beside those that kglab wrote."""
    with open(f"{folder}/config.json") as file:
        config = json.load(file)
    with open(f"{folder}/queries.json") as file:
        written = json.load(file)
    shape = work.Shape("x".join(str(config[key]) for key in (
        "num_hidden_layers", "hidden_size", "num_attention_heads")))
    model = LanguageModel(shape, config["vocab_size"], config["max_position_embeddings"]).eval()
    model.take(work.read_safetensors(f"{folder}/model.safetensors"))
    answers = [answer for query in written for answer in query["answers"]]
    expected = torch.tensor([score for query in written for score in query["log_probabilities"]])
    queries = Queries(torch.tensor([query["prompt"] for query in written]),
                      torch.tensor([len(query["answers"]) for query in written]), torch.tensor(answers))
    order = torch.cat([torch.nonzero(queries.counts[queries.owners] == count)[:, 0]
                       for count in queries.counts.unique()])
    largest = {}
    for name, function, passes in queries.ways():
        found = score_all(prepared(model, function), model, passes)
        wanted = expected[order] if function is score_tree else expected
        largest[name] = (found - wanted).abs().max().item()
    print(json.dumps({"answers": len(answers), "mean_log_probability": expected.mean().item(),
                      "largest_difference": max(largest.values()), "ways": largest, "version": version}))


if options.check:
    check(options.check)
else:
    exact() if options.work == "exact" else sample()
