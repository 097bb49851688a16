"""Exported triples, read by rdflib, pandas and plain Python; rdflib's, read by kglab."""
import csv, json, pathlib, random, tempfile, unittest, urllib.parse
import pandas, rdflib
from rdflib import BNode, Literal, URIRef
from rdflib.compare import to_isomorphic
from lab import kglab, kglab_json

PIECES = ["\t", "\n", "\r", "\\", "\\escaped:", '"', "'", "<", ">", "{", "}", "|", "^", "`", "%", "%41", "#", "?",
          "/", " ", "\u00a0", "\u0085", "\u2028", "\u2029", "\ufeff", "\u200e", "\u202e", "\ufffe", "\ue000", "\x01",
          "\x0b", "\x0c", "\x1c", "\x1f", "\x7f", "\x9f", "שלום", "Å", "A\u030a", "\u212b", "😀", "\U0010ffff", "a",
          "Z", "0", "<http://a.b/c>", "urn:kglab:", '"x"@en', "[x]", "\\u0041", "NA", "null", "1.0"]


def unescaped(field):
    """A name of a tab-separated file, as docs/import-export.md describes."""
    if not field.startswith("\\escaped:"):
        return field
    letters = iter(field.removeprefix("\\escaped:"))
    return "".join({"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[next(letters)] if c == "\\" else c for c in letters)


class Triples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.place.name)
        draw = random.Random(5)
        names = sorted({"".join(draw.choices(PIECES, k=draw.randint(1, 6))) for _ in range(3000)})
        cls.triples = {(name, names[i % 97], names[(i * 7 + 3) % len(names)]) for i, name in enumerate(names)}
        lines = [json.dumps({"s": s, "p": p, "o": o}) + "\n" for s, p, o in sorted(cls.triples)]
        (cls.folder / "source.jsonl").write_text("".join(lines))
        cls.graph = cls.folder / "graph.sqlite"
        kglab("import", cls.folder / "source.jsonl", "--out", cls.graph)

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def export(self, name, *options):
        kglab("export", self.graph, "--out", self.folder / name, *options)
        return self.folder / name

    def test_rdflib_reads_the_same_terms(self):
        graph = rdflib.Graph()
        graph.parse(self.export("a.nt"), format="nt")

        def name(term):
            if isinstance(term, URIRef) and term.startswith("urn:kglab:"):
                return urllib.parse.unquote(term.removeprefix("urn:kglab:"), errors="strict")
            return term.n3()

        self.assertEqual({tuple(map(name, triple)) for triple in graph}, self.triples)

    def test_what_rdflib_wrote_comes_back(self):
        draw = random.Random(6)
        graph = rdflib.Graph()
        for i in range(600):
            text = "".join(draw.choices(PIECES, k=draw.randint(0, 5)))
            subject = draw.choice([URIRef(f"http://a.b/s{i % 99}"), BNode(f"n{i % 20}"), URIRef("http://a.b/Å/%C3%85?x#f")])
            value = draw.choice([Literal(text), Literal(text, lang="en-GB"), Literal(i), URIRef(f"http://a.b/o{i}"),
                                 Literal(text, datatype=URIRef("http://a.b/type"))])
            graph.add((subject, URIRef(f"http://a.b/p{i % 9}"), value))
        graph.serialize(self.folder / "rdflib.nt", format="nt", encoding="utf-8")
        kglab("import", self.folder / "rdflib.nt", "--out", self.folder / "rdflib.sqlite")
        kglab("export", self.folder / "rdflib.sqlite", "--out", self.folder / "again.nt")
        again = rdflib.Graph()
        again.parse(self.folder / "again.nt", format="nt")
        self.assertEqual(to_isomorphic(graph), to_isomorphic(again))

    def test_json_lines(self):
        path = self.export("a.jsonl")
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        self.assertEqual({(row["subject"], row["predicate"], row["object"]) for row in rows}, self.triples)
        table = pandas.read_json(path, lines=True, dtype=False)
        self.assertEqual(set(zip(table.subject, table.predicate, table.object)), self.triples)

    def test_tab_separated_text(self):
        options = dict(sep="\t", quoting=csv.QUOTE_NONE, na_filter=False, dtype=str, lineterminator="\n")
        table = pandas.read_csv(self.export("a.tsv.gz"), header=None, **options)
        self.assertEqual({tuple(map(unescaped, row)) for row in table.itertuples(index=False)}, self.triples)
        ids = pandas.read_csv(self.export("folder") / "entity_to_id.tsv", **options)
        self.assertEqual(list(ids.columns), ["id", "label"])
        self.assertEqual(list(map(int, ids.id)), list(range(len(ids))))
        self.assertEqual({unescaped(label) for label in ids.label}, {n for s, p, o in self.triples for n in (s, o)})

    def test_openke(self):
        folder = self.export("openke", "--format", "openke")

        def lines(name):
            first, *rest = (folder / name).read_bytes().decode().split("\n")[:-1]
            self.assertEqual(int(first), len(rest))
            return rest

        entities, relations = ({int(i): unescaped(name) for name, i in (line.rsplit("\t", 1) for line in lines(file))}
                               for file in ("entity2id.txt", "relation2id.txt"))
        rows = [map(int, line.split()) for line in lines("train2id.txt")]
        self.assertEqual({(entities[h], relations[r], entities[t]) for h, t, r in rows}, self.triples)

    def test_every_format_keeps_the_content_hash(self):
        expected = kglab_json("inspect", self.graph)["content_hash"]
        for name in ("b.nt.gz", "b.jsonl", "b.tsv", "b"):
            copy = kglab_json("import", self.export(name), "--out", self.folder / "copy.sqlite", "--force")
            self.assertEqual(copy["content_hash"], expected, name)


if __name__ == "__main__":
    unittest.main()
