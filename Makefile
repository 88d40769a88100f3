# Each target does its own set-up on a fresh machine: a virtual environment, pinned dependencies, MNIST.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test torture matrix lint bench bench-peers pictures bench-photo parity gpu-pack gpu gpu-rehearsal extractor extractor-general orders generators golden dist dist-check clean

demo: $(VENV)/.installed
	$(BIN)/sparring data fetch mnist
	$(BIN)/sparring train selfcond
	$(BIN)/sparring evaluate latest

test: $(VENV)/.installed-dev
	$(BIN)/sparring data fetch mnist
	$(BIN)/pytest -n 2 $(PYTEST)  # two processes: each test takes one thread

# Kills at every boundary of a write and at random, damaged and hostile files by the hundred, a long run: about an hour on 2 cores.
torture: export PYTHONPATH := tests
torture: export OMP_NUM_THREADS := 1
torture: $(VENV)/.installed-dev
	$(BIN)/sparring data fetch mnist
	$(BIN)/python -m torture.kills
	$(BIN)/python tests/strangers/corpus.py
	$(BIN)/python -m torture.long

# What goes with what: all pairs of parts, for docs/matrix.md, then every combination; some minutes.
matrix: export PYTHONPATH := tests
matrix: $(VENV)/.installed-dev
	$(BIN)/python -m matrix.matrix
	$(BIN)/python -m matrix.matrix --full

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

bench: $(VENV)/.installed
	$(BIN)/sparring data fetch mnist
	$(BIN)/sparring bench

# Beside TensorFlow, Keras, JAX and plain PyTorch, each in an environment of its own; about 15 minutes on 2 cores.
# The results are peers.json and peers.md; what is there is not measured again, so that an interrupted run goes on.
bench-peers: $(VENV)/.installed $(VENV)-tensorflow/.installed $(VENV)-jax/.installed
	$(BIN)/sparring data fetch mnist
	$(BIN)/python benchmarks/race.py --json peers.json --markdown peers.md

# Every recipe's generator at full size as ONNX, for the table of docs/export.md; minutes.
parity: export PYTHONPATH := tests
parity: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/parity.py

# Six sets of pictures to develop `photo` with, through npm and apt, into the cache folder; what cannot be had is skipped.
pictures: $(VENV)/.installed
	$(BIN)/python benchmarks/pictures.py

# `photo` on them: trained, drawn and scored, in runs/photo; half an hour.
bench-photo: pictures
	$(BIN)/python benchmarks/photo.py

# What a machine with a GPU and no network needs beside this folder: it travels as gpu-pack/.
gpu-pack: $(VENV)/.installed
	$(BIN)/python benchmarks/gpu/pack.py gpu-pack

# One visit to a GPU, in at most 8 minutes, with a Python that has PyTorch for it; PART is first, second or third.
PART ?= first
OUT ?= gpu-found
gpu: export PYTHONPATH := src:tests:gpu-pack/packages
gpu: export SPARRING_CACHE := gpu-pack/cache
gpu:
	test -d gpu-pack || $(MAKE) gpu-pack
	gunzip --keep --force gpu-pack/cache/mnist/*.gz
	$(PYTHON) benchmarks/gpu/check.py $(OUT) --part $(PART)

# Every section of it on the CPU, with a recipe or two and a few rounds; a minute.
gpu-rehearsal: export PYTHONPATH := tests
gpu-rehearsal: export OMP_NUM_THREADS := 1
gpu-rehearsal: $(VENV)/.installed
	$(BIN)/sparring data fetch mnist
	$(BIN)/python benchmarks/gpu/check.py gpu-found --device cpu --few --part all --seconds 600

# The extractors that come with the package: the same machine, software and number of threads give the same files.
extractor: $(VENV)/.installed
	$(BIN)/sparring data fetch mnist
	$(BIN)/sparring extractor train mnist --name digits --out src/sparring/evaluation/extractors/weights

extractor-general: pictures
	$(BIN)/sparring data fetch mnist
	$(BIN)/python benchmarks/extractor.py

# What the general extractor must put in order, on the sets of `make pictures`; some minutes.
orders: pictures
	$(BIN)/python benchmarks/orders.py

# The generators that come with the package, trained by their recorded commands: hours; see benchmarks/generators.py.
generators: export OMP_NUM_THREADS := 1
generators: $(VENV)/.installed
	$(BIN)/sparring data fetch mnist
	$(BIN)/python benchmarks/generators.py

golden: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python tests/golden/traces.py

# Wheel and source archive, in dist/.
dist: $(VENV)-dist/.installed
	rm -rf dist
	$(VENV)-dist/bin/python -m build
	$(VENV)-dist/bin/twine check --strict dist/*

# The wheel in an empty environment of each Python that is on this machine, and the source archive's own tests; some minutes.
PYTHONS ?= python3.11 python3.12 python3.13
dist-check: dist $(VENV)/.installed-dev
	$(BIN)/python tests/built/check.py $(PYTHONS)

clean:
	rm -rf $(VENV) $(VENV)-dist $(VENV)-tensorflow $(VENV)-jax

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e ".[dev]"
	touch $@

$(VENV)-dist/.installed:
	$(PYTHON) -m venv $(VENV)-dist
	$(VENV)-dist/bin/pip install --disable-pip-version-check -q build==1.6.1 twine==7.0.0
	touch $@

$(VENV)-%/.installed: benchmarks/requirements-%.txt
	$(PYTHON) -m venv $(VENV)-$*
	$(VENV)-$*/bin/pip install --disable-pip-version-check -q -r $<
	touch $@
