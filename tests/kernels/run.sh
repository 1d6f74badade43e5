#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs fantail on other kernels, in qemu: tests/kernels/run.sh [SUITE[/RELEASE]...]
#
# Each is a Debian suite whose kernel is fetched, see fetch.sh; the default is one of each kind.
# FANTAIL is the program, or the one that `make build` built. Ends with
# "N passed, N failed, N skipped"; status 77: it cannot be tried here.
set -u
# The distribution's python has what validates records.
PATH=/usr/bin:$PATH:/usr/sbin:/sbin
here=$(dirname "$0")
source=$here/../..
fantail=${FANTAIL:-$source/build/src/cli/fantail}

[ $# -gt 0 ] || set -- bullseye/5.10.0-30 bullseye bookworm trixie trixie-backports sid

skip() {
	echo "kernels: $*" >&2
	exit 77
}

for need in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio \
	dpkg-deb:dpkg mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs mkfs.btrfs:btrfs-progs; do
	command -v "${need%%:*}" >/dev/null || skip "${need%%:*} is missing: install ${need##*:}"
done
[ "$(uname -m)" = x86_64 ] || skip "only x86_64 is emulated"
[ -x "$fantail" ] || skip "$fantail is missing: run make build, or set FANTAIL"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
for program in before-rename probe-marks; do
	"${CC:-cc}" -O -o "$work/$program" "$here/$program.c" || exit 1
done
passed=0 failed=0 skipped=0

# What a guest says: lines that begin with @ are records, the rest is for people.
boot() {
	# The list is words by intention.
	# shellcheck disable=SC2086
	sh "$here/boot.sh" -m loop -m overlay -m ext4 -m xfs -m btrfs -p "$fantail" \
		-p "$work/before-rename" -p "$work/probe-marks" -p "$(command -v mkfs.ext4)" -p "$(command -v mkfs.xfs)" \
		-p "$(command -v mkfs.btrfs)" -p "$(command -v btrfs)" "$here/guest.sh" $1 2>&1 |
		tee "$work/console" | grep -v ^@
}

count() {
	grep -c "^$1 " "$work/console"
}

for kernel; do
	echo "== $kernel"
	if ! packages=$(sh "$here/fetch.sh" "$kernel"); then
		skipped=$((skipped + 1))
		continue
	fi
	boot "$packages"
	passed=$((passed + $(count ok)))
	failed=$((failed + $(count 'not ok')))
	if ! grep -q '^done$' "$work/console"; then
		echo "not ok: $kernel did not come to the end"
		failed=$((failed + 1))
	fi
	grep ^@ "$work/console" >"$work/records"
	if PYTHONPATH=$here/../live python3 -B "$here/validate.py" "$work/records"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
