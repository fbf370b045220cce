#!/usr/bin/env bash
# Installs into an empty prefix, builds examples/embed against it with pkg-config, runs it.
#   embed.sh SOURCE BUILD CMAKE [COMPILER FLAGS]
set -euo pipefail

source=$1
build=$2
cmake=$3
flags=${4:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/prefix" >"$work/install.log"
pc=$(find "$work/prefix" -name fyke.pc)
lib=$(dirname "$(dirname "$pc")")

cp "$source/examples/embed/"{embed.c,Makefile} "$work/"
PKG_CONFIG_PATH=$(dirname "$pc") CFLAGS=$flags LDFLAGS=$flags make -s -C "$work"
LD_LIBRARY_PATH=$lib "$work/embed" | tee "$work/out"

grep -q '^guessing fired for ann$' "$work/out"
grep -q '"emit":{"tries":3}' "$work/out"

# The public header stands alone, in C and as C++, and nothing of the inside is installed.
languages=(c)
! "${CC:-cc}" -x c++ -fsyntax-only - </dev/null 2>/dev/null || languages+=(c++)
for language in "${languages[@]}"; do
  printf '#include <fyke/fyke.h>\nint main(void) { return fyke_version() == 0; }\n' |
    "${CC:-cc}" -x "$language" $flags -I"$work/prefix/include" -fsyntax-only -Wall -Wextra -Werror -
done
[[ $(find "$work/prefix/include" -type f | wc -l) -eq 1 ]]

# The shared library exports the public functions and nothing else.
nm -D --defined-only "$lib/libfyke.so" | awk '$2 == "T" { print $3 }' | sed 's/@.*//' |
  grep -v '^fyke_' && { echo "foreign symbols are exported"; exit 1; }
nm -D --defined-only "$lib/libfyke.so" | grep -q ' T fyke_run'

# The manual page and the completions are those of the program.
"$work/prefix/bin/fyke" completion man | cmp - "$work"/prefix/share/man/man1/fyke.1
"$work/prefix/bin/fyke" completion bash | cmp - "$work"/prefix/share/bash-completion/completions/fyke

# The installed program runs by itself.
"$work/prefix/bin/fyke" version
