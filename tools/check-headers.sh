#!/bin/bash
# SPDX-License-Identifier: MIT
# Every header compiles alone; the public one also as strict C99 and C++11.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

status=0
compile() {
	local header=$1
	shift
	# Included from an empty file, as a user would: warnings of being a main file do not apply.
	echo "#include \"$header\"" | "$@" -fsyntax-only -Wall -Wextra -Werror -I. - || {
		echo "$header: does not compile alone: $*" >&2
		status=1
	}
}

for header in src/*/*.h; do
	compile "$header" "${CC:-cc}" -x c -std=gnu17 -D_GNU_SOURCE -Wno-unused-parameter -Isrc -Iinclude
done
for header in include/*.h; do
	compile "$header" "${CC:-cc}" -x c -std=c99 -pedantic
	compile "$header" "${CXX:-c++}" -x c++ -std=c++11 -pedantic
done
exit $status
