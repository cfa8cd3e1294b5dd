#!/bin/sh
# Installs `vc` and its completions below PREFIX, or removes them. Never needs root.
#
# From a checkout this builds the program. `--archive FILE` takes a release archive instead (`make archive` makes one:
# a `.tar.gz` of one folder with `vc` and `completions/`), whose SHA-256 must be the one in `FILE.sha256` beside it.
#
# What was installed is written down in PREFIX/share/vc/installed: a second run replaces it, `--uninstall` removes it,
# and a file that is not written down there is never overwritten.
set -eu
umask 022

usage() {
  cat <<END
usage: ./install.sh [--archive FILE | --uninstall]
  (nothing)       build this checkout and install it
  --archive FILE  install a release archive; its checksum is FILE.sha256
  --uninstall     remove what was installed
Everything goes below PREFIX: /usr/local for root, ~/.local for everybody else, or what you set:
  PREFIX=~/tools ./install.sh
END
}

fail() {
  echo "error: $1" >&2
  if [ $# -gt 1 ]; then echo "hint: $2" >&2; fi
  exit 1
}

# Each file that is installed: where it lies in a checkout, and where it goes below PREFIX.
files() {
  cat <<END
vc bin/vc
completions/vc.bash share/bash-completion/completions/vc
completions/vc.zsh share/zsh/site-functions/_vc
completions/vc.fish share/fish/vendor_completions.d/vc.fish
completions/vc.ps1 share/vc/completions/vc.ps1
completions/vc.elv share/vc/completions/vc.elv
END
}

default_prefix() {
  if [ "$(id -u)" = 0 ]; then
    echo /usr/local
  else
    echo "${HOME:?is not set; set PREFIX instead}/.local"
  fi
}

# The binary of this checkout, built. Prints its path.
build() {
  [ -f "$here/Cargo.toml" ] || fail "there is no source in \`$here\` to build" "use \`--archive FILE\` with a release archive"
  command -v cargo >/dev/null || fail "\`cargo\` is not installed" "install Rust, or use \`--archive FILE\` with a release archive"
  (cd "$here" && cargo build --release --locked) >&2 || fail "\`cargo build --release\` failed"
  target=$(cd "$here" && cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
  [ -x "$target/release/vc" ] || fail "cargo left no program in \`$target/release\`" "unset \`CARGO_BUILD_TARGET\` and \`build.target\`"
  echo "$target/release/vc"
}

checksum() {
  if command -v sha256sum >/dev/null; then
    sha256sum <"$1"
  elif command -v shasum >/dev/null; then
    shasum -a 256 <"$1"
  else
    fail "neither \`sha256sum\` nor \`shasum\` is installed, so \`$1\` cannot be verified"
  fi | cut -d ' ' -f 1
}

# Verifies and unpacks the archive. Prints the folder in it.
unpack() {
  [ -f "$1" ] || fail "there is no file \`$1\`"
  [ -f "$1.sha256" ] || fail "there is no \`$1.sha256\` to verify the archive with" "fetch it from where the archive came from"
  wanted=$(head -n 1 "$1.sha256" | cut -d ' ' -f 1 | tr 'A-F' 'a-f')
  found=$(checksum "$1")
  [ -n "$found" ] || exit 1
  [ "$found" = "$wanted" ] || fail "the checksum of \`$1\` is $found, and not $wanted" "fetch both files again"
  tar -xzf "$1" -C "$work" || fail "\`$1\` cannot be unpacked"
  set -- "$work"/*/vc
  [ -f "$1" ] || fail "there is no \`vc\` in the archive"
  dirname "$1"
}

# Makes a folder with what is above it, and writes down which of them are new.
make_folder() {
  [ -d "$1" ] && return
  make_folder "$(dirname "$1")"
  mkdir "$1" || fail "cannot make \`$1\`" "set PREFIX to a folder that you may write to"
  echo "folder $1" >>"$work/record"
}

is_recorded() { [ -f "$record" ] && grep -qxF "file $1" "$record"; }

# Copies into place under another name first, so that a program that runs is never half of each.
place() {
  cp "$1" "$PREFIX/$2.new" || fail "cannot write \`$PREFIX/$2\`" "set PREFIX to a folder that you may write to"
  chmod "$3" "$PREFIX/$2.new"
  mv -f "$PREFIX/$2.new" "$PREFIX/$2"
}

install() {
  program=$1 source=$2
  files | while read -r from to; do
    [ "$from" = vc ] || [ -f "$source/$from" ] || fail "there is no \`$source/$from\`"
    if [ -e "$PREFIX/$to" ] && ! is_recorded "$to"; then
      fail "\`$PREFIX/$to\` is there already, and was not installed by this script" "remove it, or set another PREFIX"
    fi
  done || exit 1
  : >"$work/record"
  if [ -f "$record" ]; then cp "$record" "$work/record"; fi
  make_folder "$(dirname "$record")"
  files | while read -r from to; do
    make_folder "$(dirname "$PREFIX/$to")"
    is_recorded "$to" || echo "file $to" >>"$work/record"
  done || exit 1
  # Before the files: what a run that is cut off leaves can be replaced and removed by the next.
  cp "$work/record" "$record" || fail "cannot write \`$record\`" "set PREFIX to a folder that you may write to"
  files | while read -r from to; do
    if [ "$from" = vc ]; then place "$program" "$to" 755; else place "$source/$from" "$to" 644; fi
  done || exit 1
  remove_stale
  echo "Installed \`vc\` in \`$PREFIX/bin\`, with completions for bash, zsh, fish, PowerShell and elvish below \`$PREFIX/share\`"
  advise
}

# Files of an earlier version that this one does not have.
remove_stale() {
  sed -n 's/^file //p' "$work/record" | while read -r path; do
    if ! files | grep -q " $path\$"; then
      rm -f "$PREFIX/$path"
      grep -vxF "file $path" "$record" >"$work/kept"
      cp "$work/kept" "$record"
    fi
  done
}

advise() {
  case ":$PATH:" in
  *":$PREFIX/bin:"*) ;;
  *) echo "Next: put \`$PREFIX/bin\` on your PATH" ;;
  esac
  case $PREFIX in
  /usr | /usr/local) ;;
  *) echo "For zsh: put \`fpath+=($PREFIX/share/zsh/site-functions)\` before \`compinit\` in your \`.zshrc\`" ;;
  esac
  echo "For PowerShell and elvish: load the file in \`$PREFIX/share/vc/completions\` from your profile"
}

uninstall() {
  if ! [ -f "$record" ]; then
    echo "Nothing is installed below \`$PREFIX\`"
    return
  fi
  sed -n 's/^file //p' "$record" | while read -r path; do
    rm -f "$PREFIX/$path" || fail "cannot remove \`$PREFIX/$path\`"
  done || exit 1
  # The deepest first; one that holds something else by now stays.
  sed -n 's/^folder //p' "$record" | sort -r >"$work/folders"
  rm -f "$record" || fail "cannot remove \`$record\`"
  while read -r path; do
    rmdir "$path" 2>/dev/null || true
  done <"$work/folders"
  echo "Removed \`vc\` from \`$PREFIX\`"
}

here=$(cd "$(dirname "$0")" && pwd)
archive='' does=install
while [ $# -gt 0 ]; do
  case $1 in
  --archive)
    [ $# -gt 1 ] || fail "\`--archive\` needs a file"
    archive=$2
    shift
    ;;
  --archive=*) archive=${1#--archive=} ;;
  --uninstall) does=uninstall ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    usage >&2
    fail "\`$1\` is no argument of this script"
    ;;
  esac
  shift
done

PREFIX=${PREFIX:-$(default_prefix)}
case $PREFIX in
/*) ;;
*) PREFIX=$PWD/$PREFIX ;;
esac
PREFIX=${PREFIX%/}
record=$PREFIX/share/vc/installed

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

if [ "$does" = uninstall ]; then
  uninstall
elif [ -n "$archive" ]; then
  folder=$(unpack "$archive")
  install "$folder/vc" "$folder"
else
  program=$(build)
  install "$program" "$here"
fi
