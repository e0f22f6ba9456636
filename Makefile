# The two commands: `make up` and `make test`. Each target is one call; what takes more lines is a script in localstack/.
.DEFAULT_GOAL := help
SHELL := bash
# A shell that was open before rustup came does not have it in its PATH yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

BIN := $(or $(CARGO_TARGET_DIR),target)/debug
MILLRACE = $(BIN)/millrace

.PHONY: help up down status logs setup build test lint bench soak load screenshot clean distclean test-kafka test-ingestion test-consumer test-query test-client

help: ## this list
	@sed -n 's/^\([a-z-]*\)[a-z -]*:.*## /\1|/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

up: ## install what is missing, build, start everything, print the addresses (SYSTEM=github: one system alone)
	@bash localstack/up.sh $(SYSTEM)

down: ## stop everything; the data stays
	@if [ -x "$(MILLRACE)" ]; then "$(MILLRACE)" down; else echo "nothing is built, so nothing runs"; fi

status: ## what runs, where, and how it is
	@"$(MILLRACE)" status

logs: ## follow the logs (NAME=kafka: of one function or service)
	@"$(MILLRACE)" logs --follow $(NAME)

setup: ## only install what is missing
	@bash localstack/setup.sh

build: ## only build
	@cargo build --workspace --bins

test: ## all tests against real services, in an instance of their own beside a running `make up`
	@bash localstack/with-services.sh cargo test --workspace

lint: ## formatting and clippy, warnings are errors
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings

bench: ## the measurements behind BENCHMARKS.md (release profile)
	@bash localstack/with-services.sh cargo bench --package millrace-bench

soak: ## 10,000,000 records while everything is killed in turn: each is in the table once (SOAK_RECORDS=200000: fewer)
	@bash benches/soak/run.sh

load: ## write posts, comments and likes to the running system, then read back each (RATE=200 USERS=50 SECONDS=30)
	@"$(BIN)/millrace-load" --rate $(or $(RATE),200) --users $(or $(USERS),50) --seconds $(or $(SECONDS),30)

test-kafka test-ingestion test-consumer test-query test-client: test-%: ## whether Kafka takes and gives a record; also test-ingestion, test-consumer, test-query, test-client (posts)
	@python3 tests/check.py $*

screenshot: ## docs/dashboard.png, of the dashboard of a running `make up`
	@bash localstack/browser.sh screenshot http://localhost:8080/ docs/dashboard.png

clean: ## stop, and remove the data
	@bash localstack/clean.sh

distclean: ## clean, and remove what was installed and built
	@bash localstack/clean.sh all
