# make setup   install the system libraries that are missing (Debian and Ubuntu, as root or with sudo)
# make build   release build: .build/release/kglab
# make test    all tests (sets up first)
# make test-python   check exports and training against transformers and PyTorch, in a virtual environment
#              of its own (.venv); PYTHON=path takes an interpreter that has them
# make demo    set up, build, run experiments/quickstart and say where its report is
# make lint    check the formatting of all Swift files
# make bench   measure training speed on this machine
# make clean   remove the build; studies under runs/ stay

KGLAB := .build/release/kglab

.PHONY: help setup build test test-python demo lint bench clean

help:
	@sed -n 's/^# make/make/p' Makefile

setup:
	@scripts/setup.sh

build: setup
	swift build -c release

test: setup
	swift test --disable-xctest

test-python: build $(if $(PYTHON),,.venv/installed)
	cd Tests/Python && KGLAB=$(CURDIR)/$(KGLAB) PYTHONDONTWRITEBYTECODE=1 TRANSFORMERS_VERBOSITY=error \
	  HF_HUB_DISABLE_PROGRESS_BARS=1 $(or $(PYTHON),$(CURDIR)/.venv/bin/python) -m unittest -v

# PyTorch's own index has builds without CUDA; where it cannot be reached, the package registry's will do.
.venv/installed: Tests/Python/requirements.txt
	python3 -m venv .venv
	grep '^torch' $< > .venv/torch.txt
	.venv/bin/pip install --quiet --retries 1 --index-url https://download.pytorch.org/whl/cpu \
	  --requirement .venv/torch.txt || echo "test-python: taking the package registry's PyTorch instead"
	.venv/bin/pip install --quiet --requirement $<
	touch $@

demo: build
	$(KGLAB) study run experiments/quickstart/study.yaml
	@echo "report: runs/quickstart/report.html"

lint:
	swift format lint --strict --parallel --recursive Sources Tests Package.swift

bench: build
	$(KGLAB) bench

clean:
	swift package clean
