#!/usr/bin/env python3
"""Holds a run's exact hallucination probabilities to ones computed by Hugging Face transformers.

  python3 -m venv .venv-check && .venv-check/bin/pip install torch transformers
  .venv-check/bin/python scripts/check_exact_rate.py RUN GRAPH.sqlite [--queries 200]

Loads RUN as AutoModelForCausalLM and AutoTokenizer do, takes queries at random, sums the probabilities of their true
objects with the end token, and prints the largest difference from run.sqlite. Exit code 1 when it is above 1e-4.
"""
import argparse, sqlite3, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("run")
parser.add_argument("graph")
parser.add_argument("--queries", type=int, default=200)
options = parser.parse_args()

model = AutoModelForCausalLM.from_pretrained(options.run).eval()
tokenizer = AutoTokenizer.from_pretrained(options.run)
graph, results = sqlite3.connect(options.graph), sqlite3.connect(f"{options.run}/run.sqlite")


def ids(text):
    return tokenizer(text, add_special_tokens=False).input_ids


worst = 0.0
rows = results.execute(
    "SELECT subject, predicate, hallucination_probability FROM exact_result JOIN query ON query.id = query_id"
    " WHERE temperature = 1 ORDER BY random() LIMIT ?", (options.queries,)).fetchall()
for subject, predicate, expected in rows:
    correct = 0.0
    for (answer,) in graph.execute(
            "SELECT object FROM triple_text WHERE subject = ? AND predicate = ?", (subject, predicate)):
        prompt = ids(f"<S>{subject}<P>{predicate}<O>")
        text = ids(f"<S>{subject}<P>{predicate}<O>{answer}<E>")
        with torch.no_grad():
            log_probability = model(torch.tensor([text])).logits[0].double().log_softmax(-1)
        correct += torch.exp(sum(log_probability[i - 1, text[i]] for i in range(len(prompt), len(text)))).item()
    worst = max(worst, abs(1 - correct - expected))
print(f"{type(model).__name__}, {len(rows)} queries: largest difference of P(hallucination) {worst:.1e}")
sys.exit(worst > 1e-4)
