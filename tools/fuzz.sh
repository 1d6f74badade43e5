#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzzes each target for a time: tools/fuzz.sh [SECONDS [TARGET...]], targets by name without "fuzz-".
#
# What is found stays in build-fuzz/found/TARGET. A crash is written there as crash-*: cut it down,
# give it a name that says what it is, and add it to tests/fuzz/corpus/TARGET with its fix.
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
[ $# -eq 0 ] || shift

if ! [ -e build-fuzz/build.ninja ]; then
	CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined \
		-Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link
fi
meson compile -C build-fuzz

if [ $# -eq 0 ]; then
	for program in build-fuzz/tests/fuzz/fuzz-*; do
		[ -f "$program" ] && set -- "$@" "${program##*/fuzz-}"
	done
fi
[ $# -gt 0 ] || { echo "fuzz: no targets were built" >&2; exit 1; }

for target; do
	found=build-fuzz/found/$target
	mkdir -p "$found"
	echo "== $target, $seconds s"
	"build-fuzz/tests/fuzz/fuzz-$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$found/" "$found" "tests/fuzz/corpus/$target"
done
