.DEFAULT_GOAL := help
.PHONY: help venv demo test lint types bench clean

# make demo SERVE=0 builds the books and does not open Fava.
SERVE ?= 1
# One process per core; the tests of a file share its fixtures, the longest files come first.
PYTEST_ARGS ?= -n auto --dist loadfile --no-loadscope-reorder

help: ## print the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

venv: ## make .venv with all dependencies (PYTHON=... chooses the interpreter)
	@.ci/bootstrap

demo: build/demo/.made ## a made-up company's books over a month, shown in Fava (SERVE=0: not shown)
	.venv/bin/finops --books build/demo status || test $$? -eq 1
ifneq ($(SERVE),0)
	.venv/bin/finops serve build/demo
endif

# The stamp is written last: a demo that was cut off is made anew, one that is there is kept.
build/demo/.made: | venv
	rm -rf build/demo build/samples
	.venv/bin/finops demo build/demo --days 31 --orders-per-day 100 --partners 1 --run --samples build/samples
	touch $@

# A fault of style or types does not hide what the tests say, but it fails the run all the same.
test: venv ## style, types and all tests
	@checks=0; $(MAKE) --no-print-directory --keep-going lint types || checks=1; \
	.venv/bin/python -m pytest $(PYTEST_ARGS) && exit $$checks

lint: venv ## ruff: rules and layout
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: venv ## mypy, strict
	.venv/bin/mypy

bench: venv ## the benchmarks, side by side with plain tools
	.venv/bin/python -m tests.benchmarks

clean: ## remove what was built, .venv included
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
