# `make` builds the book, `make test` proves it. Both need Python 3.11 or newer and a package index, and nothing else.

PYTHON ?= python3
VENV ?= .venv
VENV_LITE ?= .venv-lite
PORT ?= 8000
# Chapters for `make execute`, for example CHAPTERS=02-bce. Empty means all.
CHAPTERS ?=
# `make lock UPGRADE=1` takes the newest versions; without it, what is locked and still fits stays.
UPGRADE ?=

# A pipe fails if any part of it does.
SHELL := bash
.SHELLFLAGS := -o pipefail -c

BIN := $(VENV)/bin
SITE := _build/html
NOTEBOOKS := $(sort $(wildcard book/*.ipynb))
COUNT = $(shell grep -c '^[a-zA-Z0-9][^;]*$$' $(1))

.PHONY: book pdf test serve live try-live lite test-lite lab execute bench lighthouse links mutants lock clean distclean help python-version
.DEFAULT_GOAL := book

book: $(VENV)/installed try-live  ## build the site from clean, warnings are errors
	@echo "==> Building the site"
	@rm -rf _build
	@$(BIN)/jupyter-book build . --all -W -n --keep-going
	@echo
	@echo "The book is in $(SITE)/index.html. To look at it: make serve"

pdf: $(VENV)/installed  ## set the book as a PDF, dist/logistic-regression-line-by-line.pdf; needs LaTeX, says what is missing
	@echo "==> Writing the book for paper"
	@$(BIN)/python book/make_pdf.py

test: $(VENV)/installed try-live  ## run every test, and every chapter against its stored outputs
	@echo "==> Testing: the package, the site, and $(words $(NOTEBOOKS)) chapters run again"
	@# The order is that of tests/conftest.py.
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(if $(NOTEBOOKS),--nbval --nbval-current-env $(NOTEBOOKS)) tests

serve: $(VENV)/installed  ## look at the site, http://localhost:8000 (PORT=... for another)
	@test -f $(SITE)/index.html || $(MAKE) --no-print-directory book
	@echo "==> The book is at http://localhost:$(PORT) (Ctrl-C stops)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

live: $(VENV)/installed  ## fetch what runs Python in the reader's browser, 38 MB, into .live; `make book` does it as well
	@$(BIN)/python book/live/fetch.py

# Where it cannot be had, the pages are the same without live code. Where CI=true, that is an error.
try-live: $(VENV)/installed
	@$(BIN)/python book/live/fetch.py || { test "$$CI" != true && \
	    echo "==> The pages will have no live code. To try again: make live"; }

lite: $(VENV)/installed $(VENV_LITE)/installed  ## put JupyterLab for the browser into the site that `make book` built, and check it there
	@echo "==> Building JupyterLab for the browser"
	@$(VENV_LITE)/bin/python book/lite/build.py --wheels $(VENV_LITE)/wheels
	@$(MAKE) --no-print-directory test-lite
	@$(VENV_LITE)/bin/python book/lite/build.py --link
	@echo "Each chapter in $(SITE) has a link to it now. To look at it: make serve"

test-lite: $(VENV)/installed  ## open a chapter in that JupyterLab, in a browser that reaches nothing else, and run its first cells
	@echo "==> Running the first cells of chapter 1 in JupyterLab in the browser"
	@$(BIN)/python -m pytest -q -s -p no:xdist --no-header tests/check_lite.py

lab: $(VENV)/installed-lab  ## run the chapters in JupyterLab
	@# JupyterLab shows SVG figures only in notebooks that it trusts.
	@$(BIN)/jupyter trust $(NOTEBOOKS)
	@$(BIN)/jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/book

execute: $(VENV)/installed  ## run the chapters in a clean kernel and store their outputs (CHAPTERS="02-bce" for some)
	@echo "==> Running the chapters"
	@$(BIN)/python book/execute.py $(CHAPTERS)

# uv resolves for every platform and Python version at once, which pip cannot. It lives in an environment of its own.
LOCK = $(1)/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--no-emit-index-url --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
LOCK_GROUP = $(subst pyproject.toml,,$(call LOCK,$(1)))
LOCK_BROWSER = $(1)/bin/uv pip compile --quiet --python-version 3.14 --python-platform wasm32-pyodide2024 --generate-hashes \
	--only-binary :all: --no-emit-index-url --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

mutants: $(VENV)/installed  ## break lrmath on purpose, in more than three thousand small ways, and list those that the tests do not notice
	@echo "==> Breaking lrmath"
	@$(BIN)/python tests/mutants.py

bench: $(VENV)/installed  ## time the fits against their peers and the floor, one thread, a few minutes; writes benchmarks/results.md
	@echo "==> Timing"
	@mkdir -p _build && $(BIN)/python benchmarks/run.py | tee _build/results.md.part
	@mv _build/results.md.part benchmarks/results.md

lighthouse: $(VENV)/installed  ## score the built site with lighthouse (needs Chromium, and npx or lighthouse); half an hour
	@test -f $(SITE)/index.html || $(MAKE) --no-print-directory book
	@$(BIN)/python benchmarks/lighthouse.py | tee _build/lighthouse.md

links: $(VENV)/installed  ## ask every other site that the book links to; the list is in _build/linkcheck/output.txt
	@$(BIN)/jupyter-book build . --builder linkcheck

lock: python-version  ## write requirements*.txt again from the ranges in pyproject.toml (UPGRADE=1 for the newest)
	@echo "==> Resolving the requirements"
	@rm -rf _build/lock && $(PYTHON) -m venv _build/lock && _build/lock/bin/pip install --quiet uv
	@$(call LOCK,_build/lock) --extra verify --extra book --extra test --output-file requirements.txt
	@$(call LOCK,_build/lock) --extra lab --constraints requirements.txt --output-file requirements-lab.txt
	@$(call LOCK_GROUP,_build/lock) --group lite --constraints requirements.txt --constraints requirements-lab.txt --output-file requirements-lite.txt
	@# For Python in the browser. pip takes a wheel only if it is the one that is named here.
	@$(call LOCK_BROWSER,_build/lock) --group lite-browser --output-file book/lite/requirements.txt
	@rm -rf _build/lock

clean:  ## remove what was built; the environment stays
	rm -rf _build build dist .pytest_cache lrmath.egg-info
	find book lrmath tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## remove the environment and what was fetched as well
	rm -rf $(VENV) $(VENV_LITE) .live

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | while IFS="$$(printf '\t')" read -r name what; do \
	    printf '  make %-10s %s\n' "$$name" "$$what"; done

python-version:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed, but '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)." >&2; \
	    echo "Name another one with: make PYTHON=python3.12" >&2; exit 1; }

# The file says that the environment is complete; it is written last.
$(VENV)/installed: requirements.txt pyproject.toml | python-version
	@echo "==> Creating the environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "==> Installing $(call COUNT,requirements.txt) packages, about 80 s the first time"
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@echo "==> Installing lrmath itself"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check
	@touch $@

$(VENV)/installed-lab: $(VENV)/installed requirements-lab.txt
	@echo "==> Installing JupyterLab, about 30 s the first time"
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt -r requirements-lab.txt
	@$(BIN)/python -m pip check
	@touch $@

$(VENV_LITE)/installed: requirements-lite.txt book/lite/requirements.txt | python-version
	@echo "==> Creating an environment for JupyterLite in $(VENV_LITE), about 20 s the first time"
	@test -x $(VENV_LITE)/bin/python || $(PYTHON) -m venv $(VENV_LITE)
	@$(VENV_LITE)/bin/python -m pip install --disable-pip-version-check --quiet -r requirements-lite.txt
	@rm -rf $(VENV_LITE)/wheels
	@$(VENV_LITE)/bin/python -m pip download --disable-pip-version-check --quiet --require-hashes --no-deps --only-binary :all: \
	    --python-version 3.14 --platform any --abi none --dest $(VENV_LITE)/wheels -r book/lite/requirements.txt
	@$(VENV_LITE)/bin/python -m pip check
	@touch $@
