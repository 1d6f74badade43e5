#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh: runs the bench in a mount namespace of its own, so that nothing stays mounted.
set -eu

fail() {
	echo "bench: $*" >&2
	exit 1
}

[ $# -ge 1 ] || fail "usage: sh bench/run.sh BUILD_DIR [--quick] [--runs N] [--only READER,...]"
build=$1
shift
[ "$(id -u)" = 0 ] || fail "needs root: it mounts, and marks whole filesystems"
for tool in python3 unshare mount mkfs.ext4; do
	command -v "$tool" >/dev/null ||
		fail "needs $tool (Debian: python3, util-linux, mount, e2fsprogs)"
done
[ -x "$build/bench/bare-reader" ] ||
	fail "no bench programs in $build: configure it with -Dbench=true and build it"

export PYTHONDONTWRITEBYTECODE=1
exec unshare --mount --propagation private \
	python3 "$(dirname "$0")/bench.py" --build "$build" "$@"
