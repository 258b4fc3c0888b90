#!/usr/bin/env bash
# Licences, duplicates and sources of every dependency; advisories where the advisory database can be had.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=${CARGO_TARGET_DIR:-target}/tools
export PATH="$tools/bin:$PATH"
if ! cargo deny --version >/dev/null 2>&1; then
  echo "installing cargo-deny into $tools"
  CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$tools/build" cargo install --quiet --debug --locked --root "$tools" cargo-deny
fi

cargo deny --locked check licenses bans sources
if fetched=$(cargo deny --locked fetch db 2>&1); then
  cargo deny --locked check --disable-fetch advisories
else
  echo "skipped: advisories (the advisory database cannot be fetched: $(tail -n 1 <<<"$fetched"))"
fi
