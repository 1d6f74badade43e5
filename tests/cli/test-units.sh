#!/bin/bash
# SPDX-License-Identifier: MIT
# The units of the service manager, as it reads them: test-units.sh UNIT PROGRAM.
#
# Nothing is started. What a unit may do is counted by systemd-analyze, and may not become more.
set -euo pipefail

unit=$1
program=$(realpath "$2")
exposure_max=50 # of 100

command -v systemd-analyze >/dev/null || { echo "skipped: systemd-analyze is not installed"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
copy=$folder/$(basename "$unit")

# It is not installed yet where the unit says that it is, and its manual pages are not either.
installed=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
[ -n "$installed" ] || { echo "$unit: no ExecStart"; exit 1; }
sed "s|$installed|$program|; /^Documentation=/d" "$unit" >"$copy"
said=$(systemd-analyze verify --man=no "$copy" 2>&1) || { echo "$said"; exit 1; }
[ -z "$said" ] || { echo "$said"; exit 1; }
systemd-analyze security --offline=true --threshold="$exposure_max" "$copy" >"$folder/said" 2>&1 || {
	cat "$folder/said"
	exit 1
}

# A mount namespace would hide the host's paths from a guard.
if grep -v '^#' "$unit" | grep -E '^(Private(Tmp|Mounts|Devices)|Protect|.*Paths|RootDirectory|DynamicUser)'; then
	echo "$unit: makes a mount namespace"
	exit 1
fi
