# make setup   install the system libraries that are missing (Debian and Ubuntu, as root or with sudo)
# make build   release build: .build/release/kglab
# make test    all tests (sets up first)
# make test-python   check exports and training against transformers and PyTorch, in a virtual environment
#              of its own (.venv); PYTHON=path takes an interpreter that has them
# make setup-torch   the Python of --engine torch, in a virtual environment of its own (.venv-torch); TORCH_INDEX=url takes PyTorch
#              from another index than PyPI, such as https://download.pytorch.org/whl/cpu
# make test-slurm    check studies as jobs of a real Slurm on this machine: Debian's packages, unpacked below /tmp where the system
#              has none, on loopback; three minutes on two idle processors
# make demo    set up, build, run experiments/quickstart and say where its report is
# make lint    check the formatting of all Swift files
# make bench   measure training, generation, kernels and graphs on this machine, in a few minutes
# make bench-peers   the same work in PyTorch and JAX, in turns with kglab; PYTHON=... names an environment that has them
# make clean   remove the build; studies under runs/ stay

KGLAB := .build/release/kglab
# Options of every comparison of bench-peers, such as PEER_OPTIONS="--rounds 2 --seconds 1".
PEER_OPTIONS :=
PYTHON ?=

TORCH_INDEX :=

.PHONY: help setup-torch setup build test test-python test-slurm demo lint bench bench-peers peers-run clean

help:
	@sed -n 's/^# make/make/p' Makefile

setup:
	@scripts/setup.sh

build: setup
	swift build -c release --product kglab

test: setup
	swift test --disable-xctest

setup-torch:
	python3 -m venv .venv-torch
	$(if $(TORCH_INDEX),.venv-torch/bin/pip install --quiet --index-url $(TORCH_INDEX) torch)
	.venv-torch/bin/pip install --quiet --editable engines/torch
	.venv-torch/bin/python -c "import kglab_torch, torch; print('kglab_torch', kglab_torch.__version__, 'with torch', torch.__version__)"

test-python: build $(if $(PYTHON),,.venv/installed)
	cd Tests/Python && KGLAB=$(CURDIR)/$(KGLAB) PYTHONDONTWRITEBYTECODE=1 TRANSFORMERS_VERBOSITY=error \
	  HF_HUB_DISABLE_PROGRESS_BARS=1 $(or $(PYTHON),$(CURDIR)/.venv/bin/python) -m unittest -v
	cd engines/torch && export PYTHONDONTWRITEBYTECODE=1 && python=$(or $(PYTHON),$(CURDIR)/.venv/bin/python) && \
	  $$python -m unittest -v && $$python -m ruff check --no-cache . && $$python -m mypy --cache-dir=/dev/null

test-slurm: build
	KGLAB=$(CURDIR)/$(KGLAB) scripts/slurm/test.sh

.venv/installed: Tests/Python/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --requirement $<
	touch $@

demo: build
	$(KGLAB) study run experiments/quickstart/study.yaml
	@echo "report: runs/quickstart/report.html"

lint:
	swift format lint --strict --parallel --recursive Sources Benchmarks Tests Package.swift

bench: build
	$(KGLAB) bench train --regime lab --workers 1,2 --seconds 2
	$(KGLAB) bench train --regime wide --seconds 2
	$(KGLAB) bench generate --seconds 2
	$(KGLAB) bench evaluate --seconds 1
	$(KGLAB) bench ladder
	$(KGLAB) bench graph
	$(KGLAB) bench kernels

# Its tables go to docs/performance.md; about an hour on two processors with the defaults.
bench-peers: build peers-run $(if $(PYTHON),,.venv-peers/installed)
	$(or $(PYTHON),.venv-peers/bin/python) scripts/peers/compare.py --regime lab $(PEER_OPTIONS)
	$(or $(PYTHON),.venv-peers/bin/python) scripts/peers/compare.py --regime wide $(PEER_OPTIONS)
	$(or $(PYTHON),.venv-peers/bin/python) scripts/peers/compare.py --workload generate $(PEER_OPTIONS)
	$(or $(PYTHON),.venv-peers/bin/python) scripts/peers/compare.py --workload evaluate --regime lab $(PEER_OPTIONS)
	$(or $(PYTHON),.venv-peers/bin/python) scripts/peers/compare.py --workload evaluate --run runs/peers/run $(PEER_OPTIONS)
	$(or $(PYTHON),.venv-peers/bin/python) scripts/peers/compare.py --workload ladder $(PEER_OPTIONS)
	$(or $(PYTHON),.venv-peers/bin/python) scripts/peers/detectors.py

# The run whose evaluation is compared; one that is finished stays as it is.
peers-run: build
	mkdir -p runs/peers
	test -e runs/peers/graph.sqlite || $(KGLAB) generate kg-schemas/academia.yaml --seed 7 --scale 3 --out runs/peers/graph.sqlite
	$(KGLAB) train runs/peers/graph.sqlite --size 1m --epochs 20 --weight-decay 0.01 --learning-rate 0.003 --precision auto --out runs/peers/run

.venv-peers/installed: scripts/peers/requirements.txt
	python3 -m venv .venv-peers
	.venv-peers/bin/pip install --requirement scripts/peers/requirements.txt
	@touch $@

clean:
	swift package clean
