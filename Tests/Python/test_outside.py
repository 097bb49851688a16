"""Models that stay in their folders and are asked by the Python process, held to kglab's own and to transformers."""
import json, math, os, pathlib, random, shutil, sys, tempfile, unittest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (AutoModelForCausalLM, AutoTokenizer, BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel,
                          GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast)
import lab

#: Largest difference of log-probabilities of a whole answer, in nats.
TOLERANCE = 1e-4
ENDS = ["\n", ".", ",", ";"]
#: Names of one and of two words, queries of one and of several answers; a sentence in each place of the name.
SCHEMA = """
name: sentences
description: Forty people in sentences
entity_types:
  person: {count: 40, name: {model: multi_part, parts: 2, pool: [8, 10]}}
  city: {count: 8, name: {model: multi_part, pool: 8}}
  club: {count: 6, name: {model: opaque, prefix: club-, digits: 2}}
predicates:
  born in:
    {subject: person, object: city, popularity: {zipf: 1.5}, templates: ["{subject} was born in {object}"]}
  member of:
    {subject: person, object: club, objects: {min: 1, max: 3}, templates: ["A club of {subject} is {object}"]}
  friend:
    {subject: person, object: person, functional: true, templates: ["{subject}'s best friend is {object}"]}
visibility:
  held_out: {subject: 0.05, query: 0.1}
"""


def setUpModule():
    global TOP, GRAPH, TOKENIZER
    os.environ["KGLAB_PYTHON"] = sys.executable
    TOP = pathlib.Path(tempfile.mkdtemp(prefix="kglab-outside-"))
    unittest.addModuleCleanup(shutil.rmtree, TOP)
    (TOP / "schema.yaml").write_text(SCHEMA)
    GRAPH = TOP / "graph.sqlite"
    lab.kglab("generate", TOP / "schema.yaml", "--seed", 3, "--out", GRAPH)
    TOKENIZER = tokenizer([f"{sentence} {answer}.\n" for sentence, answer in sentences()])


def sentences(visible=False):
    """Each triple as the template of its predicate says it up to the object, and the object."""
    return [(template.replace("{subject}", subject).split("{object}")[0].rstrip(), answer)
            for subject, answer, template in lab.rows(GRAPH, f"""
                SELECT t.subject, t.object, m.text FROM triple_text t JOIN template m ON m.predicate_id = t.predicate_id
                {"WHERE t.held_out IS NULL" if visible else ""}""")]


def tokenizer(texts):
    """A byte-level tokenizer like GPT-2's, made of these texts."""
    own = Tokenizer(models.BPE())
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    own.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return PreTrainedTokenizerFast(tokenizer_object=own, eos_token="<|endoftext|>")


def save(model, name):
    """A folder as one downloads it."""
    folder = TOP / name
    model.save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    return folder


def families():
    """A small model of each family, with random weights large enough that answers differ."""
    torch.manual_seed(0)
    size = len(TOKENIZER)
    made = {
        "gpt2": GPT2LMHeadModel(GPT2Config(vocab_size=size, n_positions=128, n_embd=32, n_layer=2, n_head=2,
                                           bos_token_id=0, eos_token_id=0, initializer_range=0.5)),
        "neox": neox(32, 2),
        "llama": LlamaForCausalLM(LlamaConfig(vocab_size=size, hidden_size=32, num_hidden_layers=2, intermediate_size=64,
                                              num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
                                              bos_token_id=0, eos_token_id=0, initializer_range=0.5)),
    }
    return {name: model.eval() for name, model in made.items()}


def neox(width, layers, spread=0.5):
    return GPTNeoXForCausalLM(GPTNeoXConfig(
        vocab_size=len(TOKENIZER), hidden_size=width, num_hidden_layers=layers, num_attention_heads=2,
        intermediate_size=4 * width, max_position_embeddings=128, bos_token_id=0, eos_token_id=0, initializer_range=spread))


def train(model, lines, epochs=150, rate=5e-3):
    """Trains a model on lines of text with AdamW, as one does with transformers."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    order, optimizer = random.Random(0), torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    tokens = [TOKENIZER(line).input_ids for line in lines]
    steps, step = epochs * math.ceil(len(tokens) / 64), 0
    model.train()
    for _ in range(epochs):
        order.shuffle(tokens)
        for start in range(0, len(tokens), 64):
            batch = tokens[start:start + 64]
            longest = max(map(len, batch))
            ids = torch.tensor([line + [0] * (longest - len(line)) for line in batch])
            labels = torch.tensor([line + [-100] * (longest - len(line)) for line in batch])
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1, (steps - step) / (0.5 * steps))
            loss = model(input_ids=ids, labels=labels).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            step += 1
    return model.eval()


def evaluate(folder, run, *options):
    return lab.kglab_json("evaluate", TOP / run, "--model", folder, "--graph", GRAPH, "--device", "cpu", *options)


def rate(summary, visibility="unknown", method="exact"):
    return next(row["rate"] for row in summary["rates"]
                if row["visibility"] == visibility and row["method"] == method and row["group_kind"] == "all")


class ExportedTests(unittest.TestCase):
    """What kglab exported, asked from outside, says what it says at home."""

    def test_probabilities_verdicts_and_detectors_equal_native(self):
        for name, options in [("word", ["--tokenizer", "word", "--size", "20k"]),
                              ("bpe", ["--tokenizer", "bpe", "--vocabulary", 400, "--size", "10k",
                                       "--no-query-key-norm", "--phrasing", "template"])]:
            with self.subTest(name):
                run, export, outside = TOP / f"{name}-run", TOP / f"{name}-export", TOP / f"{name}-outside"
                lab.kglab("train", GRAPH, *options, "--epochs", 25, "--tokens-per-step", 256, "--out", run)
                lab.kglab("export-model", run, "--out", export)
                asked = ["--samples", 8, "--temperatures", "0,0.7,1", "--candidates", 5]
                native = lab.kglab_json("evaluate", run, *asked)
                found = evaluate(export, outside.name, *asked)
                record = json.loads((outside / "run.json").read_text())
                self.assertEqual((record["outside"]["training"], record["status"]), ("graph", "complete"))
                self.assertNotIn("ends", record["outside"])
                self.assertEqual([row["visibility"] for row in found["rates"]], [row["visibility"] for row in native["rates"]])
                self.assert_near(native, found, run / "run.sqlite", outside / "run.sqlite")
                states = ["--kind", "head,attention-probe,lookback,score", "--layers", "each", "--evidence", 4]
                one, two = [lab.kglab_json("detect", folder, *states) for folder in (run, outside)]
                self.assertEqual([(d["name"], d["kind"]) for d in one["detectors"]],
                                 [(d["name"], d["kind"]) for d in two["detectors"]])
                self.assert_same_states(*[next((folder / "features").iterdir()) for folder in (run, outside)])

    def assert_near(self, native, found, one, two):
        query = """SELECT query_id, temperature, hallucination_probability, correct FROM exact_result
                   ORDER BY query_id, temperature"""
        worst = 0
        for a, b in zip(lab.rows(one, query), lab.rows(two, query), strict=True):
            self.assertEqual(a[:2], b[:2])
            worst = max(worst, abs(a[2] - b[2]), abs(a[3] - b[3]))
        self.assertLess(worst, 1e-5)
        query = """SELECT query_id, temperature, sample, text, verdict, is_canonical, ended, log_probability FROM answer
                   ORDER BY query_id, temperature, sample"""
        pairs = list(zip(lab.rows(one, query), lab.rows(two, query), strict=True))
        # A draw on the border between two tokens may fall on either side of a rounding.
        same = [(a, b) for a, b in pairs if a[:7] == b[:7]]
        self.assertGreaterEqual(len(same), len(pairs) - 2)
        worst = max(abs(a[7] - b[7]) for a, b in same)
        print(f"{one.parent.name}: {len(pairs)} answers, largest difference of log-probabilities {worst:.1e} nats", flush=True)
        self.assertLess(worst, TOLERANCE)
        ranks = "SELECT query_id, object_id, rank, log_probability FROM candidate_result ORDER BY query_id, object_id"
        for a, b in zip(lab.rows(one, ranks), lab.rows(two, ranks), strict=True):
            self.assertEqual(a[:3], b[:3])
            self.assertAlmostEqual(a[3], b[3], delta=TOLERANCE)

    def assert_same_states(self, one, two):
        """Every stream that detectors read, and how sure the model was of each token."""
        names = {file.name for file in one.glob("*.f32")}
        self.assertEqual(names, {file.name for file in two.glob("*.f32")})
        self.assertTrue({"layer-0.f32", "final.f32", "heads-1.f32", "attention.f32", "columns.f32"} <= names, names)
        for name in sorted(names):
            a, b = [torch.frombuffer(bytearray((folder / name).read_bytes()), dtype=torch.float32) for folder in (one, two)]
            self.assertEqual(len(a), len(b), name)
            torch.testing.assert_close(b, a, atol=2e-4, rtol=1e-3, msg=lambda text: f"{name}: {text}")


class FamilyTests(unittest.TestCase):
    """Models with a tokenizer of their own, of three families."""

    def test_every_measure_works(self):
        for name, model in families().items():
            with self.subTest(name):
                folder, run = save(model, name), f"{name}-asked"
                summary = evaluate(folder, run, "--samples", 4)
                record = json.loads((TOP / run / "run.json").read_text())
                self.assertEqual(record["outside"]["ends"], ENDS)
                self.assertEqual((record["outside"]["training"], record["outside"]["architecture"], record["size"]),
                                 ("unknown", type(model).__name__, name))
                self.assertEqual(record["parameters"], model.num_parameters())
                self.assertEqual({row["visibility"] for row in summary["rates"]}, {"unknown"})
                self.assert_equals_transformers(model, TOP / run / "run.sqlite")
                self.assertEqual(evaluate(folder, run, "--samples", 4), summary)
                detectors = lab.kglab_json("detect", TOP / run, "--kind", "head,score", "--layers", "each",
                                           "--evidence", 2, "--samples", 1)
                self.assertGreater(len(detectors["detectors"]), 5)
                traps = lab.kglab_json("traps", TOP / run, "--tasks", "memo-trap,neqa", "--questions", 10)
                self.assertEqual({row["question_count"] for row in traps["results"] if row["group_kind"] == "all"}, {10})

    def assert_equals_transformers(self, model, database):
        """Exact rates, by whole sentences through the model: the name, then any token that begins with an end."""
        ends = [token for token in range(len(TOKENIZER))
                if token == 0 or TOKENIZER.decode([token]).lstrip(" ").startswith(tuple(ENDS))]
        texts = {}
        for sentence, answer in sentences():
            texts.setdefault(sentence, set()).add(answer)
        rows = lab.rows(database, """SELECT q.subject, q.predicate, e.correct FROM exact_result e
                                     JOIN query q ON q.id = e.query_id WHERE e.temperature = 1""")
        prompts = {(s, p): template.replace("{subject}", s).split("{object}")[0].rstrip() for s, p, template in lab.rows(
            GRAPH, "SELECT t.subject, t.predicate, m.text FROM triple_text t JOIN template m USING (predicate_id)")}
        for subject, predicate, expected in random.Random(0).sample(rows, 30):
            prompt, right = prompts[subject, predicate], 0.0
            for answer in texts[prompt]:
                ids, start = TOKENIZER(f"{prompt} {answer}").input_ids, len(TOKENIZER(prompt).input_ids)
                with torch.no_grad():
                    logs = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
                right += math.exp(sum(logs[i - 1, ids[i]].item() for i in range(start, len(ids)))
                                  + logs[-1, ends].logsumexp(0).item())
            self.assertLess(abs(math.log(max(expected, 1e-300)) - math.log(right)), TOLERANCE)

    def test_what_is_no_model_to_ask_is_refused_in_a_sentence(self):
        good = save(families()["gpt2"], "good")

        def refused(words, change, *options):
            folder = TOP / "odd"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(good, folder)
            change(folder)
            with self.assertRaisesRegex(lab.Failed, f"^code \\d+: [^\n]*{words}[^\n]*$"):
                lab.kglab("evaluate", TOP / "odd-run", "--model", folder, "--graph", GRAPH, *options)
            self.assertFalse((TOP / "odd-run").exists())

        refused("no model of the files|cannot read .* as a causal language model",
                lambda folder: (folder / "model.safetensors").write_bytes(b"no weights"))
        refused("cannot read the tokenizer", lambda folder: (folder / "tokenizer.json").write_text("{}"))
        refused("no program '/nowhere/python'", lambda folder: None, "--python", "/nowhere/python")
        BertForMaskedLM(BertConfig(vocab_size=50, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
                                   intermediate_size=8)).save_pretrained(TOP / "bert")
        refused("BertForMaskedLM, which is no causal language model",
                lambda folder: shutil.copy(TOP / "bert/config.json", folder / "config.json"))
        trained = TOP / "trained"
        lab.kglab("train", GRAPH, "--size", "3k", "--steps", 2, "--out", trained)
        with self.assertRaisesRegex(lab.Failed, "is a run folder; evaluate it without --model"):
            evaluate(trained, "odd-run")
        run = TOP / "good-run"
        evaluate(good, run.name, "--samples", 1)
        with self.assertRaisesRegex(lab.Failed, "trained elsewhere and stays in its own folder"):
            lab.kglab("ask", run, *lab.rows(run / "run.sqlite", "SELECT subject, predicate FROM query LIMIT 1")[0])
        for command in ("export-model", "export-task"):
            with self.assertRaisesRegex(lab.Failed, "trained elsewhere"):
                lab.kglab(command, run, "--out", TOP / "none")
        with self.assertRaisesRegex(lab.Failed, "holds another run, or another model"):
            evaluate(good, run.name, "--end", "!")
        (good / "generation_config.json").write_text('{"eos_token_id": 1}')
        with self.assertRaisesRegex(lab.Failed, "generation_config.json is not as it was"):
            lab.kglab("evaluate", run, "--samples", 2)


class LadderTests(unittest.TestCase):
    """A public ladder in miniature: GPT-NeoX models of three sizes, trained by transformers on the graph's sentences."""

    def test_rates_fall_with_size_and_a_trained_model_is_attacked(self):
        lines = [f"{sentence} {answer}.\n" for sentence, answer in sentences(visible=True)]
        rates = []
        for width, layers in [(8, 1), (24, 2), (64, 2)]:
            folder = save(train(neox(width, layers, spread=0.02), lines), f"ladder-{width}")
            summary = evaluate(folder, f"ladder-{width}-asked", "--samples", 4, "--trained-on-graph")
            rates.append(rate(summary, "fvs"))
        print("rates of three GPT-NeoX sizes:", ", ".join(f"{value:.3f}" for value in rates), flush=True)
        self.assertEqual(rates, sorted(rates, reverse=True))
        self.assertGreater(rates[0] - rates[2], 0.3)
        unknown = evaluate(folder, "ladder-unknown", "--samples", 4)
        self.assertEqual({row["visibility"] for row in unknown["rates"]}, {"unknown"})
        run = TOP / "ladder-64-asked"
        attack = lab.kglab_json("attack", run, "--kind", "random", "--examples", 20, "--random-iterations", 8, "--length", 3)
        self.assertGreater(attack["victims"][0]["right_count"], 0)
        self.assertEqual(len([row for row in attack["rates"] if row["attack"] == "random"]), 8)
        asked = ["pirs", run, "--texts", "prior", "--examples", 6, "--draws", 4, "--length", 2, "--copies", 3]
        self.assertGreater(lab.kglab_json(*asked)["right_count"], 0)
        self.assertTrue(lab.kglab(*asked).strip().endswith("--kind random"))
        with self.assertRaisesRegex(lab.Failed, "gives no gradients, which gcg needs"):
            lab.kglab("attack", run, "--kind", "gcg", "--examples", 5)
        with self.assertRaisesRegex(lab.Failed, "--texts prior"):
            lab.kglab("pirs", run, "--examples", 5)


if __name__ == "__main__":
    unittest.main()
