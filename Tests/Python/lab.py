"""The kglab program and its files, for the tests in this folder."""
import json, os, pathlib, sqlite3, subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
KGLAB = os.environ.get("KGLAB", str(ROOT / ".build/release/kglab"))


class Failed(Exception):
    """kglab ended with another code than 0; the text is what it said."""


def kglab(*arguments):
    """Standard output of a command; raises Failed with what it said on standard error."""
    done = subprocess.run([KGLAB, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def kglab_json(*arguments):
    return json.loads(kglab(*arguments, "--json"))


def tiny_graph(folder):
    """The graph that the stored curves were made with; returns its path."""
    graph = pathlib.Path(folder) / "graph.sqlite"
    kglab("generate", ROOT / "kg-schemas/tiny.yaml", "--seed", 3, "--out", graph)
    return graph


def tokenizer(kind, vocabulary):
    """Options of `kglab train` for a tokenizer; only bpe takes a size of its vocabulary."""
    return ["--tokenizer", kind] + (["--vocabulary", vocabulary] if kind == "bpe" else [])


def rows(database, query, *values):
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def steps(run):
    """The lines of a run's steps.jsonl."""
    return [json.loads(line) for line in (pathlib.Path(run) / "steps.jsonl").read_text().splitlines()]
