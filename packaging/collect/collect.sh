#!/bin/sh
# Selvage collect.sh 1: writes down what is installed and running on this machine, into ONE file that you carry to the
# collector yourself. It only reads. It installs nothing, changes nothing, sends nothing, needs no network and no root (root
# sees more processes). The only thing it writes is that file, and a folder beside it that it removes at the end.
# Use:  sh collect.sh [FILE]          then, where the collector is:  selvage host import FILE --name NAME
set -u
umask 077                           # what is written only you may read
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
ulimit -f 131072                    # no file that is written can become larger than 64 MiB
file=${1:-selvage-$(uname -n)-$(date -u +%Y%m%dT%H%M%SZ).tar}
case $file in /*) ;; *) file=$(pwd)/$file ;; esac
if [ -e "$file" ]; then echo "error: $file exists already; name another file" >&2; exit 2; fi
work=$file.part
mkdir "$work" "$work/selvage-collect" || exit 1
trap 'cd /; rm -rf "$work"' EXIT; trap 'exit 1' INT TERM HUP
cd "$work/selvage-collect" || exit 1

missing() { echo "$1: $2" >>not-collected; echo "not collected: $1: $2" >&2; }
# keep NAME COMMAND: what COMMAND prints goes into the file NAME; half an answer is thrown away and said.
keep() {
  name=$1; shift
  "$@" >"$name" 2>../errors || { rm -f "$name"; missing "$name" "$(head -n 1 ../errors | cut -c 1-200)"; }
}
# every FILE: each file that can be read, after a line with its name, without passwords in addresses and settings.
every() {
  for f in "$@"; do
    if [ ! -r "$f" ] || [ ! -f "$f" ]; then continue; fi
    printf '\n# file %s\n' "$f"
    sed -e 's#://[^[:space:]]*@#://#g' -e 's#\(://[^?[:space:]]*\)?[^[:space:]]*#\1#g' -e '/[Pp]assw/d' -e '/[Uu]ser[Nn]ame/d' "$f"
  done
  return 0
}
facts() {                           # name, clock and kernel of this machine
  echo "format=1"
  echo "now=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  echo "zone=$(cat /etc/timezone 2>/dev/null || readlink /etc/localtime | sed 's#.*zoneinfo/##')"
  echo "uptime=$(cut -d ' ' -f 1 /proc/uptime)"
  echo "hostname=$(uname -n)"
  [ -s /etc/machine-id ] && echo "machine=$(printf 'selvage machine %s' "$(cat /etc/machine-id)" | sha256sum | cut -d ' ' -f 1)"
  echo "kernel=$(uname -r)"
  echo "kernelversion=$(uname -v)"
  echo "arch=$(uname -m)"
  echo "user=$(id -u)"
  if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then echo "reboot=required"; fi
  for f in sys_vendor product_name product_serial product_uuid board_asset_tag; do
    [ -r /sys/class/dmi/id/$f ] && echo "$f=$(cat /sys/class/dmi/id/$f 2>/dev/null)"
  done
  return 0
}
sockets() { for t in tcp tcp6 udp udp6; do [ -r /proc/net/$t ] && echo "# $t" && cat /proc/net/$t; done; return 0; }
kernels() { for f in /boot/vmlinuz-*; do [ -e "$f" ] && echo "$f"; done; return 0; }
macs() { grep -sH . /sys/class/net/*/address; return 0; }
processes() { grep -sH . /proc/[0-9]*/comm /proc/[0-9]*/cgroup; return 0; }

keep facts facts
if [ -r /etc/os-release ]; then keep os-release cat /etc/os-release; else keep os-release cat /usr/lib/os-release; fi
if [ -r /var/lib/dpkg/status ]; then  # Debian, Ubuntu: the list of packages, what an interrupted dpkg left, when each changed
  keep dpkg-status cat /var/lib/dpkg/status
  keep dpkg-updates find /var/lib/dpkg/updates -type f
  keep dpkg-times find /var/lib/dpkg/info -name '*.list' -exec stat -c '%Y %n' '{}' +
elif command -v rpm >/dev/null; then  # Red Hat, SUSE and their kin: the list of packages with source, time and, where known, module
  label=$(rpm --querytags 2>/dev/null | grep -qix MODULARITYLABEL && printf %s '\t%{MODULARITYLABEL}')  # not in old ones
  keep rpm-list rpm -qa --qf '%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{INSTALLTIME}\t%{VENDOR}'"$label\n"
else
  missing packages "neither dpkg nor rpm is here; other package managers are not read yet"
fi
keep kernels kernels                  # which kernels are installed
keep sockets sockets                  # which ports wait for the network
keep processes processes              # names of running programs
grep -H '[r-][w-]x[sp] .*(deleted)$' /proc/[0-9]*/maps >deleted 2>../errors  # programs whose file has been replaced since they started
grep -c 'Permission denied' ../errors >unreadable  # so many programs of others could not be looked at
keep macs macs                        # addresses of the network cards
keep repositories every /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
  /etc/yum.repos.d/*.repo /etc/zypp/repos.d/*.repo

(cd .. && set -C && tar cf - selvage-collect >"$file") || { rm -f "$file"; echo "error: $file could not be written" >&2; exit 1; }  # -C: never through a link
echo "wrote $file ($(wc -c <"$file" | tr -d ' ') bytes). Nothing was changed or sent. Next, where the collector is:"
echo "  selvage host import '$file' --name $(uname -n | cut -d . -f 1)"
