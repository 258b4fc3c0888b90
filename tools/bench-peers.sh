#!/usr/bin/env bash
# Fetches what benchmarks compare Tocsin with, into target/peers, once. What cannot be had is skipped by the benchmark, with
# a word; nothing but `make bench` needs any of it.
set -uo pipefail
cd "$(dirname "$0")/.."
peers=$PWD/target/peers
mkdir -p "$peers"

if command -v npm >/dev/null && [ ! -d "$peers/node_modules/statsd" ]; then
  echo "fetching statsd (npm)"
  npm install --silent --no-audit --no-fund --no-optional --prefix "$peers" statsd@0.9.0 >/dev/null || true
fi
# Debian has it in some releases only.
if ! command -v prometheus-statsd-exporter >/dev/null && command -v go >/dev/null && [ ! -x "$peers/statsd_exporter" ]; then
  echo "building statsd_exporter (Go)"
  GOBIN=$peers go install github.com/prometheus/statsd_exporter@v0.28.0 >/dev/null 2>&1 || true
fi
# No distribution has it.
if ! command -v k6 >/dev/null && command -v go >/dev/null && [ ! -x "$peers/k6" ]; then
  echo "building k6 (Go); this takes some minutes, once"
  GOBIN=$peers go install go.k6.io/k6@v1.8.1 >/dev/null 2>&1 || true
fi
exit 0
