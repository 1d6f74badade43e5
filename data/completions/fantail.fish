# SPDX-License-Identifier: MIT
# fish completion for fantail. tools/check-options compares it with what `fantail help` says.

function __fantail_events
    printf '%s\n' create moved_from moved_to rename open open_exec access modify attrib \
        close_write close_nowrite delete delete_self move_self fs_error mnt_attach mnt_detach \
        read write exec change all
end

function __fantail_calls
    printf '%s\n' fanotify_init fanotify_mark inotify_init inotify_init1 inotify_add_watch \
        inotify_rm_watch dnotify fanotify inotify all
end

function __fantail_columns
    printf '%s\n' time after seq events path old_path container_path container_old_path path_source dir inode dev fs pid process \
        certainty comm exe args uid user gid group ruid rgid loginuid login_user ppid start pidfd_id cgroup container parents candidates \
        error error_count mount_id decision verdict answered rule mode us \
        count where from to reason call ret alert
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
set -l guard '__fantail_is guard'
set -l doctor '__fantail_is doctor'
set -l marks '__fantail_is marks'
set -l audit '__fantail_is audit'
set -l stream '__fantail_is watch guard audit'
set -l results '__fantail_is watch run audit'
set -l output '__fantail_is watch run guard audit'
set -l listed '__fantail_is watch run marks audit'
set -l all '__fantail_is watch run guard marks audit'

complete -c fantail -n $first -f -a watch -d 'Show file events as they happen'
complete -c fantail -n $first -f -a run -d 'Show what a command does'
complete -c fantail -n $first -f -a guard -d 'Say who may open which file'
complete -c fantail -n $first -f -a doctor -d 'Find out what can be seen'
complete -c fantail -n $first -f -a marks -d 'Show who listens'
complete -c fantail -n $first -f -a audit -d 'Show who begins to listen'
complete -c fantail -n $first -f -a help -d 'Explain a command, events or columns'
complete -c fantail -n '__fish_seen_subcommand_from help' -f -a 'watch run guard doctor marks audit events columns'
complete -c fantail -s h -l help -f -d 'Print help'
complete -c fantail -n $first -l version -f -d 'Print the version'

complete -c fantail -n $both -s e -l events -x -a '(__fish_complete_list , __fantail_events)' -d 'Show these events'
complete -c fantail -n $both -l scope -x -a 'tree filesystem mount directory file' -d 'How far each path reaches'
complete -c fantail -n $watch -l all -f -d 'Watch every real filesystem'
complete -c fantail -n $both -s x -l one-file-system -f -d 'Stay on the filesystem of each path'
complete -c fantail -n $results -l path -r -d 'Path matches glob'
complete -c fantail -n $results -l not-path -r -d 'Path does not match glob'
complete -c fantail -n $results -l regex -x -d 'Path matches regular expression'
complete -c fantail -n $results -l not-regex -x -d 'Path does not match it'
complete -c fantail -n $listed -l pid -x -a '(__fish_complete_pids)' -d 'Process'
complete -c fantail -n $listed -l not-pid -x -a '(__fish_complete_pids)' -d 'Not this process'
complete -c fantail -n $results -l tree -x -a '(__fish_complete_pids)' -d 'Process and its descendants'
complete -c fantail -n $results -l not-tree -x -a '(__fish_complete_pids)' -d 'Not this process nor its descendants'
complete -c fantail -n $listed -l comm -x -d 'Name of the process'
complete -c fantail -n $listed -l not-comm -x -d 'Not this name'
complete -c fantail -n $listed -l exe -r -d 'Executable matches glob'
complete -c fantail -n $listed -l not-exe -r -d 'Executable does not match'
complete -c fantail -n $listed -l uid -x -a '(__fish_complete_users)' -d 'Effective user'
complete -c fantail -n $listed -l not-uid -x -a '(__fish_complete_users)' -d 'Not this user'
complete -c fantail -n $results -l gid -x -a '(__fish_complete_groups)' -d 'Effective group'
complete -c fantail -n $results -l not-gid -x -a '(__fish_complete_groups)' -d 'Not this group'
complete -c fantail -n $listed -l container -x -d 'Container'
complete -c fantail -n $listed -l not-container -x -d 'Not this container'
complete -c fantail -n $output -l format -x -a 'text json csv ecs ocsf' -d 'Form of the output'
complete -c fantail -n $output -l columns -x -a '(__fish_complete_list , __fantail_columns)' -d 'What to show'
complete -c fantail -n $output -s 0 -l null -f -d 'Paths alone, zero-terminated'
complete -c fantail -n $output -s o -l output -r -d 'Append to a file'
complete -c fantail -n $output -l utc -f -d 'Times in UTC'
complete -c fantail -n $all -l no-args -f -d 'Leave out arguments of processes'
complete -c fantail -n $stream -l for -x -d 'End after a duration'
complete -c fantail -n $stream -l count -x -d 'End after a number of events or decisions'
complete -c fantail -n $stream -l ready-fd -x -d 'Tell this descriptor when it has begun'

complete -c fantail -n $run -l in -r -d 'Only below this path'
complete -c fantail -n $run -l wait -f -d 'Until the last descendant ends'
complete -c fantail -n $run -l user -x -a '(__fish_complete_users)' -d 'Run the command as this user'
complete -c fantail -n $run -l summary -f -d 'What was read, written... at the end'
complete -c fantail -n $run -x -a '(__fish_complete_subcommand --fcs-skip=2)'

complete -c fantail -n $guard -l policy -r -d 'The rules'
complete -c fantail -n $guard -l deny -d 'Nobody opens the paths'
complete -c fantail -n $guard -l observe -f -d 'Allow everything, tell what would be denied'
complete -c fantail -n $guard -l check -f -d 'Is the policy right, and what does it guard'
complete -c fantail -n $guard -l explain -f -d 'What would be answered, and by which rule'
complete -c fantail -n $guard -l path -r -d 'Explain: the file'
complete -c fantail -n $guard -l event -x -a 'open exec access pre_access' -d 'Explain: what is asked for'
complete -c fantail -n $guard -l exe -r -d 'Explain: executable of the process'
complete -c fantail -n $guard -l comm -x -d 'Explain: name of the process'
complete -c fantail -n $guard -l uid -x -a '(__fish_complete_users)' -d 'Explain: effective user'
complete -c fantail -n $guard -l gid -x -a '(__fish_complete_groups)' -d 'Explain: effective group'
complete -c fantail -n $guard -l container -x -d 'Explain: container'
complete -c fantail -n $guard -l log -x -a all -d 'Print what is allowed, too'
complete -c fantail -n $guard -l confirm -x -d 'Stop unless confirmed within this time'
complete -c fantail -n $guard -l confirm-fd -x -d 'Confirmed by a byte from this descriptor'
complete -c fantail -n $guard -l yes -f -d 'Guard what the machine itself needs, too'
complete -c fantail -n $guard -l take-over -f -d 'Go on where the running guard stops'

complete -c fantail -n $doctor -l matrix -f -d 'Every group and mark, tried'
complete -c fantail -n $doctor -l selftest -f -d 'A file through each filesystem'
complete -c fantail -n $doctor -l stuck -f -d 'Who waits for which listener'
complete -c fantail -n $doctor -l format -x -a 'text json csv' -d 'Form of the output'

complete -c fantail -n $marks -s w -l watch -f -d 'Tell what comes and goes'
complete -c fantail -n $marks -l interval -x -d 'Look this often'
complete -c fantail -n $marks -l groups -f -d 'The groups alone'
complete -c fantail -n $marks -l format -x -a 'text json csv' -d 'Form of the output'

complete -c fantail -n $audit -s e -l events -x -a '(__fish_complete_list , __fantail_calls)' -d 'Show these calls'
complete -c fantail -n $audit -l alert -f -d 'Only what is unusual'
complete -c fantail -n $audit -l compat -f -d '32-bit callers, too'
