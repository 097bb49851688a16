"""Exports of the kglab program, loaded by transformers as they are, and brought back."""
import json, math, os, pathlib, random, shutil, tempfile, unicodedata, unittest
import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
import lab

#: Largest difference of log-probabilities, in nats, of a whole answer: the tolerance of the logits.
TOLERANCE = 1e-4
#: Name, options of `kglab train`, class in transformers: every architecture, every tokenizer.
RUNS = [
    ("qwen-untied-word", ["--size", "20k", "--tokenizer", "word"], "Qwen3ForCausalLM"),
    ("qwen-tied-byte", ["--size", "3k", "--tokenizer", "byte", "--tied-embeddings"], "Qwen3ForCausalLM"),
    ("llama-untied-bpe", ["--size", "30k", "--tokenizer", "bpe", "--vocabulary", "400", "--no-query-key-norm"],
     "LlamaForCausalLM"),
    ("qwen-untied-entity", ["--size", "3k", "--tokenizer", "entity"], "Qwen3ForCausalLM"),
    ("llama-tied-word", ["--size", "3k", "--tokenizer", "word", "--tied-embeddings", "--no-query-key-norm"],
     "LlamaForCausalLM"),
]
FILES = {"config.json", "generation_config.json", "kglab.json", "model.safetensors", "tokenizer.json",
         "tokenizer_config.json"}


def setUpModule():
    global TOP, GRAPH
    TOP = pathlib.Path(tempfile.mkdtemp(prefix="kglab-python-"))
    unittest.addModuleCleanup(shutil.rmtree, TOP)
    GRAPH = lab.tiny_graph(TOP)
    for name, options, _ in RUNS:
        lab.kglab("train", GRAPH, *options, "--epochs", 25, "--tokens-per-step", 256, "--out", TOP / name)
        lab.kglab("evaluate", TOP / name, "--samples", 4)
        lab.kglab("export-model", TOP / name, "--out", TOP / f"{name}-export")


def each_run(test):
    def run(self):
        for name, _, model_class in RUNS:
            with self.subTest(name):
                test(self, TOP / name, TOP / f"{name}-export", model_class)
    run.__doc__ = test.__doc__
    return run


def load(export):
    return AutoModelForCausalLM.from_pretrained(export).eval(), AutoTokenizer.from_pretrained(export)


def log_probability(model, ids, prompt_length):
    """Log-probability in nats of the tokens after a prompt."""
    with torch.no_grad():
        logs = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return sum(logs[i - 1, ids[i]].item() for i in range(prompt_length, len(ids)))


class ExportTests(unittest.TestCase):
    @each_run
    def test_the_folder_holds_what_the_classes_read(self, run, export, model_class):
        self.assertEqual(set(os.listdir(export)), FILES)
        model, tokenizer = load(export)
        self.assertEqual(type(model).__name__, model_class)
        record = json.loads((run / "run.json").read_text())
        shape = record["configuration"]["model"]
        self.assertEqual(model.num_parameters(), record["parameters"])
        config = AutoConfig.from_pretrained(export)
        self.assertEqual(config.head_dim, shape["model_dimension"] // shape["head_count"])
        self.assertEqual(config.num_key_value_heads, shape["head_count"])
        self.assertEqual(config.max_position_embeddings, shape["context_length"])
        self.assertEqual((config.bos_token_id, config.eos_token_id, config.pad_token_id), (2, 5, 0))
        self.assertEqual(config.rope_parameters["rope_theta"], 10000.0)
        self.assertIsInstance(config.rope_parameters["rope_theta"], float)
        self.assertEqual(model.dtype, torch.float32)
        self.assertEqual(len(tokenizer), shape["vocabulary_size"])
        self.assertEqual([tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token, tokenizer.unk_token],
                         ["<S>", "<E>", "<pad>", "<unk>"])

    @each_run
    def test_the_written_json_suits_older_versions_too(self, run, export, model_class):
        config = json.loads((export / "config.json").read_text())
        self.assertEqual(config["rope_theta"], config["rope_parameters"]["rope_theta"])
        self.assertEqual(config["dtype"], config["torch_dtype"])
        for name in ("rope_theta", "attention_dropout", "rms_norm_eps", "initializer_range"):
            self.assertIsInstance(config[name], float, name)
        for name in ("hidden_size", "head_dim", "vocab_size", "eos_token_id"):
            self.assertIsInstance(config[name], int, name)
        self.assertEqual(json.loads((export / "tokenizer_config.json").read_text())["model_input_names"],
                         ["input_ids", "attention_mask"])

    @each_run
    def test_tied_weights_are_written_once(self, run, export, model_class):
        with safe_open(export / "model.safetensors", "pt") as file:
            self.assertEqual(file.metadata(), {"format": "pt"})
            names = set(file.keys())
        model, _ = load(export)
        tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
        self.assertEqual(tied, "-tied-" in run.name)
        self.assertEqual("lm_head.weight" in names, not tied)

    @each_run
    def test_probabilities_of_answers_equal_kglabs(self, run, export, model_class):
        """Log-probabilities of sampled and greedy answers, token by token the logits' own."""
        model, tokenizer = load(export)
        answers = lab.rows(run / "run.sqlite", """
            SELECT q.subject, q.predicate, a.token_ids, a.log_probability FROM answer a JOIN query q ON q.id = a.query_id
            WHERE a.ended = 1""")
        self.assertGreater(len(answers), 100)
        worst = 0
        for subject, predicate, tokens, expected in random.Random(0).sample(answers, 100):
            prompt = tokenizer(f"<S>{subject}<P>{predicate}<O>").input_ids
            ids = prompt + [int(t) for t in tokens.replace("[", " ").replace("]", " ").replace(",", " ").split()] + [5]
            worst = max(worst, abs(log_probability(model, ids, len(prompt)) - expected))
        print(f"{run.name}: largest difference of log-probabilities {worst:.1e} nats", flush=True)
        self.assertLess(worst, TOLERANCE)

    @each_run
    def test_exact_rates_equal_kglabs(self, run, export, model_class):
        model, tokenizer = load(export)
        queries = lab.rows(run / "run.sqlite", """
            SELECT q.subject, q.predicate, e.hallucination_probability FROM exact_result e
            JOIN query q ON q.id = e.query_id WHERE e.temperature = 1""")
        for subject, predicate, expected in random.Random(1).sample(queries, 30):
            prompt = tokenizer(f"<S>{subject}<P>{predicate}<O>").input_ids
            answers = lab.rows(GRAPH, "SELECT object FROM triple_text WHERE subject = ? AND predicate = ?",
                               subject, predicate)
            right = sum(math.exp(log_probability(
                model, tokenizer(f"<S>{subject}<P>{predicate}<O>{answer}<E>").input_ids, len(prompt)))
                for (answer,) in answers)
            self.assertAlmostEqual(1 - right, expected, delta=TOLERANCE)

    @each_run
    def test_greedy_text_is_kglabs(self, run, export, model_class):
        """`generate` with the folder's own settings, prompts of different lengths in one batch."""
        model, tokenizer = load(export)
        self.assertEqual(GenerationConfig.from_pretrained(export).eos_token_id, 5)
        rows = lab.rows(run / "run.sqlite", """
            SELECT q.subject, q.predicate, a.text FROM answer a JOIN query q ON q.id = a.query_id
            WHERE a.temperature = 0 AND a.ended = 1""")
        rows = random.Random(2).sample(rows, 40)
        inputs = tokenizer([f"<S>{s}<P>{p}<O>" for s, p, _ in rows], return_tensors="pt", padding=True)
        with torch.no_grad():
            out = model.generate(**inputs)
        texts = tokenizer.batch_decode(out[:, inputs.input_ids.shape[1]:], skip_special_tokens=True)
        self.assertEqual(texts, [text for _, _, text in rows])

    def test_gelu_models_and_strange_folders_are_refused(self):
        run = TOP / "gelu"
        lab.kglab("train", GRAPH, "--size", "3k", "--epochs", 1, "--activation", "gelu", "--out", run)
        with self.assertRaisesRegex(lab.Failed, "code 65: .*no Hugging Face class matches"):
            lab.kglab("export-model", run, "--out", TOP / "gelu-export")
        with self.assertRaisesRegex(lab.Failed, "not empty and is no earlier export"):
            lab.kglab("export-model", TOP / RUNS[0][0], "--out", run)


class TokenizerTests(unittest.TestCase):
    #: Names of many scripts, with quotes, marks and controls; each is also an object.
    NAMES = ["Émilie du Châtelet", "Ada \"x\" \\ O'Hara/", "湯川 秀樹", "Ünïcödé", "e\u0301tude", "Ω≈ç√ ∫˜µ", "👩‍🚀 crew",
             "naïve café", "Москва", "القاهرة", "हिन्दी", "C++17, 3.5%", "a-b_c.d", "X Æ A-12", "tab\u00a0nbsp", "ｆｕｌｌ",
             "Straße 9", "#1 <3", "'quoted'", "İstanbul"]

    @staticmethod
    def random_names(count):
        """Names of random characters from all planes that every tokenizer takes, in one normal form each."""
        draw, names = random.Random(7), {}
        while len(names) < count:
            points = [draw.randrange(0x21, draw.choice([0x7F, 0x250, 0x3100, 0x1_0000, 0x11_0000]))
                      for _ in range(draw.randint(1, 12))]
            name = "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)
            pieces = name.split()
            if len(pieces) == 1 and pieces[0] == name and "\x7f" <= max(name) and "\x85" not in name:
                names.setdefault(unicodedata.normalize("NFC", name), name)
        return [" ".join(pair) for pair in zip(names.values(), list(names.values())[1:])]

    def test_ids_of_all_names_are_kglabs(self):
        facts = TOP / "facts.tsv"
        names = self.NAMES + self.random_names(200)
        facts.write_text("".join(f"{a}\tlinked to, née\t{b}\n" for a, b in zip(names, names[1:] + names[:1])))
        graph = TOP / "names.sqlite"
        lab.kglab("import", facts, "--out", graph)
        for tokenizer_name in ("word", "byte", "bpe", "entity"):
            with self.subTest(tokenizer_name):
                run, export = TOP / f"names-{tokenizer_name}", TOP / f"names-{tokenizer_name}-export"
                lab.kglab("train", graph, "--size", "3k", "--epochs", 1,
                          *lab.tokenizer(tokenizer_name, 300), "--out", run)
                lab.kglab("export-model", run, "--out", export)
                tokenizer = AutoTokenizer.from_pretrained(export)
                seen = 0
                steps = json.loads((run / "run.json").read_text())["steps"]
                for batch in lab.kglab_json("batches", run, "--steps", f"1-{steps}"):
                    for triple, sequence in zip(batch["triples"], batch["sequences"]):
                        subject, predicate, answer = triple
                        expected = sequence["tokens"] + [5]
                        for text in (f"<S>{subject}<P>{predicate}<O>{answer}<E>",
                                     f"<S> {subject} <P> {predicate} <O> {answer} <E>"):
                            self.assertEqual(tokenizer(text).input_ids, expected, text)
                        self.assertEqual(tokenizer.decode(expected[expected.index(4) + 1:-1]), answer)
                        seen += 1
                self.assertEqual(seen, len(names))


class ImportTests(unittest.TestCase):
    @each_run
    def test_export_import_export_gives_the_same_bytes(self, run, export, model_class):
        back, again = TOP / f"{run.name}-back", TOP / f"{run.name}-again"
        lab.kglab("import-model", export, "--out", back, "--graph", GRAPH)
        lab.kglab("export-model", back, "--out", again)
        for name in FILES - {"kglab.json"}:
            self.assertEqual((again / name).read_bytes(), (export / name).read_bytes(), name)
        rates = lambda folder: [(r["method"], r["visibility"], r["rate"])
                                for r in lab.kglab_json("evaluate", folder, "--samples", 4)["rates"]]
        self.assertEqual(rates(back), rates(run))
        subject, predicate = lab.rows(run / "run.sqlite", "SELECT subject, predicate FROM query LIMIT 1")[0]
        self.assertEqual(lab.kglab_json("ask", back, subject, predicate), lab.kglab_json("ask", run, subject, predicate))

    @each_run
    def test_what_python_saves_is_read(self, run, export, model_class):
        """A model changed in Python and saved in its own words, in single and half precision."""
        for kind in (torch.float32, torch.float16, torch.bfloat16):
            saved, back = TOP / f"{run.name}-{kind}", TOP / f"{run.name}-{kind}-back"
            model, tokenizer = load(export)
            with torch.no_grad():
                model.get_input_embeddings().weight.mul_(1.25)
            model.to(kind).save_pretrained(saved)
            tokenizer.save_pretrained(saved)
            with self.assertRaisesRegex(lab.Failed, "does not say which graph .* --graph"):
                lab.kglab("import-model", saved, "--out", back)
            record = lab.kglab_json("import-model", saved, "--out", back, "--graph", GRAPH)
            self.assertNotIn("training", record["configuration"])
            subject, predicate = lab.rows(run / "run.sqlite", "SELECT subject, predicate FROM query LIMIT 1")[0]
            asked = lab.kglab_json("ask", back, subject, predicate, "--top", 3)
            # Loaded again, because .to(half) has rounded the rotary frequencies as well.
            model = AutoModelForCausalLM.from_pretrained(saved, dtype=torch.float32).eval()
            prompt = tokenizer(f"<S>{subject}<P>{predicate}<O>").input_ids
            for answer in asked["answers"]:
                if answer["is_canonical"] and answer["verdict"] != "malformed":
                    ids = tokenizer(f"<S>{subject}<P>{predicate}<O>{answer['text']}<E>").input_ids
                    self.assertAlmostEqual(log_probability(model, ids, len(prompt)),
                                           math.log(answer["probability"]), delta=TOLERANCE)

    def test_models_of_other_shapes_are_refused_by_field(self):
        export = TOP / f"{RUNS[0][0]}-export"
        for changes, words in [({"num_key_value_heads": 1}, "'num_key_value_heads' is 1"),
                               ({"rms_norm_eps": 1e-5}, "'rms_norm_eps' is 1e-05"),
                               ({"attention_bias": True}, "'attention_bias' is true"),
                               ({"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}},
                                "'rope_parameters.factor' is 2")]:
            with self.subTest(words):
                config = AutoConfig.from_pretrained(export)
                for name, value in changes.items():
                    setattr(config, name, value)
                folder = TOP / f"odd-{next(iter(changes))}"
                AutoModelForCausalLM.from_config(config).save_pretrained(folder)
                for name in ("tokenizer.json", "tokenizer_config.json"):
                    shutil.copy(export / name, folder)
                with self.assertRaisesRegex(lab.Failed, f"code 65: .*config.json: {words}.* kglab supports"):
                    lab.kglab("import-model", folder, "--out", TOP / "odd", "--graph", GRAPH)


if __name__ == "__main__":
    unittest.main()
