# Each target sets itself up: system packages (Debian, as root), a virtual environment in .venv, pinned packages.
PYTHON ?= python3
BIN := .venv/bin
SAMPLE := .run/photographs.library
# Some containers forbid Python to keep what it compiles: each of the tests' hundreds of processes would compile anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test test-long bench docs screenshots bundle deb appdir release clean

run: .venv/ready-to-run
	@sh .ci/run-sample $(BIN) $(SAMPLE)

test: .venv/ready-to-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	{ $(BIN)/lint-imports && $(BIN)/mypy; } & types=$$!; \
	$(BIN)/pytest -n 3 --dist worksteal --durations 20 --cov --cov-fail-under 92 \
		--cov-report term:skip-covered; suite=$$?; wait $$types && exit $$suite

test-long: .venv/ready-to-test
	$(BIN)/pytest -m long -n 2 --dist worksteal --timeout 3000 --durations 20
	LOOKALIKE_TEST_EXAMPLES=drawn $(BIN)/pytest -m "hypothesis and not long" -n 2 --dist worksteal

bench: .venv/ready-to-test
	$(BIN)/python -m tests.benchmarks

# NO_MKDOCS_2_WARNING: the theme would print an advertisement against another program.
docs: .venv/ready-to-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/pdoc --docformat markdown --no-show-source --output-directory build/docs/api indexer training retrieval_app

screenshots: .venv/ready-to-test
	$(BIN)/python docs/make_screenshots.py
	$(BIN)/python docs/make_search_screenshots.py
	$(BIN)/python docs/make_training_screenshots.py
	$(BIN)/python docs/make_evaluation_screenshots.py

# EDITION=full has torch, for training and other models; light, the default, has not.
EDITION ?= light
bundle: .venv/ready-to-run
	sh .ci/bundle $(EDITION)

# make release VERSION=0.2.0: version, changelog, tag, archives and checksums, all on this computer.
release: .venv/ready-to-test
	$(BIN)/python .ci/make_release.py $(VERSION)

deb: bundle
	sh .ci/deb $(EDITION)

appdir: bundle
	sh .ci/appdir $(EDITION)

.venv/ready-to-run: pyproject.toml constraints.txt .ci/set-up .ci/system-packages
	sh .ci/set-up $(PYTHON) .
	touch $@

.venv/ready-to-test: pyproject.toml constraints.txt .ci/set-up .ci/system-packages
	sh .ci/set-up $(PYTHON) '.[dev,clip,heif,raw,jxl,team,serve,mcp,notebooks,parquet]' tests
	touch $@ .venv/ready-to-run

clean:
	rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
