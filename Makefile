PYTHON ?= python3
ARCHITECTURE ?= arm64
ENVIRONMENT ?= dev
ARGS ?=

DEV := .venv/.complete
LOCAL := .venv-local/.complete
SAM := .venv-sam/.complete
CHECKOV := .venv-checkov/.complete
BENCH := .venv-bench/.complete
AUDIT := .venv-audit/.complete
DEV_3_13 := .venv-3.13/.complete
SAM_CLI := PATH="$(CURDIR)/.venv-sam/bin:$$PATH" SAM_CLI_TELEMETRY=0 sam

# What one process has compiled, the many others of a test run need not compile again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-browser test-3.13 check fix lock build deploy-local check-template audit sbom upgrade drill bench bench-tags bench-imports soak fuzz openapi verify-sandbox sim-scale screenshots forget clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV) $(LOCAL) ## Make the virtual environments that demo, up and test need

demo: setup ## Run everything here with both vendors simulated and play the story (ARGS="--exit" ends after it)
	@.venv/bin/python -m local demo $(ARGS)

up: setup ## Run everything here without the story (ARGS="--port 8080")
	@.venv/bin/python -m local up $(ARGS)

test: setup ## Run every test but the browser's, the whole stack included (ARGS="tests/domain -x" runs only those)
	.venv/bin/python -m pytest $(or $(ARGS),-n 4 --no-loadscope-reorder -m "not browser")

test-browser: setup ## Drive the page in a headless Chromium, which is installed where it can be
	@tools/find-chromium --install >/dev/null
	.venv/bin/python -m pytest -m browser $(ARGS)

test-3.13: ## Run the tests of what is shipped on the deployed Python version, where there is one
	@python=$$(tools/find-python 3.13); \
	if [ -z "$$python" ]; then \
		echo "No Python 3.13 on this machine: the tests ran on another version than the deployed one only."; \
	else \
		$(MAKE) --no-print-directory $(DEV_3_13) PYTHON="$$python" && \
		.venv-3.13/bin/python -m pytest -n 2 $(or $(ARGS),$(addprefix tests/,domain services fakes net pex procore store runtime functions)); \
	fi

check: $(DEV) $(SAM) ## Check format, lint, types, imports and templates
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	PYTHONPATH=layers/common .venv/bin/lint-imports --no-logo
	PYTHONPATH=layers/common:. .venv/bin/python -m tools.openapi --check
	$(SAM_CLI) validate --lint --region us-east-1

fix: $(DEV) ## Format, and repair what the linter can
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lock: ## Resolve requirements/*.in and the layer's again into their lock files (needs uv)
	@command -v uv >/dev/null || { echo "No 'uv' on this machine: install it with 'pip install uv'."; exit 1; }
	for name in layers/common/requirements $(basename $(wildcard requirements/*.in)); do \
		uv pip compile --quiet --no-config --no-header --no-emit-index-url --no-emit-find-links --generate-hashes \
			--exclude-newer $$(cat requirements/newest-day) --universal --python-version 3.11 $$name.in --output-file $$name.txt $(ARGS) || exit 1; \
	done

build: $(SAM) ## Build what is deployed into .aws-sam (ARCHITECTURE=x86_64 for Intel)
	find functions -name __pycache__ -prune -exec rm -rf {} +
	ARCHITECTURE=$(ARCHITECTURE) COMPILER=$$(tools/find-python 3.13) \
		$(SAM_CLI) build --region us-east-1 --parameter-overrides Architecture=$(ARCHITECTURE)
	@printf '\nThe layer, unpacked (AWS takes 250 MB): '; du -sh .aws-sam/build/CommonLayer | cut -f 1

deploy-local: setup ## Put the template on an emulated AWS that runs already (ARGS="--endpoint-url http://127.0.0.1:4566")
	@.venv/bin/python -m local.deploy $(ARGS)

check-template: $(LOCAL) $(CHECKOV) ## Let checkov read the template as CloudFormation gets it; what we do not follow is in tools/checkov.yaml
	@.venv-local/bin/python -m local.translate > .venv-checkov/template.json
	@.venv-checkov/bin/checkov --config-file tools/checkov.yaml --file .venv-checkov/template.json

audit: $(DEV) $(AUDIT) ## Ask whether a weakness is known in what is shipped, and whether a pin is younger than requirements/newest-day
	@.venv/bin/python -m tools.audit

sbom: $(DEV) ## Write docs/sbom.json and docs/licences.md again, from the layer's lock
	@.venv/bin/python -m tools.shipped

screenshots: $(DEV) ## Write the pictures of the page in docs/img again
	@tools/find-chromium --install >/dev/null
	@PYTHONPATH=layers/common .venv/bin/python -m tests.browser.pictures

forget: $(DEV) ## Delete everything kept about one business (BUSINESS=98702 ARGS="--stack NAME --endpoint-url URL")
	@test -n "$(BUSINESS)" || { echo "Which? make forget BUSINESS=98702"; exit 1; }
	@PYTHONPATH=layers/common:. .venv/bin/python -m tools.forget $(BUSINESS) $(ARGS)

upgrade: $(DEV) ## Write the ledger rows of earlier versions as this one does (ARGS="--stack NAME --endpoint-url URL")
	@PYTHONPATH=layers/common:. .venv/bin/python -m tools.upgrade $(ARGS)

drill: setup ## Break the local stack in five ways, watch the alarms' figures and see everything drain (ten minutes)
	@PYTHONPATH=layers/common .venv/bin/python -m tests.whole_stack.drill

soak: $(DEV) ## Simulate bad weeks until 100,000 purchases were made (SEED=7 repeats one week)
	@PYTHONPATH=layers/common .venv/bin/python -m tests.simulation.soak $(if $(SEED),--seed $(SEED)) $(if $(TRANSACTIONS),--transactions $(TRANSACTIONS))

sim-scale: $(DEV) ## Simulate 10,000 businesses and 10 million purchases a month (ARGS=--measure counts anew what a run costs)
	@PYTHONPATH=layers/common:. .venv/bin/python -m benchmarks.scale $(ARGS)

verify-sandbox: $(DEV) ## Ask the vendors' sandboxes what nobody could tell us (docs/sandbox-findings.md says how)
	@PYTHONPATH=layers/common:. .venv/bin/python -m tools.verify_sandbox $(ARGS)

openapi: $(DEV) ## Write docs/openapi.json again, from the models at the API's border
	@PYTHONPATH=layers/common:. .venv/bin/python -m tools.openapi

fuzz: setup ## Send each route of the API many requests that nobody would think of (EXAMPLES=2000)
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),200) .venv/bin/python -m pytest tests/functions/test_openapi.py

bench: $(BENCH) $(LOCAL) ## Measure the connector beside what somebody might take instead (ARGS="--quick --only contest")
	@PYTHONPATH=layers/common:. .venv-bench/bin/python -m benchmarks $(ARGS)

bench-tags: $(DEV) ## Measure what keeping the tags of a large contractor costs (under two minutes)
	@PYTHONPATH=layers/common .venv/bin/python -m benchmarks.tags

bench-imports: $(DEV) ## Build the layer for this machine and measure what each function's cold start spends on importing
	@.venv/bin/python -m benchmarks.imports

clean: ## Remove all that these targets made
	rm -rf .venv .venv-local .venv-sam .venv-checkov .venv-bench .venv-n8n .venv-audit .venv-3.13 .aws-sam .local-state
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find functions layers local tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(DEV): requirements/dev.txt
	@PYTHON="$(PYTHON)" tools/make-venv .venv $< --no-compile

# Compiled ahead: the emulator starts every function in a process of its own.
$(LOCAL): requirements/local.txt
	@PYTHON="$(PYTHON)" tools/make-venv .venv-local $<

$(SAM): requirements/sam.txt
	@PYTHON="$(PYTHON)" tools/make-venv .venv-sam $< --no-compile

$(BENCH): requirements/bench.txt
	@PYTHON="$(PYTHON)" tools/make-venv .venv-bench $< --no-compile

$(CHECKOV): requirements/checkov.txt
	@PYTHON="$(PYTHON)" tools/make-venv .venv-checkov $< --no-compile

$(AUDIT): requirements/audit.txt
	@PYTHON="$(PYTHON)" tools/make-venv .venv-audit $< --no-compile

$(DEV_3_13): requirements/dev.txt
	@PYTHON="$(PYTHON)" tools/make-venv .venv-3.13 $< --no-compile
