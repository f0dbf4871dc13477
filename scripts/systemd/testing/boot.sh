#!/bin/sh
# Starts a real systemd as PID 1 of its own namespaces over an overlay of `/`. What it changes lies in FOLDER and in a control group of its
# own; nothing that the machine around it would start is started. Ends with its standard input, or with a kill.
# boot.sh FOLDER INIT CHECKOUT: makes namespaces, then runs INIT in them.
set -eu
# Where an ordinary PATH does not lead.
PATH=$PATH:/usr/sbin:/sbin
folder=$1
mkdir -p "$folder/upper" "$folder/work" "$folder/merged" "$folder/cgroup"
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/merged"
mount -t cgroup2 cgroup2 "$folder/cgroup"
mkdir -p "$folder/cgroup/$(basename "$folder")"
echo $$ >"$folder/cgroup/$(basename "$folder")/cgroup.procs"
# Whoever started this holds the other end. The process id stays the same through exec.
exec 3<&0
(
  echo 0 >"$folder/cgroup/cgroup.procs"
  cat <&3 >/dev/null
  kill -KILL $$
) >/dev/null 2>&1 &
exec unshare -m -p -u -i -C --fork --kill-child sh "$2" "$folder" "$3" </dev/null 3<&-
