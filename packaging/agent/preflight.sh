#!/bin/sh
# The first gate: can the Node of this package start on this machine at all? POSIX sh and no more than an old or small
# system has; it changes nothing. What it cannot know it says and counts as no. The rest is asked by: selvage-agent preflight.
#
#   preflight.sh [--quiet] [--verbose] [--arch x64|arm64] [PROGRAM_FOLDER [STATE_FOLDER]]
#
# One line: "ready: …" (nothing with --quiet) or "not ready: CODE …; do: …", and with --verbose one more for each thing that
# is in the way. Exit code 0 ready, 2 usage, 3 not ready. The folders need not be there yet.

LC_ALL=C
export LC_ALL

# What Node 26 needs, and what the agent needs beside it.
MIN_GLIBC=2.28
MIN_KERNEL=4.18
# KiB. The program only where it is not yet installed; lists of packages, downloads and journals in the state folder.
PROGRAM_KIB=225280
STATE_KIB=524288

quiet=no verbose=no arch=
while [ $# -gt 0 ]; do
  case $1 in
    --quiet) quiet=yes ;;
    --verbose) verbose=yes ;;
    --arch) arch=${2-}; [ $# -gt 1 ] && shift ;;
    -*) printf 'error USAGE: preflight.sh does not know %s\nnext: see the head of this file\n' "$1" >&2; exit 2 ;;
    *) break ;;
  esac
  shift
done
program=${1:-/usr/lib/selvage-agent}
state=${2:-/var/lib/selvage-agent}

count=0 first= all= fact=
no() {
  count=$((count + 1))
  [ -n "$first" ] || first=$1
  all="$all  $1
"
}
yes() { fact="$fact${fact:+, }$1"; }

# at_least 2.36 2.28; anything else than numbers is less.
at_least() {
  case $1.$2 in *[!0-9.]* | .*) return 1 ;; esac
  rest=${1#*.}
  low=${2#*.}
  [ "${1%%.*}" -gt "${2%%.*}" ] || { [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${rest%%.*}" -ge "${low%%.*}" ]; }
}

# The folder itself or the nearest one above it that is there.
nearest() {
  at=$1
  while [ ! -d "$at" ] && [ "$at" != / ] && [ "$at" != . ]; do at=$(dirname -- "$at"); done
  printf '%s\n' "$at"
}

machine=$(uname -m 2>/dev/null)
case $machine in
  x86_64 | amd64) here=x64 ;;
  aarch64 | arm64) here=arm64 ;;
  *) here= ;;
esac
if [ -z "$here" ]; then no "HOST_UNSUPPORTED architecture ${machine:-unknown}, it runs on x64 and arm64"
elif [ -n "$arch" ] && [ "$arch" != "$here" ]; then no "HOST_UNSUPPORTED architecture $here, this is the package for $arch"
else yes "$here"; fi

# "4.18.0-553.el8_10.x86_64", "3.10.0-1160.el7.x86_64".
release=$(uname -r 2>/dev/null)
kernel=${release%%[!0-9.]*}
case $(uname -s 2>/dev/null) in
  Linux) if at_least "$kernel" "$MIN_KERNEL"; then yes "kernel $kernel"; else no "HOST_UNSUPPORTED kernel ${release:-unknown}, it needs $MIN_KERNEL"; fi ;;
  *) no "HOST_UNSUPPORTED $(uname -s 2>/dev/null || echo 'an unknown system'), it runs on Linux" ;;
esac

# "glibc 2.36"; musl's getconf does not know the name. "ldd (Debian GLIBC 2.36-9+deb12u14) 2.36", "ldd (GNU libc) 2.17",
# and on standard error "musl libc (x86_64)".
libc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
case $libc in glibc\ *) ;; *) libc=$(ldd --version 2>&1 | head -n 1) ;; esac
case $libc in
  glibc\ * | ldd\ *)
    libc=${libc##* }
    if at_least "$libc" "$MIN_GLIBC"; then yes "glibc $libc"; else no "HOST_UNSUPPORTED glibc $libc, it needs $MIN_GLIBC"; fi
    ;;
  musl*) no "HOST_UNSUPPORTED musl libc, it needs glibc $MIN_GLIBC" ;;
  *)
    if ls /lib/ld-musl-* >/dev/null 2>&1; then no "HOST_UNSUPPORTED musl libc, it needs glibc $MIN_GLIBC"
    else no "HOST_UNSUPPORTED a C library that neither getconf nor ldd names, it needs glibc $MIN_GLIBC"; fi
    ;;
esac

# The mount with the longest path above the folder; a later line lies over an earlier one.
folder=$(cd -- "$(nearest "$program")" 2>/dev/null && pwd -P)
best= options=
while read -r _ point _ flags _; do
  case ${folder%/}/ in
    "${point%/}"/*) if [ ${#point} -ge ${#best} ]; then best=$point options=$flags; fi ;;
  esac
done 2>/dev/null </proc/mounts
case ,$options, in
  *,noexec,*) no "HOST_UNSUPPORTED $program is on $best, mounted noexec: programs cannot be started there" ;;
esac

# room FOLDER KIB
room() {
  left=$(df -Pk -- "$(nearest "$1")" 2>/dev/null | tail -n 1 | { read -r _ _ _ free _; echo "$free"; })
  case $left in
    '' | *[!0-9]*) no "NO_SPACE $1 is on a file system whose free space is unknown, it needs $(($2 / 1024)) MiB" ;;
    *) if [ "$left" -ge "$2" ]; then yes "$((left / 1024)) MiB free for $1"
      else no "NO_SPACE $1 has $((left / 1024)) MiB free, it needs $(($2 / 1024)) MiB"; fi ;;
  esac
}
[ -x "$program/bin/node" ] || room "$program" "$PROGRAM_KIB"
room "$state" "$STATE_KIB"

if [ "$count" -eq 0 ]; then
  [ "$quiet" = yes ] || printf 'ready: %s\n' "$fact"
  exit 0
fi
case $all in
  *HOST_UNSUPPORTED*) next='keep it without an agent: run collect.sh there, then: selvage host import FILE --name NAME' ;;
  *) next='free space there, or choose other folders' ;;
esac
more=
[ "$count" -eq 1 ] || more=" (and $((count - 1)) more$([ "$verbose" = yes ] || echo ': --verbose'))"
printf 'not ready: %s%s; do: %s\n' "$first" "$more" "$next"
[ "$verbose" = no ] || printf '%s' "$all"
exit 3
