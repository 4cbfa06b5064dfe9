# The virtual environment behind every command; PYTHON=python3.12 make ... takes another interpreter.
PYTHON ?= python3
VENV ?= .venv
TORCH := 2.13.0
BIN := $(VENV)/bin
RUN := $(BIN)/wyoming-voice

# PyPI's torch for Linux brings gigabytes of CUDA; without an NVIDIA driver the CPU build is taken,
# and pinned by its +cpu label, so that nothing else can come in its place.
ifeq ($(shell uname -s)$(shell command -v nvidia-smi >/dev/null 2>&1 && echo +gpu),Linux)
TORCH_WHEEL := torch==$(TORCH)+cpu --extra-index-url https://download.pytorch.org/whl/cpu
else
TORCH_WHEEL := torch==$(TORCH)
endif
# Kokoro, and torch with it, stops at Python 3.12.
NO_KOKORO := $(shell $(PYTHON) -c 'import sys; print("yes" if sys.version_info >= (3, 13) else "")')

.PHONY: demo run test test-clients test-sound test-page fuzz check lint types format bench soak audit lock clean

demo: $(VENV)/.installed  ## one spoken turn: make demo [QUESTION=my.wav]
	$(RUN) demo $(if $(QUESTION),--question "$(QUESTION)")

run: $(VENV)/.installed  ## ASR, TTS and handle on 10300, 10200 and 10500: make run [HOST=0.0.0.0]
	$(RUN) up $(if $(HOST),--host "$(HOST)")

test: $(VENV)/.tested  ## the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadfile

test-clients: $(VENV)/.tested .venv-clients/.installed  ## public Wyoming clients against our servers
	$(BIN)/python -m pytest -m clients tests/clients

# In real time: a machine that stands still for a moment tears the sound, which is no failure of ours.
test-sound: $(VENV)/.tested  ## a satellite in a room of real audio, through PulseAudio
	$(BIN)/python -m pytest -m sound --reruns 2 tests/sound

test-page: $(VENV)/.tested  ## the gateway's page in headless Chromium
	$(BIN)/python -m pytest -m page tests/page

fuzz: $(VENV)/.tested  ## coverage-guided fuzzing of what reads others' input: make fuzz [FUZZ_S=60] (seconds a target)
	$(BIN)/python -m tests.fuzz --seconds $(or $(FUZZ_S),60)

check: lint types test  ## what CI runs

lint: $(VENV)/.tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.tested
	$(BIN)/mypy

format: $(VENV)/.tested
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.tested .venv-peers/.installed  ## ours beside others, 25 minutes; BENCH=quick: four
	$(BIN)/python -m bench --profile $(or $(BENCH),full)

audit: $(VENV)/.tested  ## known vulnerabilities of what is pinned, where their database can be reached
	$(BIN)/python .ci/audit.py

soak: $(VENV)/.tested  ## the long chaos tests, about 16 minutes; SOAK=quick: four
	$(BIN)/python -m tests.chaos.soak --profile $(or $(SOAK),full)

lock: $(VENV)/.installed  ## resolve constraints.txt anew, for every Python and platform at once
	$(BIN)/pip install --quiet uv
	echo "torch==$(TORCH)" >$(VENV)/torch.txt
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --group dev \
	  --constraint $(VENV)/torch.txt --no-header --no-annotate --quiet \
	  | grep -vE '^(nvidia|cuda|triton)' >constraints.txt

clean:
	rm -rf $(VENV) .venv-clients .venv-peers build dist reply.wav

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11 to 3.13 is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(if $(NO_KOKORO),@echo "Kokoro needs Python 3.12 or older: the tts server will have espeak-ng only",\
	  $(BIN)/pip install --no-deps --retries 1 $(TORCH_WHEEL))
	$(BIN)/pip install --constraint constraints.txt --editable '.[all]'
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/pip install --constraint constraints.txt --group dev
	touch $@

.venv-clients/.installed: tests/clients/requirements.txt tests/clients/health_checks.txt
	$(PYTHON) -m venv .venv-clients
	.venv-clients/bin/pip install --quiet --requirement tests/clients/requirements.txt
	.venv-clients/bin/pip install --quiet --no-deps --requirement tests/clients/health_checks.txt
	touch $@

.venv-peers/.installed: bench/peers.sh bench/peers.txt bench/peers_satellite.txt
	PYTHON=$(PYTHON) bench/peers.sh
	touch $@
