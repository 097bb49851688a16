#!/usr/bin/env python3
"""Making a graph: kglab beside SQLite's raw insert rate and beside pygraft-gen; prints Markdown.

  compare_graphs.py                                  10 million triples, then 100,000 beside pygraft-gen
  compare_graphs.py --triples 1000000 --pygraft ""   without pygraft-gen

The raw rate is a loop over one prepared statement in C (raw_insert.c, compiled here with cc) that writes the same
triples with the same settings and index. pygraft-gen (a program, --pygraft) makes as many triples over as many entities
with eight relations without constraints, as N-Triples; kglab a schema with the same counts, as SQLite.
"""
import argparse, json, os, pathlib, re, subprocess, tempfile, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--triples", type=int, default=10_000_000)
parser.add_argument("--pygraft", default="pygraft", help="program of pygraft-gen; empty leaves it out")
parser.add_argument("--pygraft-triples", type=int, default=100_000)
parser.add_argument("--kglab", default=".build/release/kglab")
options = parser.parse_args()
here = pathlib.Path(__file__).parent
kglab = os.path.abspath(options.kglab)

FLAT = """name: flat
entity_types:
  thing: {{count: {entities}, name: {{model: opaque, prefix: e}}}}
predicates:
"""
PYGRAFT = """general: {{project_name: flat, rdf_format: nt, rng_seed: 7}}
schema:
  classes: {{num_classes: 10, max_hierarchy_depth: 3, avg_class_depth: 1.5, avg_children_per_parent: 2.0, avg_disjointness: 0.0}}
  relations: {{num_relations: 8, relation_specificity: 1.0, prop_profiled_relations: 1.0, profile_side: both,
    prop_symmetric_relations: 0.0, prop_inverse_relations: 0.0, prop_transitive_relations: 0.0, prop_asymmetric_relations: 0.0,
    prop_reflexive_relations: 0.0, prop_irreflexive_relations: 0.0, prop_functional_relations: 0.0,
    prop_inverse_functional_relations: 0.0, prop_subproperties: 0.0}}
kg: {{num_entities: {entities}, num_triples: {triples}, enable_fast_generation: false, relation_usage_uniformity: 1.0,
  prop_untyped_entities: 0.0, avg_specific_class_depth: 1.0, multityping: false, avg_types_per_entity: 1.0,
  check_kg_consistency: false}}
"""


def timed(command, **rest):
    """Seconds, peak MiB and standard output of a command that must succeed."""
    began = time.monotonic()
    result = subprocess.run(["/usr/bin/time", "-f", "%M", *command], capture_output=True, text=True, **rest)
    seconds = time.monotonic() - began
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{result.stderr[-2000:]}")
    return seconds, int(result.stderr.split()[-1]) / 1024, result.stdout


def generate(schema, out, *more):
    seconds, peak, text = timed([kglab, "generate", schema, "--seed", "7", "--out", out, "--json", *more])
    made = json.loads(text)["profile"]["triples"]
    return seconds, peak, sum(made.values())


with tempfile.TemporaryDirectory() as folder:
    raw = f"{folder}/raw_insert"
    subprocess.run(["cc", "-O2", str(here / "raw_insert.c"), "-lsqlite3", "-o", raw], check=True)
    print("| graph | triples | seconds | triples a second | peak MiB | us a triple |\n|---|---|---|---|---|---|")
    company = str(here.parent.parent / "kg-schemas/company.yaml")
    _, _, base = generate(company, f"{folder}/base.sqlite")
    sizes = sorted({100_000, 1_000_000, options.triples})
    for triples in [size for size in sizes if size <= options.triples]:
        graph = f"{folder}/{triples}.sqlite"
        seconds, peak, made = generate(company, graph, "--scale", f"{triples / base:.3f}")
        print(f"| company | {made:,} | {seconds:.2f} | {made / seconds:,.0f} | {peak:.0f} | {1e6 * seconds / made:.2f} |", flush=True)
    _, _, text = timed([raw, graph, f"{folder}/raw.sqlite"])
    limit = json.loads(text)
    print(f"\nSQLite alone, the same triples by a prepared statement in C: {limit['insert_seconds']:.1f} s and "
          f"{limit['index_seconds']:.1f} s for the index, {limit['triples_per_second']:,.0f} triples a second; "
          f"kglab is at {made / seconds / limit['triples_per_second']:.0%} of that.")
    if options.pygraft:
        triples = options.pygraft_triples
        entities = triples // 5
        pathlib.Path(f"{folder}/flat.yaml").write_text(FLAT.format(entities=entities) + "".join(
            f"  p{number}: {{subject: thing, object: thing, coverage: {triples / 8 / entities}}}\n" for number in range(8)))
        seconds, _, made = generate(f"{folder}/flat.yaml", f"{folder}/flat.sqlite")
        pathlib.Path(f"{folder}/flat.yml").write_text(PYGRAFT.format(entities=entities, triples=triples))
        peer_seconds, _, _ = timed([options.pygraft, "build", "flat.yml"], cwd=folder)
        lines = sum(len(re.findall(r"\n", path.read_text())) for path in pathlib.Path(folder).rglob("kg.nt"))
        ratio = (peer_seconds / triples) / (seconds / made)
        print(f"\n{triples:,} triples over {entities:,} entities: pygraft-gen {peer_seconds:.2f} s ({lines:,} lines), "
              f"kglab {seconds:.2f} s ({made:,} triples): {ratio:.1f} times as fast per triple.")
