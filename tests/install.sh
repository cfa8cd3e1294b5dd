#!/usr/bin/env bash
# A trial run of install.sh: both forms, twice, taken back again, and refused where it must be.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Its own folder, below one with a blank in its name.
work=$(mktemp -d)/"a folder"
mkdir "$work"
trap 'rm -rf "${work%/*}"' EXIT
failed=0 passed=0

# Runs install.sh; what it prints is in $said. Usage: try EXPECTED_CODE ARGUMENTS...
try() {
  local wanted=$1 code=0
  shift
  said=$(PREFIX=$prefix ./install.sh "$@" 2>&1) || code=$?
  [ "$code" = "$wanted" ] || { echo "install.sh $* ended with $code instead of $wanted: $said" && return 1; }
}

says() { [[ $said == *"$1"* ]] || { echo "not said: $1"; echo "$said"; return 1; }; }

is_installed() {
  "$prefix/bin/vc" version >/dev/null
  local file
  for file in bash-completion/completions/vc zsh/site-functions/_vc fish/vendor_completions.d/vc.fish \
    vc/completions/vc.ps1 vc/completions/vc.elv; do
    [ -s "$prefix/share/$file" ] || { echo "missing: $file"; return 1; }
  done
}

is_gone() {
  [ ! -e "$prefix" ] || { find "$prefix"; return 1; }
}

from_a_checkout_twice_and_back() {
  try 0
  is_installed
  try 0
  is_installed
  try 0 --uninstall
  is_gone
  try 0 --uninstall
  says "Nothing is installed"
}

from_an_archive_twice_and_back() {
  try 0 --archive "$archive"
  is_installed
  try 0 --archive "$archive"
  is_installed
  try 0
  is_installed
  try 0 --uninstall
  is_gone
}

an_archive_with_another_checksum_is_refused() {
  cp "$archive" "$work/other.tar.gz"
  sed 's/^..../0000/' "$archive.sha256" >"$work/other.tar.gz.sha256"
  try 1 --archive "$work/other.tar.gz"
  says "error: the checksum of"
  is_gone
}

an_archive_without_a_checksum_is_refused() {
  cp "$archive" "$work/bare.tar.gz"
  try 1 --archive "$work/bare.tar.gz"
  says "to verify the archive with"
  is_gone
}

what_lies_there_already_stays() {
  mkdir -p "$prefix/bin" "$prefix/share/zsh"
  echo mine >"$prefix/bin/vc"
  try 1 --archive "$archive"
  says "was not installed by this script"
  [ "$(cat "$prefix/bin/vc")" = mine ]
  rm "$prefix/bin/vc"
  try 0 --archive "$archive"
  echo mine >"$prefix/share/vc/notes"
  try 0 --uninstall
  [ "$(cd "$prefix" && find . -mindepth 1 | LC_ALL=C sort | tr '\n' ' ')" = "./bin ./share ./share/vc ./share/vc/notes ./share/zsh " ]
}

a_prefix_that_cannot_be_is_said() {
  echo >"$work/file"
  prefix=$work/file/below
  try 1 --archive "$archive"
  says "hint: set PREFIX"
}

without_cargo_it_says_so() {
  mkdir "$work/tools"
  local tool
  for tool in sh dirname id mktemp rm; do ln -s "$(command -v "$tool")" "$work/tools/$tool"; done
  PATH=$work/tools try 1
  says "error: \`cargo\` is not installed"
  is_gone
}

an_argument_that_it_does_not_know_is_refused() {
  try 1 --purge
  says "usage:"
  is_gone
}

make --no-print-directory -s archive
archive=$(ls "$PWD"/target/archive/vc-*.tar.gz)

for test in $(declare -F | sed -n 's/^declare -f \(.*_.*_.*\)/\1/p'); do
  prefix=$work/prefix
  rm -rf "$prefix"
  # In a shell of its own, so that the first command that fails ends it.
  set +e
  printed=$(set -e; "$test" 2>&1)
  code=$?
  set -e
  if [ "$code" = 0 ]; then
    echo "test $test ... ok"
    passed=$((passed + 1))
  else
    printf 'test %s ... FAILED\n%s\n' "$test" "$printed"
    failed=$((failed + 1))
  fi
done
echo "install.sh: $passed passed, $failed failed"
[ "$failed" = 0 ]
