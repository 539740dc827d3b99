# Everything a fresh machine needs is set up by `make setup`; the other targets call it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python
STAMP := .venv/.installed
RECORDS := 1000000
EVENTS := 100000
FILES := 10000
EVERY := 9
MINUTES := 30
LIMIT := inf
WORKERS := 1
MEGABYTES := 1000
LOG :=
export PYTHONDONTWRITEBYTECODE :=
export TZ := UTC

.PHONY: help setup demo test check format fuzz second compare extremes crash bench pull soak memory lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with the locked dependencies (uv if it is installed, else venv and pip)

$(STAMP): requirements.lock pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing .venv && \
	  uv pip install --quiet --python $(PY) --require-hashes -r requirements.lock && \
	  uv pip install --quiet --python $(PY) --no-deps -e .; \
	else \
	  python3 -m venv .venv && \
	  $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps -e .; \
	fi
	@echo "Compiling the kernels (once) …" && $(PY) -m pipeline.warm
	@touch $@

demo: setup ## run the main job on samples/: collect, decode, rate, bill
	@$(PY) -m pipeline.demo

test: setup ## run the tests
	@$(PY) -m pytest -q -n auto --dist worksteal

check: setup ## format, lint, strict types, import rules
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: setup ## format and fix what can be fixed
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

fuzz: setup ## mutated records through framing and decoder; `make fuzz RECORDS=10000000` for more
	@$(PY) -m tests.mediation.fuzz --records $(RECORDS)

second: RECORDS := 100000
second: setup ## 100,000 clean records of each format against asn1tools (and pycrate): `make second RECORDS=1000`
	@$(PY) -m tests.mediation.second_opinion --records $(RECORDS)

compare: setup ## rating kernels against their twin on drawn books, and laws; `make compare EVENTS=1000000`
	@$(PY) -m tests.rating.many --events $(EVENTS) $(if $(LOG),--log $(LOG))

extremes: setup ## what a record costs in extreme books beside a plain one, at most three times
	@$(PY) -m tests.rating.extremes

crash: setup ## kill commands at steps and moments, refuse writes: `make crash EVERY=1 WORKERS=2 LOG=crash.log`
	@$(PY) -m tests.pipeline.crash --every $(EVERY) --minutes $(LIMIT) --workers $(WORKERS) $(if $(LOG),--log $(LOG))

bench: setup ## throughput against peers
	@.venv/bin/huadan bench decode && .venv/bin/huadan bench rate && .venv/bin/huadan bench run

pull: setup ## thousands of files over SFTP connections that are cut; `make pull FILES=10000`
	@$(PY) -m tests.collectors.cuts --files $(FILES)

soak: setup ## huadan watch under a steady load; `make soak MINUTES=30`
	@$(PY) -m tests.pipeline.soak --minutes $(MINUTES)

memory: setup ## what `decode --stats` and the pager hold of large files: `make memory MEGABYTES=1000`
	@$(PY) -m tests.pipeline.inspection_memory --megabytes $(MEGABYTES)

lock: ## write requirements.lock anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --extra bench --extra calendars --extra sftp --group dev pyproject.toml -o requirements.lock

clean: ## remove what the targets made
	rm -rf .venv demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
