# Two commands are all that a fresh machine needs: `make demo` and `make test`.
# One build, in one profile, serves them and `make bench`: nothing is compiled twice.

SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: help demo test bench lint build prerequisites

help: ## Print this list.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

demo: build ## Start the auth stack and Tocsin in three regions, break something, and watch the page come.
	demo/run.sh

test: build ## Build everything, then run every test.
	cargo test --workspace --locked --no-fail-fast

bench: build ## Measure, beside what a user would do instead; prints targets and what was reached.
	tools/bench-peers.sh
	cargo bench --workspace --locked --profile dev $(addprefix --bench ,$(basename $(notdir $(wildcard tests/benches/*.rs))))

lint: prerequisites ## Formatting, clippy with warnings as errors, dependency licences, advisories and duplicates.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	tools/deny.sh

build: prerequisites
	cargo build --workspace --locked

prerequisites:
	@tools/prerequisites.sh
