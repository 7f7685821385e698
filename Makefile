PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
SMALL := .venv-small
# A PyTorch index of your choice, e.g. the CPU one that pytorch.org/get-started names: torch and
# torchvision then come from there, and NVIDIA's libraries are left out.
TORCH_INDEX ?=
# What that index has instead; its files have hashes of their own, which are not known here.
FROM_TORCH := ^(torch|torchvision)==
CUDA_LIBRARIES := ^(cuda|nvidia|triton)
HASHED := install -q --no-deps --require-hashes -r

.PHONY: demo demo-small check test soak lint types setup setup-small setup-web batch batch-small lock clean

DEMO := apps/video.py tests/data/walk.mp4 --out out/demo.mp4 --events out/demo.csv
SHOW := @echo "The annotated video is $(CURDIR)/out/demo.mp4"

demo: setup
	mkdir -p out
	$(BIN)/python $(DEMO)
	$(SHOW)

# The same without PyTorch, in an environment of its own.
demo-small: setup-small
	mkdir -p out
	$(SMALL)/bin/python $(DEMO)
	$(SHOW)

# One thread a network, since the tests share the cores already.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

# What every change is tried with.
check: lint
	$(PYTEST) -q -m "not browser and not window and not training and not faults and not slow"

test: lint
	$(PYTEST)

# 600 damaged files, 200 ends at random moments, 30 minutes of 20 live visitors: some hours.
# SOAK="--files 60 --kills 20 --minutes 1" for a short one.
SOAK ?=
soak: setup
	$(BIN)/python -m tests.faults.soak $(SOAK)

lint: types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy --num-workers 2

setup: $(VENV)/.done

$(VENV)/.done: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
ifeq ($(TORCH_INDEX),)
	$(BIN)/python -m pip $(HASHED) requirements.txt
else
	grep -E '$(FROM_TORCH)' requirements.in > $(VENV)/torch.txt
	awk '/^[A-Za-z]/ { kept = !/$(FROM_TORCH)|$(CUDA_LIBRARIES)/ } kept' requirements.txt > $(VENV)/rest.txt
	$(BIN)/python -m pip install -q --no-deps --index-url $(TORCH_INDEX) -r $(VENV)/torch.txt
	$(BIN)/python -m pip $(HASHED) $(VENV)/rest.txt
endif
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@

setup-small: $(SMALL)/.done

$(SMALL)/.done: requirements-small.txt pyproject.toml
	$(PYTHON) -m venv $(SMALL)
	$(SMALL)/bin/python -m pip $(HASHED) requirements-small.txt
	$(SMALL)/bin/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@

# The small environment with the page.
setup-web: $(SMALL)/.web

$(SMALL)/.web: $(SMALL)/.done requirements-web.txt
	$(SMALL)/bin/python -m pip $(HASHED) requirements-web.txt
	touch $@

# What apps/batch.py needs besides: Ray and what reads and writes Parquet and http://.
batch: setup
	$(BIN)/python -m pip $(HASHED) requirements-batch.txt

batch-small: setup-small
	$(SMALL)/bin/python -m pip $(HASHED) requirements-batch.txt

# The lists that are installed anew, after a change of one of those that end in .in: every pin with
# the hashes of all its files.
LOCK := $(VENV)/lock/bin/uv pip compile --no-deps --universal --generate-hashes --no-annotate \
	--custom-compile-command "make lock" --no-config -q
lock:
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install -q uv==0.13.9
	$(LOCK) --python-version 3.11 requirements.in -o requirements.txt
	$(LOCK) --python-version 3.10 requirements-small.in -o requirements-small.txt
	$(LOCK) --python-version 3.11 requirements-web.in -o requirements-web.txt
	$(LOCK) --python-version 3.11 requirements-batch.in -o requirements-batch.txt
	rm -r $(VENV)/lock

clean:
	rm -rf $(VENV) $(SMALL) out
