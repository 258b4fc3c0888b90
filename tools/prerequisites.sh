#!/usr/bin/env bash
# Installs what a bare Debian lacks, and nothing where everything is there. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
while read -r package; do
  case "$package" in "" | "#"*) continue ;; esac
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done < apt-packages.txt

if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "tools/prerequisites.sh: this is no Debian; install what these packages hold, then run make again: ${missing[*]}" >&2
    exit 1
  fi
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  echo "installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  # Services must not start by themselves: the tests start their own on ports of their own.
  policy=/usr/sbin/policy-rc.d
  made_policy=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    made_policy=1
  fi
  status=0
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || status=$?
  if [ -n "$made_policy" ]; then "${as_root[@]}" rm -f "$policy"; fi
  [ "$status" -eq 0 ] || exit "$status"
fi

if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
  PATH="$HOME/.cargo/bin:$PATH"
fi
wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' ../Cargo.toml)
have=$(cargo --version 2>/dev/null | awk '{print $2}' || true)
if [ -z "$have" ] || [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n 1)" != "$wanted" ]; then
  echo "tools/prerequisites.sh: Tocsin needs Rust $wanted or later, and this machine has ${have:-none}." >&2
  echo "  Install it with rustup (https://rustup.rs), then run make again." >&2
  exit 1
fi
