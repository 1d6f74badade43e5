#!/bin/bash
# SPDX-License-Identifier: MIT
# What `meson install` leaves must run from there: test-install.sh BUILD SOURCE COMPILER...
#
# The program runs without a library path, and the example of libfantail(3) is built against what was
# installed, shared and static, and sees what is created and deleted.
set -euo pipefail

build=$1
source=$2
shift 2
compiler=("$@")

folder=$(mktemp -d)
listener=
trap '[ -z "$listener" ] || kill "$listener"; rm -rf "$folder"' EXIT
root=$folder/root

fail() {
	echo "$*"
	exit 1
}

meson install -C "$build" --no-rebuild --destdir "$root" >"$folder/log" || fail "$(cat "$folder/log")"
program=$(find "$root" -path '*/bin/fantail')
[ -x "$program" ] || fail "no bin/fantail"
(cd / && env -i "$program" --version) | grep -qx 'fantail [0-9.]*' || fail "$program does not run from there"

for name in fantail.1 fantail-watch.1 fantail-guard.1 fantail-json.5 fantail-policy.5 libfantail.3 fantail.h libfantail.so \
	libfantail.a libfantail.pc fantail-guard.service policies/ssh-keys.yaml fantail-event.schema.json _fantail fantail.fish bash-completion/completions/fantail; do
	find "$root" -path "*/$name" | grep -q . || fail "not installed: $name"
done

# The program of the manual: between .Bd and .Ed after EXAMPLES, \e being a backslash.
sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$source/man/libfantail.3" | sed '1,/^\.Bd/d; /^\.Ed/d; s/\\e/\\/g' >"$folder/example.c"

PKG_CONFIG_LIBDIR=$(dirname "$(find "$root" -name libfantail.pc)")
export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR=$root
library=$(dirname "$PKG_CONFIG_LIBDIR")
read -ra flags < <(pkg-config --cflags --libs libfantail)
read -ra static < <(pkg-config --cflags --static libfantail)
# What the library itself needs, but not the shared one in its place.
read -ra private < <(pkg-config --libs --static libfantail | sed 's/-lfantail//')
"${compiler[@]}" -std=c99 -Wall -Wextra -Werror -o "$folder/shared" "$folder/example.c" "${flags[@]}"
"${compiler[@]}" -std=c99 -Wall -Wextra -Werror -o "$folder/static" "$folder/example.c" "${static[@]}" \
	"$library/libfantail.a" "${private[@]}" -pthread

see() {
	local path=$folder/watched/created line
	rm -rf "$folder/watched"
	mkdir "$folder/watched"
	coproc stdbuf -oL "$1" "$folder/watched"
	listener=$COPROC_PID
	# It does not say when it begins: the folder comes and goes until it is seen.
	for _ in {1..100}; do
		mkdir "$path" && rmdir "$path"
		read -r -t 0.1 line <&"${COPROC[0]}" || continue
		kill "$listener"
		listener=
		[[ $line =~ ^[0-9]+\ $path$ ]] || fail "$1: said '$line', not '... $path'"
		return
	done
	fail "$1: saw nothing"
}
see "$folder/static"
LD_LIBRARY_PATH=$library see "$folder/shared"
