# SPDX-License-Identifier: MIT
# bash completion for fantail. tools/check-options compares it with what `fantail help` says.

_fantail_events='create moved_from moved_to rename open open_exec access modify attrib close_write
	close_nowrite delete delete_self move_self fs_error mnt_attach mnt_detach
	read write exec change all'
_fantail_calls='fanotify_init fanotify_mark inotify_init inotify_init1 inotify_add_watch
	inotify_rm_watch dnotify fanotify inotify all'
_fantail_columns='time after seq events path old_path container_path container_old_path path_source dir inode dev fs pid process
	certainty comm exe args uid user gid group ruid rgid loginuid login_user ppid start pidfd_id cgroup container parents candidates
	error error_count mount_id decision verdict answered rule mode us
	count where from to reason call ret alert'
_fantail_output_options='--format --columns -0 --null -o --output --utc --no-args -h --help'
_fantail_result_options="--path --not-path --regex --not-regex --pid --not-pid --tree --not-tree --comm --not-comm
	--exe --not-exe --uid --not-uid --gid --not-gid --container --not-container
	$_fantail_output_options"
_fantail_options="$_fantail_result_options -e --events --scope -x --one-file-system"
_fantail_watch_options="$_fantail_options --all --for --count --ready-fd"
_fantail_run_options="$_fantail_options --in --wait --user --summary"
_fantail_guard_options="$_fantail_output_options --policy --deny --observe --check --explain
	--path --event --exe --comm --uid --gid --container --log --confirm --confirm-fd --yes
	--take-over --for --count --ready-fd"
_fantail_doctor_options='--matrix --selftest --stuck --format -h --help'
_fantail_marks_options='-w --watch --interval --groups --pid --not-pid --comm --not-comm
	--exe --not-exe --uid --not-uid --container --not-container
	--format --no-args -h --help'
_fantail_audit_options="$_fantail_result_options -e --events --alert --compat --for --count --ready-fd"

_fantail_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# The last word of a comma-separated list.
_fantail_list() {
	local done=
	[[ $2 == *,* ]] && done=${2%,*},
	mapfile -t COMPREPLY < <(compgen -P "$done" -W "$1" -- "${2##*,}")
	compopt -o nospace
}

_fantail_files() {
	mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
	compopt -o filenames
}

_fantail_argument() {
	local option=$1 cur=$2
	case ${option/#--not-/--} in
	-e | --events)
		if [[ ${COMP_WORDS[1]} == audit ]]; then
			_fantail_list "$_fantail_calls" "$cur"
		else
			_fantail_list "$_fantail_events" "$cur"
		fi
		;;
	--columns) _fantail_list "$_fantail_columns" "$cur" ;;
	--scope) _fantail_words 'tree filesystem mount directory file' "$cur" ;;
	--format) _fantail_words 'text json csv ecs ocsf' "$cur" ;;
	--uid | --user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
	--gid) mapfile -t COMPREPLY < <(compgen -g -- "$cur") ;;
	--pid | --tree) _fantail_words "$(cd /proc && echo [0-9]*)" "$cur" ;;
	--event) _fantail_words 'open exec access pre_access' "$cur" ;;
	--log) _fantail_words 'all' "$cur" ;;
	--exe | --path | --in | --policy | -o | --output) _fantail_files -f "$cur" ;;
	--interval | --regex | --comm | --container | --for | --count | --ready-fd | --confirm | --confirm-fd) COMPREPLY=() ;;
	*) return 1 ;;
	esac
}

# Where the command of `run` begins: after -- or at the first word that is no option, nor the value of one.
_fantail_command_at() {
	local i
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)
			echo $((i + 1))
			return
			;;
		-e | -o | --events | --scope | --format | --columns | --output | --in | --user | --path | --not-path | \
			--regex | --not-regex | --pid | --not-pid | --tree | --not-tree | --comm | --not-comm | --exe | \
			--not-exe | --uid | --not-uid | --gid | --not-gid | --container | --not-container)
			i=$((i + 1))
			[[ ${COMP_WORDS[i]} == = ]] && i=$((i + 1))
			;;
		-*) ;;
		*)
			echo "$i"
			return
			;;
		esac
	done
	return 1
}

_fantail_option() {
	local options=$1 cur=$2 prev=$3
	# --name=value arrives as three words.
	if [[ $cur == = ]]; then
		_fantail_argument "$prev" ''
	elif [[ $prev == = ]]; then
		_fantail_argument "${COMP_WORDS[COMP_CWORD - 2]}" "$cur"
	elif _fantail_argument "$prev" "$cur"; then
		:
	elif [[ $cur == -* ]]; then
		_fantail_words "$options" "$cur"
	else
		return 1
	fi
}

_fantail_run() {
	local cur=$1 at
	if at=$(_fantail_command_at) && declare -F _command_offset >/dev/null; then
		_command_offset "$at"
	elif [[ -n $at ]]; then
		_fantail_files -f "$cur"
	elif ! _fantail_option "$_fantail_run_options" "$cur" "$2"; then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	fi
}

_fantail() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		_fantail_words 'watch run guard doctor marks audit help -h --help --version' "$cur"
		return
	fi
	case ${COMP_WORDS[1]} in
	help) [[ $COMP_CWORD -eq 2 ]] && _fantail_words 'watch run guard doctor marks audit events columns' "$cur" ;;
	watch) _fantail_option "$_fantail_watch_options" "$cur" "$prev" || _fantail_files -f "$cur" ;;
	run) _fantail_run "$cur" "$prev" ;;
	guard) _fantail_option "$_fantail_guard_options" "$cur" "$prev" || _fantail_files -f "$cur" ;;
	doctor) _fantail_option "$_fantail_doctor_options" "$cur" "$prev" || _fantail_files -f "$cur" ;;
	marks) _fantail_option "$_fantail_marks_options" "$cur" "$prev" || _fantail_files -f "$cur" ;;
	audit) _fantail_option "$_fantail_audit_options" "$cur" "$prev" || : ;;
	esac
}

complete -F _fantail fantail
