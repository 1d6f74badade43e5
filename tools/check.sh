#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs every test, plain and with sanitizers, and ends with "N passed, N failed, N skipped".
#
# The fuzz corpora are a suite of the tests, so they are replayed in both builds. A build that
# fails counts as one failed test, and the other is still tried.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

logs=()
broken=0

run_build() {
	local dir=$1
	shift
	echo "== $dir"
	rm -f "$dir/meson-logs/testlog.json"
	if { [ -e "$dir/build.ninja" ] || meson setup "$dir" -Dwerror=true "$@"; } &&
		meson compile -C "$dir"; then
		meson test -C "$dir" --no-rebuild --print-errorlogs --timeout-multiplier 3
		logs+=("$dir/meson-logs/testlog.json")
	else
		broken=$((broken + 1))
	fi
}

# The leak check follows what a test owns; a report of undefined behaviour must fail the test.
export ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

run_build build-dev
run_build build-asan -Db_sanitize=address,undefined -Db_lundef=false

python3 tools/count-tests "$broken" "${logs[@]}"
