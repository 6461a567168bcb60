# Fresh machine: `make demo` shows the tool on this checkout, `make test` runs the tests.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# The month of the newest commit: a period in which this checkout has something to show.
PERIOD ?= $(shell git log -1 --format=%cd --date=format:%Y-%m 2>/dev/null || date +%Y-%m)

.PHONY: demo demo-record test peers check check-static fmt docs bench smoke contract campaign clean install dev
.DEFAULT_GOAL := help

help:           ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

install: $(VENV)/.installed
dev: $(VENV)/.dev

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

# pip before 25.1 knows no dependency groups, so the group is read here.
$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -c "import tomllib; print('\n'.join(tomllib.load(open('pyproject.toml','rb'))['dependency-groups']['dev']))" > $(VENV)/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(VENV)/dev.txt
	@touch $@

demo: install   ## collect, judge, pack and verify: this checkout, then a fictional company
	@rm -rf demo-output && mkdir -p demo-output
	$(BIN)/soc2ev --config sample-config.yaml collect --period $(PERIOD)
	$(BIN)/soc2ev --config sample-config.yaml checklist --period $(PERIOD)
	$(BIN)/soc2ev --config sample-config.yaml pack --period $(PERIOD) --output demo-output/packs
	$(BIN)/soc2ev verify demo-output/packs/*
	$(BIN)/soc2ev demo --output demo-output/company

demo-record: dev ## record again what the fictional company's GitHub and Jira answer
	$(BIN)/python -m tests.demo.record

test: dev       ## run the tests
	$(BIN)/python -m pytest -n 2 -q

peers:          ## install the systems that tests talk to: servers (apt, needs root), OpenBao, Spark and ClickHouse (into ~/.cache)
	tests/peers/install.sh

check: check-static test ## format, lint, types, floors, tests

check-static: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: dev        ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: dev       ## rewrite the generated references
	$(BIN)/python docs/generate.py

bench: dev      ## ratios against git itself, in one run
	$(BIN)/python benchmarks/git_history.py

smoke: dev      ## the wheel, alone in a clean environment
	$(BIN)/python -m pytest -q tests/test_packaging.py

contract: dev   ## compare the fake GitHub with GitHub's published descriptions (needs npm)
	@mkdir -p build/contract
	cd build/contract && npm pack --silent @octokit/graphql-schema@15.26.1 @octokit/openapi@23.0.2 >/dev/null \
	  && for f in octokit-graphql-schema-*.tgz octokit-openapi-*.tgz; do mkdir -p $${f%-*} && tar xzf $$f -C $${f%-*}; done
	SOC2EV_GITHUB_SDL=build/contract/octokit-graphql-schema/package/schema.graphql \
	SOC2EV_GITHUB_OPENAPI=build/contract/octokit-openapi/package/generated/api.github.com.json \
	$(BIN)/python -m pytest -q tests/contract

campaign: dev   ## faults at endpoints of GitHub and Jira: a sample of the matrix (all of it: python -m tests.campaign --help)
	$(BIN)/python -m tests.campaign --distinct --sample 400

clean:
	rm -rf $(VENV) demo-output dist build
