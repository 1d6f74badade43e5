#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches a kernel of a Debian suite and prints the packages' paths:
# tests/kernels/fetch.sh SUITE[/RELEASE]
#
# RELEASE is a kernel's, like 5.10.0-30; without it, it is the suite's newest.
# The packages come from where the system's own packages come from: the sources that name the
# system's release are read, and in a private copy another suite stands in its place. Lists and
# archives are private, too, so the system's stay as they are. What was fetched is kept; remove
# its directory below FANTAIL_KERNELS to fetch anew.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 SUITE[/RELEASE]" >&2; exit 2; }
suite=${1%%/*}
release=${1#"$suite"}
kernel=linux-image-${release:+${release#/}-}cloud-amd64
cache=${FANTAIL_KERNELS:-${XDG_CACHE_HOME:-$HOME/.cache}/fantail/kernels}
dir=$cache/$suite${release:+-${release#/}}
private=$dir.apt

fail() {
	echo "fetch: $kernel of $suite: $*" >&2
	exit 1
}

# Both forms of sources: paragraphs of fields, and lines.
derive_sources() {
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -e "$file" ] || continue
		awk -v own="$codename" -v suite="$suite" '
			function flush() { if (found) print paragraph; paragraph = ""; found = 0 }
			/^[ \t]*$/ { flush(); next }
			/^#/ { next }
			/^Suites:/ {
				for (i = 2; i <= NF; i++)
					found = found || $i == own
				$0 = "Suites: " suite
			}
			{ paragraph = paragraph $0 "\n" }
			END { flush() }' "$file"
	done >"$private/sources.list.d/kernels.sources"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -e "$file" ] || continue
		awk -v own="$codename" -v suite="$suite" '
			$1 != "deb" { next }
			{
				for (i = 2; i <= NF && $i != own; i++)
					;
				if (i > NF) next
				$i = suite
				print
			}' "$file"
	done >"$private/sources.list"
}

apt_private() {
	command=$1
	shift
	"$command" -o Dir::Etc::sourcelist="$private/sources.list" \
		-o Dir::Etc::sourceparts="$private/sources.list.d" \
		-o Dir::State::lists="$private/lists" \
		-o Dir::Cache="$private/cache" \
		-o APT::Sandbox::User= -o Acquire::Languages=none "$@"
}

# Since 6.19 the image is split over several packages.
packages_of() {
	apt_private apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
		--no-breaks --no-replaces --no-enhances "$kernel" |
		grep -E '^linux-(image|binary|modules)-[0-9][^ ]*$' | sort -u
}

if ! ls "$dir"/*.deb >/dev/null 2>&1; then
	[ -e /etc/debian_version ] || fail "kernels are fetched with apt: a Debian system is needed"
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	rm -rf "$private" "$dir.part"
	mkdir -p "$private/sources.list.d" "$private/lists/partial" \
		"$private/cache/archives/partial" "$dir.part"
	derive_sources
	apt_private apt-get update -qq >&2 || fail "its package lists cannot be fetched"
	packages=$(packages_of) || fail "there is no such package"
	# The list is words by intention.
	# shellcheck disable=SC2086
	(cd "$dir.part" && apt_private apt-get download -qq $packages >&2) ||
		fail "cannot fetch $packages"
	rm -rf "$private" "$dir"
	mv "$dir.part" "$dir"
fi
ls "$dir"/*.deb
