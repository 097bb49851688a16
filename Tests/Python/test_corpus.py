"""The training text of sentences and uneven exposures, as Python's tokenizers read it."""
import collections, json, pathlib, shutil, sqlite3, tempfile, unittest
from transformers import AutoTokenizer
import lab

TEMPLATES = ["{{subject}} has as {} {{object}}", "It is said that the {} of {{subject}} is {{object}}",
             "For {{subject}} , naïvely , {}: {{object}}"]


def setUpModule():
    global TOP, GRAPH
    TOP = pathlib.Path(tempfile.mkdtemp(prefix="kglab-corpus-"))
    unittest.addModuleCleanup(shutil.rmtree, TOP)
    GRAPH = lab.tiny_graph(TOP)
    connection = sqlite3.connect(GRAPH)
    for predicate, name in connection.execute("SELECT id, name FROM predicate").fetchall():
        for number, template in enumerate(TEMPLATES):
            connection.execute("INSERT INTO template (predicate_id, number, text) VALUES (?, ?, ?)",
                               (predicate, number, template.format(name)))
    connection.execute("UPDATE triple SET exposures = 1 + (subject_id * 7 + object_id) % 4")
    connection.commit()
    connection.close()


class SentenceTests(unittest.TestCase):
    def test_ids_of_sentences_are_kglabs(self):
        for kind in ("word", "bpe", "entity", "byte"):
            for packing in ("isolated", "window"):
                with self.subTest(f"{kind} {packing}"):
                    self.check(kind, packing)

    def check(self, kind, packing):
        run, export = TOP / f"{kind}-{packing}", TOP / f"{kind}-{packing}-export"
        lab.kglab("train", GRAPH, "--size", "3k", "--epochs", 3, *lab.tokenizer(kind, 400),
                  "--packing", packing, "--phrasing", "template", "--paraphrases", 2, "--out", run)
        lab.kglab("export-model", run, "--out", export)
        tokenizer = AutoTokenizer.from_pretrained(export)
        steps = json.loads((run / "run.json").read_text())["steps"]
        batches = lab.kglab_json("batches", run, "--steps", f"1-{steps}")
        said = collections.Counter()
        for epoch in (1, 2, 3):
            line = []
            for sequence in (s for b in batches if b["epoch"] == epoch for s in b["sequences"]):
                line += sequence["tokens"] + ([sequence["targets"][-1]] if packing == "isolated" else [])
                last = sequence["targets"][-1]
            line += [last] if packing == "window" else []
            while line:
                end = line.index(5) + 1
                said[tuple(line[:end])] += 1
                line = line[end:]
        rows = lab.rows(GRAPH, """
            SELECT s.name, p.name, o.name, t.exposures FROM triple t JOIN entity s ON s.id = t.subject_id
            JOIN predicate p ON p.id = t.predicate_id JOIN entity o ON o.id = t.object_id WHERE t.held_out IS NULL""")
        shown = 0
        for subject, predicate, answer, exposures in rows:
            counts = [said[tuple(tokenizer(text).input_ids)] for text in self.texts(kind, subject, predicate, answer)]
            shown += sum(counts)
            self.assertEqual(sum(counts), 3 * exposures, (subject, predicate, answer))
            # Two of the three templates, in turns.
            self.assertEqual(sorted(counts), [0, 3 * exposures // 2, (3 * exposures + 1) // 2])
        self.assertEqual(shown, sum(said.values()))

    def texts(self, kind, subject, predicate, answer):
        for template in TEMPLATES:
            before, after = (part.strip() for part in
                             template.format(predicate).removesuffix("{object}").split("{subject}"))
            if kind == "entity":
                sentence = "\x1f".join(before.split() + [subject] + after.split())
            else:
                sentence = " ".join(part for part in (before, subject, after) if part)
            yield f"<S> {sentence} <O> {answer} <E>"

    def test_seen_and_unseen_phrasings_are_two_evaluations(self):
        run = TOP / "asked"
        lab.kglab("train", GRAPH, "--size", "10k", "--epochs", 20, "--phrasing", "template", "--out", run)
        rates = {phrasing: lab.kglab_json("evaluate", run, "--samples", 2, "--phrasing", phrasing)
                 for phrasing in ("seen", "unseen")}
        self.assertNotEqual(rates["seen"]["key"], rates["unseen"]["key"])
        exact = {phrasing: next(r["rate"] for r in summary["rates"] if r["method"] == "exact" and r["visibility"] == "fvs")
                 for phrasing, summary in rates.items()}
        self.assertLess(exact["seen"], exact["unseen"])


if __name__ == "__main__":
    unittest.main()
