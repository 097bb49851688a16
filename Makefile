# make setup   install the system libraries that are missing (Debian and Ubuntu, as root or with sudo)
# make build   release build: .build/release/kglab
# make test    all tests (sets up first)
# make demo    set up, build, run experiments/quickstart and say where its report is
# make lint    check the formatting of all Swift files
# make bench   measure training speed on this machine
# make clean   remove the build; studies under runs/ stay

KGLAB := .build/release/kglab

.PHONY: help setup build test demo lint bench clean

help:
	@sed -n 's/^# make/make/p' Makefile

setup:
	@scripts/setup.sh

build: setup
	swift build -c release

test: setup
	swift test --disable-xctest

demo: build
	$(KGLAB) study run experiments/quickstart/study.yaml
	@echo "report: runs/quickstart/report.html"

lint:
	swift format lint --strict --parallel --recursive Sources Tests Package.swift

bench: build
	$(KGLAB) bench

clean:
	swift package clean
