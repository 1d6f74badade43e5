#!/bin/sh
# SPDX-License-Identifier: MIT
# Run inside a booted kernel: workloads are watched, and what was told is compared with what was
# done.
#
# Each thing done is written down by the function that does it, in the words of a kernel that has
# FAN_RENAME; for one that has not, a rename is read as moved_from and moved_to.
set -u

CHANGES='create delete rename moved_from moved_to'
failed=0
failed_here=''
truth=/tmp/truth
out=/tmp/out
err=/tmp/err

# ---- what the kernel can do, by the version that brought it to Debian's kernels

# Its release name leaves the third number out.
version=$(uname -v | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1)

since() {
	[ "$(printf '%s\n' "$1" "$version" | sort -V | head -n 1)" = "$1" ]
}

# Linux 5.17, and the long-term kernels that later took fanotify over from newer ones.
took_over() {
	case $version in
	5.15.*) since 5.15.154 ;;
	5.10.*) since 5.10.220 ;;
	*) false ;;
	esac
}

# AS: fantail sees an older kernel than this.
has_rename() {
	[ -z "${AS-}" ] || return 1
	since 5.17 || took_over
}

takes_unprivileged() {
	since 5.13 || took_over
}

# ---- checks

wrong() {
	failed_here=yes
	echo "  $*"
}

# check NAME FUNCTION [ARG...]
check() {
	name=$1
	shift
	failed_here=''
	: >"$truth"
	"$@"
	if [ -z "$failed_here" ]; then
		echo "ok $name"
	else
		failed=$((failed + 1))
		echo "not ok $name"
		sed 's/^/  stderr: /' "$err"
	fi
	# For the schema, which is not here.
	grep '^{' "$out" | sed "s/^/@$name /"
}

# same WHAT WANTED-FILE TOLD-FILE
same() {
	sort -u "$2" >/tmp/want
	sort -u "$3" >/tmp/got
	diff -U 0 /tmp/want /tmp/got >/tmp/diff && return
	wrong "$1: - wanted, + told"
	grep '^[-+][^-+]' /tmp/diff | sed 's/^/    /'
}

# ---- the watched and the watcher

# watch ARG...; BY: the user who does, AS: what it is run by, COMMAND: another one than watch.
watch() {
	command="${AS-} fantail ${COMMAND-watch} --format json --ready-fd 3 $*"
	if [ -n "${BY-}" ]; then
		# The shell that su starts is replaced: signals are for the program.
		su "$BY" -s /bin/sh -c "exec $command" >"$out" 2>"$err" 3>/tmp/ready &
	else
		# Words by intention.
		# shellcheck disable=SC2086
		$command >"$out" 2>"$err" 3>/tmp/ready &
	fi
	watcher=$!
	read -r _ </tmp/ready || wrong "it was never ready"
}

# What is queued at the signal is told before it ends.
stop() {
	kill -INT "$watcher"
	wait "$watcher"
	status=$?
	[ "$status" -eq "${1-0}" ] || wrong "exit status $status"
	if grep '"lost"' "$out"; then
		wrong "something was lost"
	fi
}

halt() {
	kill -STOP "$watcher"
	until_true grep -q '^State:.T' "/proc/$watcher/status"
}

proceed() {
	kill -CONT "$watcher"
}

# SOURCE EVENT PATH [OLD-PATH], a line for each event of each record
told() {
	awk '
		function field(name) {
			if (!match($0, "\"" name "\":\"[^\"]*\"")) return ""
			return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
		}
		match($0, /"events":\[[^]]*\]/) {
			list = substr($0, RSTART + 10, RLENGTH - 11)
			gsub(/"/, "", list)
			n = split(list, events, ",")
			for (i = 1; i <= n; i++) {
				old = events[i] == "rename" ? " " field("old_path") : ""
				print field("path_source"), events[i], field("path") old
			}
		}' "$out"
}

# told_as "SOURCE..." "EVENT...": their events and paths
told_as() {
	told | awk -v sources=" $1 " -v events=" $2 " '
		index(sources, " " $1 " ") && index(events, " " $2 " ") { sub(/^[^ ]* /, ""); print }'
}

# The truth in the words of this kernel.
wanted() {
	if has_rename; then
		cat "$truth"
		return
	fi
	awk '$1 == "rename" { print "moved_from", $3; print "moved_to", $2; next } { print }' "$truth"
}

did() {
	echo "$*" >>"$truth"
}

# ---- things done

create() {
	: >"$1"
	did create "$1"
}

write() {
	echo something >>"$1"
}

make_dir() {
	mkdir "$1"
	did create "$1"
}

rename() {
	mv "$1" "$2"
	did rename "$2" "$1"
}

link() {
	ln "$1" "$2"
	did create "$2"
}

symlink() {
	ln -s "$1" "$2"
	did create "$2"
}

delete() {
	rm "$1"
	did delete "$1"
}

delete_dir() {
	rmdir "$1"
	did delete "$1"
}

delete_tree() {
	find "$1" | sed 's/^/delete /' >>"$truth"
	rm -r "$1"
}

# make_tree TOP: 2 directories of 2 each, a file in all
make_tree() {
	make_dir "$1"
	for i in 1 2; do
		make_dir "$1/d$i"
		create "$1/d$i/f$i"
		for k in 1 2; do
			make_dir "$1/d$i/e$k"
			create "$1/d$i/e$k/g$k"
		done
	done
}

# ---- cases

all_is_told() {
	wanted >/tmp/wanted
	told_as 'event first' "$CHANGES" >/tmp/told
	same 'changes' /tmp/wanted /tmp/told
}

every_kind() {
	mkdir "$1/old"
	watch "$1"
	make_dir "$1/a"
	make_dir "$1/b"
	create "$1/a/f"
	write "$1/a/f"
	cat "$1/a/f" >/dev/null
	chmod 600 "$1/a/f"
	rename "$1/a/f" "$1/a/g"
	rename "$1/a/g" "$1/b/h"
	rename "$1/b/h" "$1/old/h"
	link "$1/old/h" "$1/a/l"
	symlink nowhere "$1/a/s"
	create "$1/a/over"
	rename "$1/a/over" "$1/a/l"
	delete "$1/a/l"
	delete "$1/a/s"
	delete "$1/old/h"
	delete_dir "$1/a"
	delete_tree "$1/b"
	stop
	all_is_told
	printf '%s\n' "modify $1/a/f" "close_write $1/a/f" "open $1/a/f" "attrib $1/a/f" >/tmp/wanted
	told_as event 'modify close_write open attrib' | grep " $1/a/f\$" >/tmp/told
	same 'what was done to a file' /tmp/wanted /tmp/told
}

# A kernel without filesystem marks for this filesystem: what an open file tells.
open_kinds() {
	watch "$1"
	create "$1/f"
	write "$1/f"
	stop
	printf '%s\n' "modify $1/f" "close_write $1/f" "open $1/f" >/tmp/wanted
	told_as now 'modify close_write open' >/tmp/told
	same 'what was done to a file' /tmp/wanted /tmp/told
	told_as 'event first' "$CHANGES" >/tmp/told
	same 'changes' /dev/null /tmp/told
	[ "$(grep -c 'only open, access, modify' "$err")" -eq 1 ] ||
		wrong "what is not seen must be told once"
}

told_once() {
	watch -e "$2" "$1"
	create "$1/one"
	rename "$1/one" "$1/two"
	delete "$1/two"
	stop
	lines=$(grep -c 'no FAN_RENAME' "$err")
	want=1
	if has_rename; then
		want=0
	fi
	[ "$lines" -eq "$want" ] || wrong "FAN_RENAME: $lines lines on stderr, not $want"
	wanted | grep -v ^delete >/tmp/wanted
	told_as event "$CHANGES" >/tmp/told
	same "-e $2" /tmp/wanted /tmp/told
}

# Directories that move while the reader keeps up: known ones, unknown ones, and what is in them.
moving_dirs() {
	mkdir -p "$1/there/sub/deep" "$1/elsewhere"
	watch "$1"
	create "$1/there/sub/first"
	wait_for "$1/there/sub/first"
	rename "$1/there/sub" "$1/elsewhere/sub"
	wait_for "$1/elsewhere/sub"
	create "$1/elsewhere/sub/second"
	create "$1/elsewhere/sub/deep/third"
	wait_for "$1/elsewhere/sub/deep/third"
	rename "$1/elsewhere" "$1/away"
	wait_for "$1/away"
	create "$1/away/sub/deep/fourth"
	stop
	if has_rename; then
		all_is_told
	else
		never_wrong 'event first now'
	fi
}

# until_true COMMAND...: looked at again and again, for 20 seconds
until_true() {
	end=$(($(cut -d. -f1 /proc/uptime) + 20))
	until "$@"; do
		if [ "$(cut -d. -f1 /proc/uptime)" -ge "$end" ] || ! kill -0 "$watcher"; then
			wrong "it never came: $*"
			return 1
		fi
	done
}

# Until a path is told: by then everything before is.
wait_for() {
	until_true grep -qF "\"path\":\"$1\"" "$out"
}

# Nothing but places changes while the reader sleeps; all of it is read when it is over.
late() {
	mkdir -p "$1/before/sub" "$1/host"
	create "$1/before/sub/known"
	create "$1/before/sub/gone"
	: >"$truth"
	watch "$1"
	[ "$2" = unknown ] || seen_before "$1"
	halt
	make_tree "$1/tree"
	create "$1/before/sub/new"
	delete "$1/before/sub/gone"
	"late_$3" "$1"
	proceed
	stop
	if has_rename; then
		all_is_told
	else
		never_wrong 'event first'
		now_is_now
	fi
}

seen_before() {
	chmod 700 "$1/before/sub/known"
	wait_for "$1/before/sub/known"
}

late_still() {
	rename "$1/tree/d1/f1" "$1/host/f1"
	delete "$1/tree/d1/e1/g1"
}

late_removed() {
	rename "$1/tree/d1/f1" "$1/host/f1"
	delete_tree "$1/tree"
	delete_tree "$1/before"
}

late_moved() {
	rename "$1/tree/d1" "$1/host/d1"
	create "$1/host/d1/e1/inner"
	rename "$1/before" "$1/after"
	create "$1/after/sub/newer"
	rename "$1/host" "$1/guest"
	create "$1/guest/d1/e2/innermost"
}

late_both() {
	late_moved "$1"
	delete_tree "$1/guest"
	delete_tree "$1/after"
}

# never_wrong "SOURCE...", where records name the parent alone: nothing is missing, what is told
# with one of these sources is true, and the rest has at least its name.
never_wrong() {
	wanted | sort -u >/tmp/wanted
	told_as "$1" "$CHANGES" | sort -u >/tmp/told
	grep -vxFf /tmp/wanted /tmp/told >/tmp/extra &&
		wrong "told as $1, and never was: $(cat /tmp/extra)"
	sed 's#/[^ ]*/##' /tmp/wanted | sort >/tmp/want-names
	told_as 'event first now partial' "$CHANGES" | sed 's#/[^ ]*/##' | sort >/tmp/told-names
	diff /tmp/want-names /tmp/told-names >/tmp/diff ||
		wrong "names: $(grep '^[<>]' /tmp/diff)"
	echo "  sources: $(told | awk '{ n[$1]++ } END { for (s in n) printf "%s %d ", s, n[s] }')"
}

# Everything was read after the last thing was done.
now_is_now() {
	told_as now "$CHANGES" | while read -r event path; do
		[ -d "${path%/*}" ] || echo "$event $path"
	done >/tmp/extra
	[ ! -s /tmp/extra ] || wrong "told as of now, and is not: $(cat /tmp/extra)"
}

# What is told of one directory, one file or one mount, on a filesystem that may take no mark
# that tells of names.
narrow() {
	mkdir "$1/dir" "$1/dir/sub"
	echo before >"$1/dir/file"
	watch --scope file "$1/dir/file"
	write "$1/dir/file"
	create "$1/dir/other"
	write "$1/dir/other"
	stop
	written_is_told "$1/dir/file"
	watch --scope directory "$1/dir"
	write "$1/dir/file"
	create "$1/dir/sub/below"
	write "$1/dir/sub/below"
	stop
	written_is_told "$1/dir/file"
	watch --scope mount "$1"
	write "$1/dir/file"
	write "$1/dir/sub/below"
	stop
	written_is_told "$1/dir/file" "$1/dir/sub/below"
	[ "$(grep -c 'create, delete, rename and attrib are left out' "$err")" -eq 1 ] ||
		wrong "what is not seen must be told once"
}

# Nothing else was written.
written_is_told() {
	for path; do
		printf '%s\n' "modify $path" "close_write $path"
	done >/tmp/wanted
	told_as 'event now' 'modify close_write' >/tmp/told
	same 'what was written' /tmp/wanted /tmp/told
}

# The process of an exec, and that of what it then does.
executed() {
	cp /bin/busybox "$1/touch"
	watch -e exec,create "$1"
	sh -c "echo \$\$ >/tmp/pid; exec '$1/touch' '$1/touched'"
	stop
	pid=$(cat /tmp/pid)
	for event in open_exec create; do
		grep "\"$event\"" "$out" | grep -q "\"pid\":$pid," || wrong "$event has not pid $pid"
	done
	printf '%s\n' "open_exec $1/touch" "create $1/touched" >/tmp/wanted
	told_as event 'open_exec create' >/tmp/told
	same 'exec' /tmp/wanted /tmp/told
	if grep '"create"' "$out" | grep '"certainty":"exact"' | grep -vq "\"exe\":\"$1/touch\""; then
		wrong "exact, but not $1/touch"
	fi
}

# Somebody begins to listen.
audited() {
	COMMAND=audit watch
	sh -c "echo \$\$ >/tmp/pid; exec fantail watch --for 100ms '$1'" >/dev/null 2>&1
	stop
	for call in fanotify_init fanotify_mark; do
		grep "\"$call\"" "$out" | grep "\"pid\":$(cat /tmp/pid)," | grep '"certainty":"exact"' |
			grep -q '"exe":"/bin/fantail"' || wrong "no $call of fantail"
	done
}

# doctor's table against a program that tries the same.
probed() {
	${AS-} probe-marks "$1" >"$truth"
	${AS-} fantail doctor --matrix --format csv "$1" >"$out" 2>"$err" || wrong "exit status $?"
	[ "$(wc -l <"$truth")" -gt 5000 ] || wrong "hardly anything was tried"
	same "marks" "$truth" "$out"
}

selftested() {
	${AS-} fantail doctor --selftest "$1" >"$out" 2>"$err" || wrong "exit status $?"
	grep -q '^ok ' "$out" || wrong "$(cat "$out")"
}

# A listener that does not answer, and who waits for it.
held() {
	echo x >"$1/file"
	probe-marks --hold "$1" >/tmp/held &
	watcher=$!
	until_true grep -q holding /tmp/held
	cat "$1/file" >/dev/null &
	waiter=$!
	until_true grep -q '^State:.D' "/proc/$waiter/status"
	fantail doctor --stuck >"$out" 2>"$err" || wrong "exit status $?"
	kill -KILL "$watcher"
	wait "$waiter"
	grep -q "^cat($waiter) waits for probe-marks($watcher) .*: open[a-z0-9]* $1/file\$" "$out" ||
		wrong "told: $(cat "$out")"
}

# A filesystem that cannot be marked as a whole.
overlaid() {
	mkdir -p "$1/lower/sub" "$1/upper" "$1/work" "$1/merged"
	echo below >"$1/lower/sub/below"
	mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" overlay "$1/merged" ||
		{ wrong "no overlay"; return; }
	if since 6.8; then
		overlaid_dirs "$1/merged"
	else
		open_kinds "$1/merged"
	fi
	narrow "$1/merged"
	umount "$1/merged" || wrong "the overlay is held"
}

overlaid_dirs() {
	watch "$1"
	make_dir "$1/new"
	wait_for "$1/new"
	create "$1/new/f"
	wait_for "$1/new/f"
	rename "$1/new/f" "$1/sub/g"
	delete "$1/sub/below"
	delete_dir "$1/new"
	stop
	wanted >/tmp/wanted
	told_as 'event first now' "$CHANGES" >/tmp/told
	same 'changes' /tmp/wanted /tmp/told
	[ "$(grep -c 'each directory is marked' "$err")" -eq 1 ] ||
		wrong "the other way must be told once"
}

# Someone without privileges, below a directory of their own.
unprivileged() {
	mkdir -p "$1/home/sub"
	chown -R someone:someone "$1/home"
	if ! takes_unprivileged; then
		su someone -s /bin/sh -c "fantail watch $1/home" >"$out" 2>"$err" </dev/null
		status=$?
		[ "$status" -eq 1 ] || wrong "exit status $status, not 1"
		[ "$(wc -l <"$err")" -eq 1 ] || wrong "not one line on stderr"
		grep -q CAP_SYS_ADMIN "$err" || wrong "what is missing is not told"
		return
	fi
	BY=someone
	watch "$1/home"
	BY=''
	make_dir "$1/home/new"
	wait_for "$1/home/new"
	create "$1/home/new/f"
	rename "$1/home/new/f" "$1/home/sub/f"
	delete "$1/home/sub/f"
	stop
	all_is_told
	grep -q CAP_SYS_ADMIN "$err" || wrong "what is missing is not told"
}

touched_is_told() {
	echo x >>"$1"
	grep -q "$1" "$out"
}

# The reader has seen what was mounted or unmounted: before, paths are told as of now.
is_settled() {
	echo x >>"$1"
	grep -F "\"path\":\"$1\"" "$out" | grep -q '"path_source":"event"'
}

# A filesystem that is mounted while it is watched from above.
mounted_later() {
	mkdir "$1/later"
	watch "$1"
	mount -t tmpfs later "$1/later"
	create "$1/before-all"
	wait_for "$1/before-all"
	until_true touched_is_told "$1/later/seen"
	umount "$1/later" || wrong "the mount is held"
	until_true is_settled "$1/settled"
	create "$1/after-all"
	wait_for "$1/after-all"
	# The gap before the mark.
	stop 3
	told_as event "$CHANGES" | grep -v "$1/later/\|$1/settled" >/tmp/told
	wanted >/tmp/wanted
	same 'changes around it' /tmp/wanted /tmp/told
}

# ---- the machine

# make_filesystem KIND SIZE MKFS-OPTION...; status 1: this kernel has not got it
make_filesystem() {
	kind=$1 image=/tmp/image-$1
	truncate -s "$2" "$image"
	shift 2
	"mkfs.$kind" "$@" "$image" >/tmp/mkfs 2>&1 || { cat /tmp/mkfs; return 1; }
	mkdir -p "/mnt/$kind"
	mount -t "$kind" -o loop "$image" "/mnt/$kind"
}

# A subvolume that is mounted on its own, as root filesystems are.
make_subvolume() {
	btrfs -q subvolume create /mnt/btrfs/subvolume &&
		mkdir /mnt/subvolume &&
		device=$(awk '$2 == "/mnt/btrfs" { print $1 }' /proc/mounts) &&
		mount -t btrfs -o subvol=subvolume "$device" /mnt/subvolume
}

prepare() {
	echo 'root:x:0:0::/:/bin/sh' >/etc/passwd
	echo 'someone:x:1000:1000::/:/bin/sh' >>/etc/passwd
	echo 'root:x:0:' >/etc/group
	echo 'someone:x:1000:' >>/etc/group
	chmod 755 /
	chmod 1777 /tmp
	mkfifo /tmp/ready
	mkdir -p /mnt/tmpfs
	mount -t tmpfs tmpfs /mnt/tmpfs &&
		make_filesystem ext4 32M &&
		make_filesystem xfs 64M --unsupported &&
		make_filesystem btrfs 128M &&
		make_subvolume
}

# run_case NAME FUNCTION MOUNT [ARG...]: each in a directory of its own
run_case() {
	name=$1 function=$2 base=/mnt/$3/$1
	shift 3
	mkdir "$base"
	check "$name" "$function" "$base" "$@"
}

# run_all SUFFIX
run_all() {
	for kind in ext4 xfs btrfs subvolume; do
		run_case "every-kind-$kind$1" every_kind "$kind"
	done
	if since 5.13; then
		run_case "every-kind-tmpfs$1" every_kind tmpfs
	else
		run_case "open-kinds-tmpfs$1" open_kinds tmpfs
	fi
	for kind in ext4 tmpfs subvolume; do
		run_case "narrow-$kind$1" narrow "$kind"
	done
	run_case "rename-told-once$1" told_once ext4 create,rename
	run_case "moving-dirs$1" moving_dirs ext4
	for tree in known unknown; do
		for what in still removed moved both; do
			run_case "late-$tree-$what$1" late ext4 "$tree" "$what"
		done
	done
	run_case "executed$1" executed ext4
	run_case "audited$1" audited ext4
	run_case "probed$1" probed tmpfs
	run_case "probed-ext4$1" probed ext4
	run_case "selftested$1" selftested ext4
	run_case "selftested-tmpfs$1" selftested tmpfs
	run_case "held$1" held tmpfs
	run_case "overlaid$1" overlaid ext4
	run_case "mounted-later$1" mounted_later ext4
	run_case "unprivileged$1" unprivileged ext4
	if takes_unprivileged; then
		BY=someone
		run_case "unprivileged-moving-dirs$1" moving_dirs ext4
		BY=''
	fi
}

main() {
	prepare || { echo "not ok prepare"; return 1; }
	run_all ''
	if has_rename; then
		AS=before-rename
		run_all -before-rename
	fi
	echo 'done'
	[ "$failed" -eq 0 ]
}

main
