# Every target is safe to repeat. On Debian 12 with the Swift toolchain and nothing else, `make demo` and `make test`
# bring what they need.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo build test test-long lint bench fuzz install clean

PREFIX ?= /usr/local
DESTDIR ?=
SECONDS ?= 60

help: ## Say what there is to make
	@echo 'Sluice: make TARGET'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  PREFIX=/usr/local   where `make install` puts the program'
	@echo '  SECONDS=60          how long `make fuzz` runs'

demo: ## Install what is missing, build, and run an example project end to end
	@scripts/build
	@scripts/demo

build: ## Install what is missing and build .build/release/sluice
	@scripts/build

test: ## Install what the tests need and run them all
	@scripts/test

test-long: ## What takes hours: every test, files of 5 and 10 GB, an hour of fuzzing
	@scripts/test-long

lint: ## Check format, floors and scripts
	@scripts/lint

bench: ## Print the speed as ratios against pyarrow, DuckDB and polars
	@scripts/bench

fuzz: ## Feed damaged files to the readers, for SECONDS
	@scripts/fuzz $(SECONDS)

install: ## Build, and copy the program under PREFIX
	@scripts/build
	@scripts/install "$(DESTDIR)$(PREFIX)"

clean: ## Remove what was built and the tests' Python environment
	@rm -rf .build .venv Benchmarks/.cache Fuzz/.work
	@echo 'Removed .build, .venv, Benchmarks/.cache and Fuzz/.work.'
