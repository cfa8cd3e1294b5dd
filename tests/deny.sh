#!/usr/bin/env bash
# Checks licences, bans, sources and advisories of what `vc` depends on, by deny.toml. Usage: make deny
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

deny=$(command -v cargo-deny || echo target/tools/bin/cargo-deny)
if ! [ -x "$deny" ]; then
  echo "building cargo-deny ${CARGO_DENY_VERSION:?} into target/tools (once, about 4 minutes on two cores)"
  cargo install --quiet --locked "cargo-deny@$CARGO_DENY_VERSION" --root target/tools
fi

echo "cargo deny check bans licenses sources"
"$deny" --locked --all-features check --hide-inclusion-graph bans licenses sources

# The database is a git repository, which a network that lets registries through alone does not give.
echo "cargo deny check advisories"
if log=$("$deny" --locked fetch db 2>&1); then
  "$deny" --locked --all-features check --disable-fetch --hide-inclusion-graph advisories
else
  note="advisories: their database could not be fetched ($(grep -vi '^$' <<<"$log" | tail -n 1 | cut -c 1-120))"
  echo "NOT RUN: $note"
  mkdir -p "${RAN:?}"
  echo "$note" >>"$RAN/skipped"
fi
