#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs every command of README.md's table "Coming from": test-coming-from.sh FANTAIL README BPF
#
# BPF is 0 where fantail was built without: audit cannot run then.
#
# Each is run as it stands there, in a folder of its own, but for a shorter time, and must end with 0.
set -euo pipefail

fantail=$(realpath "$1")
readme=$(realpath "$2")
bpf=$3

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: needs root, the commands watch whole filesystems"
	exit 77
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin"
ln -s "$fantail" "$folder/bin/fantail"
PATH=$folder/bin:$PATH

# The right column of each row between the marks: a command in backquotes, \| being a bar.
# The backquotes are the table's.
# shellcheck disable=SC2016
commands() {
	sed -n '/<!-- coming-from -->/,/<!-- \/coming-from -->/p' "$readme" |
		sed -n 's/^|.*| `\(fantail .*\)` |$/\1/p' | sed 's/\\|/|/g'
}

rows=$(sed -n '/<!-- coming-from -->/,/<!-- \/coming-from -->/p' "$readme" | grep -c '^| `' || true)
count=0 failed=0
while IFS= read -r command; do
	count=$((count + 1))
	[[ $bpf == 0 && $command == 'fantail audit'* ]] && continue
	bounded=$(sed -E 's/ --for [^ ]+//; s/^fantail (watch|audit)/& --for 200ms/' <<<"$command")
	status=0
	(cd "$folder" && timeout 20 bash -c "$bounded" >/dev/null 2>"$folder/stderr" </dev/null) || status=$?
	# They tell by 3 that something would be lost, or cannot be seen, on this machine.
	[[ $status == 3 && $command =~ ^fantail\ (doctor|marks) ]] && status=0
	if [ $status -ne 0 ]; then
		failed=$((failed + 1))
		echo "exit status $status: $command"
		cat "$folder/stderr"
	fi
done < <(commands)

echo "$count commands, $failed failed"
# A row whose command was not found would be a row that nobody runs.
[ "$count" -gt 0 ] && [ "$count" -eq "$rows" ] && [ "$failed" -eq 0 ]
