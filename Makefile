# Every target works in a path with spaces (all paths are relative) and offline after its first run.
PYTHON ?= python3
BIN := .venv/bin
# Without KUBECONFIG=... on the command line no cluster of yours is ever touched.
ifneq ($(origin KUBECONFIG),command line)
unexport KUBECONFIG
override KUBECONFIG :=
endif

.DEFAULT_GOAL := help
.PHONY: help demo cluster test integration samples e2e chaos check format generate constraints sbom clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/demo: pyproject.toml local/pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e . -e './local[sample]'
	@touch $@

.venv/dev: .venv/demo sdk/pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -e './local[sample]' -e ./sdk
	@touch $@

demo: .venv/demo ## run a real sweep (SWEEP=FILE: another one), on a cluster inside this process or on KUBECONFIG=FILE
	@$(BIN)/python -m hyperdrive_demo $(if $(KUBECONFIG),--kubeconfig '$(KUBECONFIG)') $(if $(SWEEP),--sweep '$(SWEEP)')

cluster: .venv/demo ## start the demo's cluster again, with its results, until Ctrl-C
	@$(BIN)/python -m hyperdrive_demo --serve

test: .venv/dev ## the tests that need no cluster and a few minutes
	$(BIN)/python -m pytest -n auto -m 'not cluster' --ignore=tests/integration tests

integration: .venv/dev ## operators as processes on the embedded cluster: killed, replaced, learning
	$(BIN)/python -m pytest -n auto -m 'not samples' tests/integration

samples: .venv/dev ## run every sample, as it is but for fewer trials, on the embedded cluster
	$(BIN)/python -m pytest -n auto -m samples tests/integration

e2e: .venv/dev ## end-to-end tests on the cluster of KUBECONFIG=FILE (tests/e2e/README.md)
	KUBECONFIG='$(KUBECONFIG)' $(BIN)/python -m pytest -n 3 -m cluster tests/e2e

chaos: .venv/dev ## faults, one after the other (SEED=n ROUNDS=n BRIEF=1 ONLY="killed down" KUBECONFIG=FILE)
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(BRIEF),--brief --at-once 3) \
	  $(if $(KUBECONFIG),--kubeconfig '$(KUBECONFIG)') $(if $(ONLY),--only $(ONLY))

check: .venv/dev ## linters, types, import contract, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --quiet --min-severity medium .github
	$(BIN)/python -m hyperdrive_operator.tools.generate --check

format: .venv/dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: .venv/dev ## write crds/ and manifests/ from the models
	$(BIN)/python -m hyperdrive_operator.tools.generate

constraints: .venv/dev ## pin what the image installs to the versions that are installed here (constraints.txt)
	$(BIN)/python -m hyperdrive_operator.tools.constraints

sbom: ## write sbom.cdx.json: what the image's Python environment consists of (CycloneDX)
	$(PYTHON) -m venv .venv/sbom
	.venv/sbom/bin/python -m pip install --quiet --disable-pip-version-check 'cyclonedx-bom>=7,<8'
	.venv/sbom/bin/cyclonedx-py requirements --output-reproducible --output-format JSON --output-file sbom.cdx.json constraints.txt

clean: ## remove what make has made
	rm -rf sbom.cdx.json .venv .local .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build operator/*.egg-info local/*.egg-info sdk/*.egg-info
