# 宽息: `make demo` and `make test` need python3.11, pip and make, nothing else.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
PORT ?= 8000
HOST ?= 127.0.0.1
export PORT HOST

.PHONY: help demo test lint audit sbom serve bench fuzz scan chaos pictures lock clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

# Without ensurepip on some Debians: the machine's pip installs into the environment.
.venv/.demo: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --no-warn-script-location --require-hashes --only-binary=:all: -r requirements.txt
	touch $@

.venv/.dev: requirements-dev.txt .venv/.demo
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --no-warn-script-location --require-hashes --only-binary=:all: -r requirements-dev.txt
	touch $@

demo: .venv/.demo ## set up and run everything on SQLite and a private Redis; Ctrl-C stops it
	@DEMO=1 $(BIN)/python manage.py run_demo

# loadgroup hands out one test at a time, in order: long journeys spread, a process's stay in order.
test: .venv/.dev ## the whole suite, a process a core; PostgreSQL, Redis and Chromium are used where there are any
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup $(ARGS)

lint: .venv/.dev ## style, types, templates, migrations, security patterns, settings of production
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/bandit -q -ll -c pyproject.toml -r portal loans relief
	DEMO=1 $(BIN)/python manage.py makemigrations --check --dry-run
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(40))') HTTPS=1 ALLOWED_HOSTS=relief.example EVIDENCE_KEYS=only-to-look-at-the-settings-of-production \
	LENDER_NAME=某某消费金融有限公司 LENDER_ADDRESS=某市某路 LENDER_CODE=91310000MA1FL5AB0X VAR_DIR=$$(mktemp -d) \
	DATABASE_URL=postgres:///kuanxi REDIS_URL=redis://127.0.0.1:6379 $(BIN)/python manage.py check --deploy --fail-level WARNING

audit: .venv/.dev ## known vulnerabilities of what is locked; says so where the advisory data is out of reach
	$(PYTHON) .ci/audit $(BIN)/pip-audit requirements-dev.txt

sbom: .venv/.dev ## what the product is made of, as CycloneDX, into var/sbom.json
	mkdir -p var
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o var/sbom.json requirements.txt

serve: .venv/.demo ## as in production: gunicorn, worker, beat on DATABASE_URL and REDIS_URL
	$(BIN)/python manage.py migrate --no-input
	$(BIN)/python manage.py collectstatic --no-input --verbosity 0
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/honcho start

bench: .venv/.dev ## measure; prints the tables that README quotes
	$(BIN)/python -m tests.bench

fuzz: .venv/.dev ## put values nobody means into every field of every address, over HTTP
	$(BIN)/python -m tests.fuzz $(ARGS)

scan: .venv/.dev ## two scanners at a demo that runs under `make serve`; portal/README.md says how
	$(BIN)/python -m tests.scan $(ARGS)

chaos: .venv/.dev ## kill, stop and wipe things while people work, then prove nothing was lost
	$(BIN)/python -m tests.chaos $(ARGS)

pictures: .venv/.dev ## every screen and state at 390 and 1280, light, dark and in large type, into var/pictures
	$(BIN)/python -m tests.pictures $(ARGS)

# Without the machine's own indexes; wheels only, as they are installed; pins that still fit stay.
LOCK := env -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL -u PIP_FIND_LINKS -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
	uv pip compile --no-config --only-binary :all: --quiet --generate-hashes --universal --python-version 3.11 --no-header --no-annotate pyproject.toml
EXTRAS := --extra sms-aliyun --extra metrics --extra s3

lock: ## lock the dependencies anew (needs uv); no registry address gets into the files
	$(LOCK) -o requirements.txt
	$(LOCK) -c requirements.txt $(EXTRAS) --group dev -o requirements-dev.txt
	$(LOCK) -c requirements-dev.txt $(EXTRAS) -o requirements-extras.txt

clean: ## forget the demo's data and the environment
	rm -rf var .venv
