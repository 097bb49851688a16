#!/usr/bin/env bash
# Made first-release.tar.gz: KGLAB is the binary of the first release, SCHEMAS its kg-schemas.
set -euo pipefail
mkdir first-release && cd first-release
"$KGLAB" generate "$SCHEMAS/tiny.yaml" --seed 3 --out graph.sqlite
"$KGLAB" train graph.sqlite --size 3k --epochs 20 --tokens-per-step 128 --workers 1 --keep-epochs 10 --step-metrics --out run
"$KGLAB" evaluate run --samples 2 --workers 1
"$KGLAB" knowledge run --workers 1
"$KGLAB" lifeline run --all --workers 1
"$KGLAB" detect run --kind head,score --heads linear --epochs 1 --samples 1 --evidence 0 --workers 1
"$KGLAB" detect score run/detectors/sentence-linear-* --workers 1
"$KGLAB" export-model run --out model
rm -r run/features
cat > study.yaml <<'Y'
name: old
graph: {schema: tiny.yaml, seed: 1}
models: [{sizes: [3k], epochs: [2]}]
evaluation: {samples: 1}
detection: {heads: [linear], kinds: [head, score], samples: 1, evidence: 0, resamples: 20}
Y
cp "$SCHEMAS/tiny.yaml" . && "$KGLAB" study run study.yaml --out study
rm -r study/figures study/report.html
cd .. && tar --sort=name --mtime=2026-11-29 -czf first-release.tar.gz first-release
