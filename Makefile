# The commands of the project: `make demo` runs the pipeline on real data, `make test` the tests.
PYTHON ?= python3
CORES ?= all
VENV := .venv
INSTALLED := $(VENV)/.installed
DOCUMENTED := $(VENV)/.documented
PYTHONS ?= 3.11 3.13
WORKERS ?= 2
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo check test test-cluster test-compatibility test-dist containers dist docs trial screenshot lint format settings lock \
  clean bench-accuracy bench-speed mutants ontology

help: ## list these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

install: $(INSTALLED) ## make .venv and install the locked requirements in it

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Python 3.11 or newer is needed, and $(PYTHON) is not; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "error: $(PYTHON) cannot make a virtual environment; on Debian or Ubuntu install python3-venv" >&2; exit 1; }
	@echo "Installing the locked requirements into $(VENV); this takes some minutes, once."
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --requirement requirements.lock
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	$(VENV)/bin/python envs/warm_up.py
	@touch $@

demo: $(INSTALLED) ## run the whole pipeline on the data of config/ (built-in real data)
	snakemake --cores $(CORES)
	@echo
	@echo "Done. Open results/index.html"

check: $(INSTALLED) ## check config/config.yaml, its sample sheet and every sample's file
	python scripts/check.py --configfile config/config.yaml

test: $(INSTALLED) ## run the tests (WORKERS=2 at once)
	pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

test-cluster: $(INSTALLED) ## run the tests on a real Slurm that they install and start (root, Debian 12)
	pytest -v --durations=0 tests/cluster

test-compatibility: $(INSTALLED) ## open what the pipeline writes in anndata 0.10 to 0.13 (needs Python 3.12 or newer too)
	pytest tests/compatibility

docs: $(DOCUMENTED) ## build the documentation into docs/_build/html
	python -m sphinx -q -n -W --keep-going -b html docs docs/_build/html
	python docs/check.py docs/_build/html

$(DOCUMENTED): docs/requirements.txt $(INSTALLED)
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --requirement docs/requirements.txt
	@touch $@

trial: $(INSTALLED) ## try kills, damage, tampering and full disks, an hour (TRIAL="--kills 20": fewer)
	PYTHONPATH=tests:tests/workflow python benchmarks/trial.py $(TRIAL)

screenshot: demo ## take the picture of the report that README.md shows (needs Chromium)
	python docs/screenshot.py

dist: $(INSTALLED) ## build wheel and source distribution into dist/
	rm -rf dist
	python -m build --no-isolation --outdir dist .

test-dist: dist ## install the wheel alone and use it (PYTHONS="3.11 3.13")
	python tests/wheel/check_wheel.py $(PYTHONS)

containers: ## build the Apptainer images of config/config.yaml (VARIANTS="cpu cuda")
	containers/build.sh $(VARIANTS)

lint: $(INSTALLED) ## check style, types and workflow
	ruff check .
	ruff format --check .
	mypy
	python -m scsiameseclu.stages.settings_files --check
	MYPYPATH=src mypy envs/warm_up.py
	MYPYPATH=workflow/lib mypy workflow/lib
	snakefmt --check Snakefile workflow
	snakemake --lint

format: $(INSTALLED) ## put Python and Snakemake code into the project's form
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

settings: $(INSTALLED) ## write schemas, config.yaml and the tables of config/README.md from the settings
	python -m scsiameseclu.stages.settings_files

ontology: ## extract the classes of the Cell Ontology that cell_type_names.tsv names (downloads 98 MB)
	$(PYTHON) -m venv build/ontology
	build/ontology/bin/python -m pip install --disable-pip-version-check --quiet cellxgene-ontology-guide==1.11.1 zstandard
	build/ontology/bin/python benchmarks/cell_ontology.py

lock: $(DOCUMENTED) ## write requirements.lock, docs/requirements.txt and envs/environment.yaml from .venv
	@python -m pip freeze --all --exclude pip --exclude-editable | sed 's/+cpu$$//' | python envs/lock.py

clean: ## remove results, logs and caches; .venv stays
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	rm -rf .snakemake .pytest_cache .mypy_cache .ruff_cache build dist docs/_build docs/reference/generated
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

VARIANTS ?= cpu cuda
DATA ?= ../shared/data
MAX_CELLS ?= 1000000
BENCH := python benchmarks/accuracy.py --data $(DATA)

bench-speed: $(INSTALLED) ## time and memory of every stage, beside scanpy's path (MAX_CELLS=30000)
	python benchmarks/speed.py --data $(DATA) --max-cells $(MAX_CELLS)
	python benchmarks/speed_report.py $$(ls -t benchmarks/results/speed-*.csv | head -1)
	python benchmarks/startup.py

# smallest first
PANEL := pollen_11lines darmanis_brain joost_epidermis zilionis_mouse_lung mouse1 cellbench5_3plate mouse2 mouse_bladder_2100 marques_oligo \
  zheng_sorted_ref pbmc3k mouse_bladder_hvg worm_neuron pbmc_10x_4k human_kidney_young cite_cbmc
QUICK ?=

ifneq ($(QUICK),)
bench-accuracy: $(INSTALLED) ## measure every method on the labelled data of DATA=folder (hours; QUICK=1: half an hour)
	$(BENCH) --seeds 3 --sets $(PANEL) --methods ours leiden "leiden oracle" kmeans
	python benchmarks/reliability.py
	python benchmarks/summary.py
else
bench-accuracy: $(INSTALLED)
	$(BENCH) --seeds 5
	$(BENCH) --seeds 1 --methods variants --sets $(PANEL)
	python benchmarks/ideas.py --data $(DATA)
	python benchmarks/voters.py --seeds 0 1
	python benchmarks/reliability.py
	python benchmarks/loso.py
	python benchmarks/summary.py
	python benchmarks/plots.py
	python benchmarks/page.py
endif

mutants: $(INSTALLED) ## change the arithmetic and see whether the tests notice (20 minutes)
	python benchmarks/mutants.py
	python benchmarks/mutants.py --random 200 --seed 0 --output benchmarks/results/mutants.md
