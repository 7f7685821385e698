PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# A PyTorch index of your choice, e.g. the CPU one that pytorch.org/get-started names: torch and
# torchvision then come from there, and NVIDIA's libraries are left out.
TORCH_INDEX ?=
CUDA_LIBRARIES := ^(cuda|nvidia|triton)

.PHONY: demo check test lint types setup clean

demo: setup
	mkdir -p out
	$(BIN)/python apps/video.py tests/data/walk.mp4 --out out/demo.mp4 --events out/demo.csv
	@echo "The annotated video is $(CURDIR)/out/demo.mp4"

# What every change is tried with. One thread a network, since the tests share the cores already.
check: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile \
		-m "not browser and not window and not training and not faults"

test: lint
	$(BIN)/python -m pytest

lint: types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy --num-workers 2

setup: $(VENV)/.done

$(VENV)/.done: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
ifeq ($(TORCH_INDEX),)
	$(BIN)/python -m pip install -q --no-deps -r requirements.txt
else
	grep -E '^(torch|torchvision)==' requirements.txt > $(VENV)/torch.txt
	grep -vE '$(CUDA_LIBRARIES)|^(torch|torchvision)==' requirements.txt > $(VENV)/rest.txt
	$(BIN)/python -m pip install -q --no-deps --index-url $(TORCH_INDEX) -r $(VENV)/torch.txt
	$(BIN)/python -m pip install -q --no-deps -r $(VENV)/rest.txt
endif
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf $(VENV) out
