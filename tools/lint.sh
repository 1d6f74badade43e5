#!/bin/bash
# SPDX-License-Identifier: MIT
# Everything that can be checked without running the program, then its help against its documents.
# Ends with "N passed, N failed, N skipped", a check being one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

# .clang-format is written for this one; others lay out a few constructs in another way.
format_version=14

passed=0 failed=0 skipped=0

# check NAME COMMAND...: 77 is a skip. Output is shown only where something is wrong.
check() {
	local name=$1 output status
	shift
	output=$("$@" 2>&1)
	status=$?
	case $status in
	0) passed=$((passed + 1)); echo "ok       $name" ;;
	77) skipped=$((skipped + 1)); echo "skipped  $name: $output" ;;
	*) failed=$((failed + 1)); echo "FAILED   $name"; echo "$output" ;;
	esac
}

# NAME...: the files of the tree that match, also those not yet added.
tree() {
	git ls-files -z --cached --others --exclude-standard -- "$@" | sort -zu |
		while IFS= read -r -d '' f; do [ -f "$f" ] && printf '%s\0' "$f"; done
}

format() {
	local tool=clang-format
	command -v "clang-format-$format_version" >/dev/null && tool=clang-format-$format_version
	if ! $tool --version | grep -q "version $format_version\."; then
		echo "needs clang-format $format_version"
		return 77
	fi
	# The files are enough: clang-format -i shows, and does, the rest.
	! tree '*.c' '*.h' | xargs -0r $tool --dry-run 2>&1 |
		sed -n 's/:.*\[-Wclang-format-violations\]$//p' | uniq -c | grep .
}

# Like the analyzer of clang, it does not know cleanup attributes, nor what a callee has set; the sanitizers do.
cppcheck_tree() {
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -D_GNU_SOURCE -Isrc -Iinclude \
		--enable=warning,performance,portability --suppress=missingIncludeSystem \
		--suppress=memleak --suppress=uninitvar --suppress=legacyUninitvar \
		--suppress=duplicateAssignExpression src include examples
}

tidy() {
	tree 'src/*.c' 'examples/*.c' 'bench/*.c' |
		xargs -0r -n 4 -P "$(nproc)" clang-tidy --quiet -p "$build" 2>/dev/null
}

shell_scripts() {
	{
		tree '*.sh'
		echo -ne '.ci/run\0'
	} | xargs -0r shellcheck --exclude=SC1091
}

python_scripts() {
	local tool=pyflakes
	command -v pyflakes3 >/dev/null && tool=pyflakes3
	{
		tree '*.py'
		tree 'tools/*' | xargs -0r grep -lZ '^#!.*python3'
	} | xargs -0r $tool
}

spelling() {
	tree ':!LICENSE' ':!tests/fuzz/corpus' ':!*.bin' | xargs -0r codespell --ignore-words-list=fo,nd,fro,ect
}

manual() {
	local said
	said=$(mandoc -T lint -W warning man/*.[1-9]) || true
	echo "$said"
	[ -z "$said" ]
}

completions() {
	bash -n data/completions/fantail.bash && zsh -n data/completions/_fantail &&
		fish --no-execute data/completions/fantail.fish
}

options() {
	meson compile -C "$build" fantail:executable >/dev/null && tools/check-options "$build/src/cli/fantail"
}

# For the flags of each file, and the help of the program.
build='build-dev'
[ -e $build/build.ninja ] || meson setup $build -Dwerror=true >/dev/null || echo "lint: cannot set up $build"
meson configure $build -Dbench=true
# Headers that are made must be there to be read.
meson compile -C $build >/dev/null || echo "lint: cannot build $build"

check 'clang-format' format
check 'cppcheck' cppcheck_tree
check 'clang-tidy' tidy
check 'shellcheck' shell_scripts
check 'pyflakes' python_scripts
check 'codespell' spelling
check 'mandoc -T lint' manual
check 'completions parse' completions
check 'tools/check-includes' tools/check-includes
check 'tools/check-headers.sh' tools/check-headers.sh
check 'tools/check-spdx' tools/check-spdx
check 'tools/check-options' options

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
