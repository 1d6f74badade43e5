# SPDX-License-Identifier: MIT
# fish completion for fantail. tools/check-options compares it with what `fantail help` says.

function __fantail_events
    printf '%s\n' create moved_from moved_to rename open open_exec access modify attrib \
        close_write close_nowrite delete delete_self move_self fs_error mnt_attach mnt_detach \
        read write exec change all
end

function __fantail_columns
    printf '%s\n' time after seq events path old_path container_path container_old_path path_source dir inode dev fs pid process \
        certainty comm exe args uid user gid group ruid rgid loginuid login_user ppid start pidfd_id cgroup container parents candidates \
        error error_count mount_id count where from to reason
end

set -l first '__fish_is_first_arg'
# The word after fantail: a command after `run` may be called watch, too.
function __fantail_is
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end

set -l both '__fantail_is watch run'
set -l watch '__fantail_is watch'
set -l run '__fantail_is run'

complete -c fantail -n $first -f -a watch -d 'Show file events as they happen'
complete -c fantail -n $first -f -a run -d 'Show what a command does'
complete -c fantail -n $first -f -a help -d 'Explain a command, events or columns'
complete -c fantail -n '__fish_seen_subcommand_from help' -f -a 'watch run events columns'
complete -c fantail -s h -l help -f -d 'Print help'
complete -c fantail -n $first -l version -f -d 'Print the version'

complete -c fantail -n $both -s e -l events -x -a '(__fish_complete_list , __fantail_events)' -d 'Show these events'
complete -c fantail -n $both -l scope -x -a 'tree filesystem mount directory file' -d 'How far each path reaches'
complete -c fantail -n $watch -l all -f -d 'Watch every real filesystem'
complete -c fantail -n $both -s x -l one-file-system -f -d 'Stay on the filesystem of each path'
complete -c fantail -n $both -l path -r -d 'Path matches glob'
complete -c fantail -n $both -l not-path -r -d 'Path does not match glob'
complete -c fantail -n $both -l regex -x -d 'Path matches regular expression'
complete -c fantail -n $both -l not-regex -x -d 'Path does not match it'
complete -c fantail -n $both -l pid -x -a '(__fish_complete_pids)' -d 'Process'
complete -c fantail -n $both -l not-pid -x -a '(__fish_complete_pids)' -d 'Not this process'
complete -c fantail -n $both -l tree -x -a '(__fish_complete_pids)' -d 'Process and its descendants'
complete -c fantail -n $both -l not-tree -x -a '(__fish_complete_pids)' -d 'Not this process nor its descendants'
complete -c fantail -n $both -l comm -x -d 'Name of the process'
complete -c fantail -n $both -l not-comm -x -d 'Not this name'
complete -c fantail -n $both -l exe -r -d 'Executable matches glob'
complete -c fantail -n $both -l not-exe -r -d 'Executable does not match'
complete -c fantail -n $both -l uid -x -a '(__fish_complete_users)' -d 'Effective user'
complete -c fantail -n $both -l not-uid -x -a '(__fish_complete_users)' -d 'Not this user'
complete -c fantail -n $both -l gid -x -a '(__fish_complete_groups)' -d 'Effective group'
complete -c fantail -n $both -l not-gid -x -a '(__fish_complete_groups)' -d 'Not this group'
complete -c fantail -n $both -l container -x -d 'Container'
complete -c fantail -n $both -l not-container -x -d 'Not this container'
complete -c fantail -n $both -l format -x -a 'text json csv ecs ocsf' -d 'Form of the output'
complete -c fantail -n $both -l columns -x -a '(__fish_complete_list , __fantail_columns)' -d 'What to show'
complete -c fantail -n $both -s 0 -l null -f -d 'Paths alone, zero-terminated'
complete -c fantail -n $both -s o -l output -r -d 'Append to a file'
complete -c fantail -n $both -l utc -f -d 'Times in UTC'
complete -c fantail -n $both -l no-args -f -d 'Leave out arguments of processes'
complete -c fantail -n $watch -l for -x -d 'End after a duration'
complete -c fantail -n $watch -l count -x -d 'End after a number of events'
complete -c fantail -n $watch -l ready-fd -x -d 'Tell this descriptor when watching has begun'

complete -c fantail -n $run -l in -r -d 'Only below this path'
complete -c fantail -n $run -l wait -f -d 'Until the last descendant ends'
complete -c fantail -n $run -l user -x -a '(__fish_complete_users)' -d 'Run the command as this user'
complete -c fantail -n $run -l summary -f -d 'What was read, written... at the end'
complete -c fantail -n $run -x -a '(__fish_complete_subcommand --fcs-skip=2)'
