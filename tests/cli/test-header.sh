#!/bin/bash
# SPDX-License-Identifier: MIT
# The library as a program outside of this tree has it: test-header.sh SOURCE BUILD SANITIZERS COMPILER...
#
# The header is strict C99 and C++11, the shared library has what the header declares and nothing else, and a program
# finds both through pkg-config in an installed tree. COMPILER builds that program, with the library's SANITIZERS.
set -euo pipefail

source=$(realpath "$1")
build=$(realpath "$2")
sanitizers=$3
shift 3
compiler=("$@")
[ "$sanitizers" = none ] || compiler+=("-fsanitize=$sanitizers")

here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
count=0

fail() {
	echo "$*" >&2
	exit 1
}

ok() {
	count=$((count + 1))
	echo "ok: $*"
}

# The header alone, twice, and the same program in both languages.
cat >alone.c <<-'C'
	#include <fantail.h>
	#include <fantail.h>

	int main(void)
	{
		struct fantail *f = 0;
		uint64_t mask = 0;
		size_t size = 0;
		pid_t pid = 0;
		int r = fantail_new(&f, FANTAIL_NO_PROCESS);

		if (r == 0)
			r = fantail_parse_events("create,delete", &mask);
		if (r == 0 && mask != (FANTAIL_CREATE | FANTAIL_DELETE))
			r = 1;
		return fantail_free(f) != 0 || r != 0 || size != 0 || pid != 0;
	}
C
cp alone.c alone.cpp
strict=(-pedantic -Wall -Wextra -Werror "-I$source/include" -c)

for tool in gcc g++ clang clang++; do
	command -v $tool >/dev/null || continue
	case $tool in
	*++) standard=c++11 from=alone.cpp ;;
	*) standard=c99 from=alone.c ;;
	esac
	$tool -std=$standard "${strict[@]}" $from -o alone.o
	ok "the header with $tool -std=$standard -pedantic"
done
[ $count -gt 0 ] || fail 'no compiler'

# What is declared: the header without its comments. What there is: the dynamic symbols.
shared=$build/src/libfantail.so
"${compiler[@]}" -E -P "$source/include/fantail.h" |
	grep -oE '\bfantail_[a-z_]+ ?\(' | tr -d ' (' | sort -u >declared
nm -D --defined-only "$shared" | awk '$2 != "A" { print $2, $3 }' | sort -u >exported
[ "$(wc -l <declared)" -gt 20 ] || fail "only $(wc -l <declared) functions found in the header"
sed 's/.*/T &@@LIBFANTAIL_0/' declared | sort | diff - exported ||
	fail 'the shared library does not export what the header declares'
ok "$(wc -l <declared) functions, declared and exported"

# readelf's line of a dynamic entry: NAME FILE.
dynamic() {
	LC_ALL=C readelf -d "$2" | sed -n "s/.*($1).*\[\(.*\)\].*/\1/p"
}

[ "$(dynamic SONAME "$shared")" = libfantail.so.0 ] || fail "soname: $(dynamic SONAME "$shared")"
ok 'soname libfantail.so.0'

meson install -C "$build" --no-rebuild --quiet --destdir "$here/tree" >install.log 2>&1 ||
	fail "$(cat install.log)"
pc=$(find tree -name libfantail.pc)
[ "$(grep -c . <<<"$pc")" -eq 1 ] || fail "pkg-config files: ${pc:-none}"
libdir=$here/$(dirname "$(dirname "$pc")")
export PKG_CONFIG_LIBDIR=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$here/tree
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1

version=$(pkg-config --modversion libfantail)
cat >user.c <<-C
	#include <fantail.h>
	#include <stdio.h>
	#include <string.h>

	int main(void)
	{
		struct fantail *f = NULL;

		if (fantail_new(&f, 0) < 0 || fantail_add_path(f, "/nothing/here", FANTAIL_TREE, 0) == 0)
			return 1;
		printf("%s\n", fantail_error(f));
		(void)fantail_free(f);
		return strcmp(fantail_version(), "$version") != 0;
	}
C

# The word splitting is wanted: these are options.
# shellcheck disable=SC2046
link_user() {
	"${compiler[@]}" -o "$1" user.c $(pkg-config --cflags --libs "${@:2}" libfantail)
}

check_user() {
	local said
	said=$("$@") || fail "$*: exit status $?, $said"
	grep -q '^/nothing/here: No such file or directory' <<<"$said" || fail "$*: $said"
}

link_user shared
dynamic NEEDED shared | grep -qx 'libfantail.so.0' || fail 'not linked with the shared library'
check_user env "LD_LIBRARY_PATH=$libdir" ./shared
ok 'pkg-config, shared'

[ -e "$libdir/libfantail.a" ] || fail 'no static library is installed'
rm "$libdir"/libfantail.so*
link_user static --static
dynamic NEEDED static | grep -q fantail && fail 'not linked with the static library'
check_user ./static
ok 'pkg-config, static'

# The examples are for others to begin with: they build there, in the strictest C that knows POSIX.
for example in "$source"/examples/*.c; do
	# shellcheck disable=SC2046
	"${compiler[@]}" -std=gnu99 -pedantic -Wall -Wextra -Werror -o example "$example" \
		$(pkg-config --static --cflags --libs libfantail)
	ok "$(basename "$example")"
done
echo "$count ok"
