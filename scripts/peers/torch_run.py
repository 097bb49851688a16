#!/usr/bin/env python3
"""PyTorch on the queries of a trained run, as `kglab bench evaluate --run RUN --export FOLDER` wrote them; one line of JSON.

  torch_run.py FOLDER --work exact
  torch_run.py FOLDER --work sample --mode compile --dtype bf16

exact: the log-probability of every answer, its end included, of every query, logits only where they say something of an
answer. Two ways are tried, in passes of different size, and the fastest counts:
  texts    each answer behind a prompt of its own, texts of one length together
  tree     what texts have in common once, under a mask: kglab's own way
The largest difference from kglab's log-probabilities is reported.
sample: completions at temperature 1 until all of a pass have ended, with a key-value cache, prompts of one length together
and read once; the tokens up to the end count. Compilation is in no time.
"""
import argparse, json, os, statistics
import work

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder")
parser.add_argument("--work", choices=["exact", "sample"], default="exact")
parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32")
parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seconds", type=float, default=3)
parser.add_argument("--samples", type=int, default=16)
options = parser.parse_args()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(options.threads)

import torch
import torch.nn.functional as F
from torch_model import LanguageModel, draw_rows

torch.set_num_threads(options.threads)
torch.manual_seed(0)
torch._dynamo.config.recompile_limit = 256
version = f"torch {torch.__version__.split('+')[0]}"


def load():
    with open(f"{options.folder}/config.json") as file:
        config = json.load(file)
    with open(f"{options.folder}/queries.json") as file:
        queries = json.load(file)
    shape = work.Shape("x".join(str(config[key]) for key in (
        "num_hidden_layers", "hidden_size", "num_attention_heads")))
    shape.hidden = config["intermediate_size"]
    model = LanguageModel(shape, config["vocab_size"], config["max_position_embeddings"], head_norm=True, tied=False).eval()
    model.take(work.read_safetensors(f"{options.folder}/model.safetensors"))
    if options.dtype == "bf16":
        model.to(torch.bfloat16)
    return model, config, queries


def prepared(function):
    return torch.compile(function, dynamic=False) if options.mode == "compile" else function


def parts(values, size):
    """Equal parts of about `size`, so that few shapes are compiled."""
    count = max(1, round(len(values) / size))
    ends = [index * len(values) // count for index in range(count + 1)]
    return [values[first:last] for first, last in zip(ends, ends[1:])]


class Text:
    def __init__(self, query, answer, expected):
        self.tokens, self.start, self.expected = query["prompt"] + answer, len(query["prompt"]), expected


def score(model, inputs, places, mask, rows, targets):
    """Log-probabilities of `targets` (N) after the rows `rows` (N) of all inputs (B, T)."""
    states = model.states(inputs, places=places, mask=mask).flatten(0, 1)[rows]
    return -F.cross_entropy(model.head(model.norm(states)).float(), targets, reduction="none")


class Pass:
    """Arguments of `score`, and the text that each log-probability belongs to."""

    def __init__(self, inputs, readings, places=None, mask=None):
        self.arguments = (torch.tensor(inputs), places, mask, torch.tensor([one[0] for one in readings]),
                          torch.tensor([one[1] for one in readings]))
        self.owners = torch.tensor([one[2] for one in readings])


def text_passes(texts, size):
    by_length = {}
    for number, text in enumerate(texts):
        by_length.setdefault((len(text.tokens), text.start), []).append(number)
    for (length, start), numbers in sorted(by_length.items()):
        for part in parts(numbers, size):
            readings = [(row * (length - 1) + place - 1, texts[number].tokens[place], number)
                        for row, number in enumerate(part) for place in range(start, length)]
            yield Pass([texts[number].tokens[:-1] for number in part], readings)


class Tree:
    def __init__(self):
        self.tokens, self.places, self.parents, self.readings = [], [], [], []

    def add(self, text, number, path, shared):
        path = path[:shared]
        for place in range(shared, len(text.tokens) - 1):
            self.parents.append(path[-1] if path else -1)
            path.append(len(self.tokens))
            self.tokens.append(text.tokens[place])
            self.places.append(place)
        self.readings += [(path[place - 1], text.tokens[place], number)
                          for place in range(text.start, len(text.tokens))]
        return path


def trees(texts):
    """By the rule of kglab's TextTree."""
    found, newest, path = [], [], []
    for number in sorted(range(len(texts)), key=lambda number: texts[number].tokens):
        own = texts[number].tokens[:-1]
        shared = 0
        while shared < min(len(own), len(newest)) and own[shared] == newest[shared]:
            shared += 1
        if not found or shared < min(3, len(own)) or len(found[-1].tokens) + len(own) - shared > 64:
            found.append(Tree())
            shared = 0
        path = found[-1].add(texts[number], number, path, shared)
        newest = own
    return found


def tree_passes(texts, size):
    found = sorted(trees(texts), key=lambda tree: len(tree.tokens))
    for part in parts(found, size):
        rows = max(len(tree.tokens) for tree in part)
        mask = torch.zeros(len(part), 1, rows, rows, dtype=torch.bool)
        inputs, places, readings = [], torch.zeros(len(part), rows, dtype=torch.long), []
        for index, tree in enumerate(part):
            inputs.append(tree.tokens + [0] * (rows - len(tree.tokens)))
            places[index, :len(tree.tokens)] = torch.tensor(tree.places)
            for row, parent in enumerate(tree.parents):
                if parent >= 0:
                    mask[index, 0, row] = mask[index, 0, parent]
                mask[index, 0, row, row] = True
            mask[index, 0, len(tree.tokens):, 0] = True  # a row that sees nothing is not a number
            readings += [(index * rows + row, target, number) for row, target, number in tree.readings]
        yield Pass(inputs, readings, places, mask)


def exact(model, queries):
    texts = [Text(query, answer, expected) for query in queries
             for answer, expected in zip(query["answers"], query["log_probabilities"])]
    function = prepared(lambda *arguments: score(model, *arguments))
    best, ways = None, {}
    for name, make, sizes in ("texts", text_passes, (128, 1024)), ("tree", tree_passes, (32, 128)):
        for size in sizes:
            passes = list(make(texts, size))

            def step():
                with torch.inference_mode():
                    return [function(*one.arguments) for one in passes]

            first, times = work.timed(lambda: work.seconds_of(step), options.seconds)
            ways[f"{name} by {size}"] = len(queries) / statistics.median(times)
            if best is None or statistics.median(times) < statistics.median(best[1]):
                sums = torch.zeros(len(texts)).index_add_(
                    0, torch.cat([one.owners for one in passes]), torch.cat(step()))
                best = first, times, f"{name} by {size}", sums
    first, times, way, sums = best
    difference = (sums - torch.tensor([text.expected for text in texts])).abs().max().item()
    work.report(len(queries), first, times, version=version, way=way, ways=ways, largest_difference=difference)


def sample(model, config, queries):
    length, end = config["max_position_embeddings"], config["eos_token_id"]
    most = max(len(answer) for query in queries for answer in query["answers"])
    by_length = {}
    for query in queries:
        by_length.setdefault(len(query["prompt"]), []).append(query["prompt"])
    passes = [torch.tensor(part) for prompts in by_length.values() for part in parts(prompts, 256)]

    def read(prompts, own, caches):
        width = prompts.shape[1]
        states = model.states(prompts, own)[:, -1]
        for filled, kept in zip(caches, own):
            for new, old in zip(filled, kept):
                new[:, :, :width] = old[:, :, :width].repeat_interleave(options.samples, 0)
        return draw_rows(model, states, torch.rand(len(states), options.samples))

    def go_on(newest, caches, position):
        return draw_rows(model, model.states(newest, caches, position)[:, -1], torch.rand(len(newest), 1))

    read, go_on = prepared(read), prepared(go_on)

    def new_caches(rows):
        size = (rows, model.blocks[0].heads, length, model.blocks[0].head_width)
        return [tuple(torch.empty(size, dtype=model.norm.weight.dtype) for _ in range(2)) for _ in model.blocks]

    caches = {len(prompts): (new_caches(len(prompts)), new_caches(len(prompts) * options.samples))
              for prompts in passes}

    def step():
        drawn = 0
        with torch.inference_mode():
            for prompts in passes:
                own, many = caches[len(prompts)]
                tokens, scores = read(prompts, own, many)
                newest, total = tokens.reshape(-1, 1), scores.reshape(-1, 1)
                going = torch.ones_like(newest, dtype=torch.bool)
                for position in range(prompts.shape[1], prompts.shape[1] + most):
                    drawn += going.sum().item()
                    # Special tokens end an answer.
                    going = going & (newest > end)
                    if position + 1 == prompts.shape[1] + most or not going.any():
                        break
                    newest, scores = go_on(newest, many, position)
                    total = total + scores * going
        return drawn

    counts = []
    first, times = work.timed(lambda: work.seconds_of(lambda: counts.append(step())), options.seconds)
    work.report(statistics.median(counts), first, times, version=version)


model, config, queries = load()
if options.work == "exact":
    exact(model, queries)
else:
    sample(model, config, queries)
