#!/bin/sh
# PID 1 of the new namespaces: lays out a small machine on the overlay and becomes systemd.
set -eu
# Where an ordinary PATH does not lead.
PATH=$PATH:/usr/sbin:/sbin
folder=$1
checkout=$2
cd "$folder/merged"

# Once: of what is enabled on the machine around it nothing is; a second boot keeps what was enabled inside.
if [ ! -e "$folder/laid-out" ]; then
  rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires usr/lib/systemd/system/*.wants etc/rc?.d etc/cron.d etc/fstab
  mkdir usr/lib/systemd/system/sockets.target.wants
  ln -s ../systemd-journald.socket ../systemd-journald-dev-log.socket usr/lib/systemd/system/sockets.target.wants/
  rm -rf var/lib/selvage* etc/selvage*
  tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
  touch "$folder/laid-out"
fi

mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
# The checkout, wherever it lies: below what was just covered, or on a disk of its own.
mkdir -p ".$checkout"
mount --bind "$checkout" ".$checkout"
mount -o remount,bind,ro ".$checkout"
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "dev/${node%:*}" c 1 "${node#*:}"; done
mknod -m 666 dev/tty c 5 0
hostname systemd-lab
ip link set lo up
mkdir run/outside
pivot_root . run/outside
umount -l /run/outside
rmdir /run/outside
exec env -i container=selvage-lab PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal --show-status=no
