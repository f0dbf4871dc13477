# What the scripts of both package formats share. POSIX sh, and no more than every system has; a root without systemd works too.
user=selvage-agent
state=/var/lib/selvage-agent
runner=/var/lib/selvage-runner
settings=/etc/selvage-agent
target=selvage-agent.target
# Left by a removal while the agent was on: a later installation starts it again.
was_on=$runner/was-on
# Seconds that a removal waits for a run at work before it refuses.
patience=3600

say() { echo "selvage-agent: $*" >&2; }

has_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }

# has_entry FILE NAME: in /etc/passwd or /etc/group.
has_entry() {
  while IFS=: read -r name _; do
    [ "$name" != "$2" ] || return 0
  done <"$1"
  return 1
}

make_user() {
  if id -u "$user" >/dev/null 2>&1; then
    [ "$(id -u "$user")" = 0 ] || return 0
    say "the user $user of this machine is root; nothing was set up"
    return 1
  fi
  group=--user-group
  ! has_entry /etc/group "$user" || group=--gid=$user
  useradd --system "$group" --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
}

# make_folder PATH OWNER MODE: only what is missing; what is there stays as it is.
make_folder() {
  if [ -L "$1" ] || { [ -e "$1" ] && [ ! -d "$1" ]; }; then
    say "$1 is no folder; find out who put it there"
    return 1
  fi
  [ ! -d "$1" ] || return 0
  mkdir -m 0700 "$1"
  chown "$2:$2" "$1"
  chmod "$3" "$1"
}

# One writer each; a folder of the user lies in one of root.
make_folders() {
  make_folder "$state" root 0755
  make_folder "$state/lists" root 0755
  make_folder "$state/identity" "$user" 0700
  make_folder "$state/outbox" "$user" 0700
  make_folder "$state/policy" "$user" 0755
  make_folder "$state/link" "$user" 0755
  make_folder "$state/packages" "$user" 0755
  make_folder "$state/fetch" "$user" 0755
  make_folder "$runner" root 0755
}

# What ran goes on with the new program. What was off stays off, and so does what somebody has stopped by itself; a unit that this version
# brings is started. Never the runner: it may be at work, perhaps on this very package.
go_on() {
  on=no
  [ ! -e "$was_on" ] || on=yes
  rm -f "$was_on"
  has_systemd || return 0
  systemctl daemon-reload
  if [ "$on" = yes ]; then
    systemctl start --no-block "$target" || say "$target could not be started: systemctl status $target"
  elif systemctl is-active --quiet "$target"; then
    for unit in $(systemctl show --property=Wants --value "$target"); do
      stopped=$(systemctl show --property=InactiveEnterTimestampMonotonic --value "$unit") || continue
      # Never since the start of the machine: it was not there.
      [ "$stopped" != 0 ] || systemctl start --no-block "$unit" || say "$unit could not be started: systemctl status $unit"
    done
  fi
  systemctl try-restart --no-block selvage-agent.service || :
}

# started PID: when it began, field 22 of proc_pid_stat(5).
started() {
  line=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # shellcheck disable=SC2086
  set -- ${line##*) }
  echo "${20}"
}

# Runners at work: each holds a ticket called PID-START-BOOT-RANDOM.
runners() {
  for ticket in "$runner"/lock/*-*-*-*; do
    ticket=${ticket##*/}
    pid=${ticket%%-*}
    start=${ticket#*-}
    case $pid in '' | *[!0-9]*) continue ;; esac
    [ "$(started "$pid")" != "${start%%-*}" ] || echo "$pid"
  done
}

# True when a runner has started what we are part of: to wait for it would be to wait for ourselves.
is_own_run() {
  case $(cat /proc/self/cgroup 2>/dev/null) in
    *selvage-agent-install-* | *selvage-agent-run.service*) return 0 ;;
  esac
  at=$$
  working=" $(runners | tr '\n' ' ')"
  while [ "${at:-0}" -gt 1 ]; do
    case $working in *" $at "*) return 0 ;; esac
    at=$(while read -r key value; do [ "$key" != PPid: ] || echo "$value"; done <"/proc/$at/status") 2>/dev/null
  done
  return 1
}

# Waits until no runner is at work. Each is told once: it begins nothing more, and brings what it has begun to its end.
wait_for_runners() {
  working=$(runners)
  [ -n "$working" ] || return 0
  say "a run is at work; waiting until it is at a safe boundary"
  unit=
  if has_systemd; then
    unit=$(systemctl show --property=MainPID --value selvage-agent-run.service) || unit=
    systemctl stop --no-block selvage-agent-run.service || :
  fi
  for pid in $working; do
    [ "$pid" = "$unit" ] || kill -TERM "$pid" 2>/dev/null || :
  done
  left=$patience
  while [ -n "$(runners)" ]; do
    if [ "$left" -le 0 ]; then
      say "the run is still at work after $patience seconds; nothing was removed, try again later"
      return 1
    fi
    left=$((left - 1))
    sleep 1
  done
}

# Before the program goes: off, at a safe boundary, and the host's other updaters as they were before a takeover.
leave() {
  if has_systemd; then
    if systemctl is-active --quiet "$target"; then : >"$was_on"; fi
    systemctl stop selvage-agent-run.path selvage-agent-run.timer selvage-agent-fetch.path selvage-agent-inventory.path || :
    systemctl stop selvage-agent-next.timer 2>/dev/null || :
  fi
  within=
  if is_own_run; then within=--within-run; else
    # rpm asks nobody to undo a removal that was given up.
    wait_for_runners || { go_on; return 1; }
  fi
  if has_systemd; then
    # Also what a path unit has begun: its program goes.
    systemctl stop "$target" selvage-agent.service selvage-agent-fetch.service selvage-agent-inventory.service selvage-agent-lists.service || :
  fi
  if [ -e "$runner/takeover.json" ]; then
    # shellcheck disable=SC2086
    /usr/bin/selvage-agent release $within >&2 || say "the other updaters of this host are still stopped: see $runner/takeover.json"
  fi
}

# After the program has gone.
reload() {
  has_systemd || return 0
  systemctl daemon-reload
  systemctl reset-failed 'selvage-agent*' 2>/dev/null || :
}

# The runner's folder; where a takeover could not be given back, the only record of how things were stays.
clear_runner() {
  case $(cat "$runner/takeover.json" 2>/dev/null) in
    *'"state":"taking"'* | *'"state":"taken"'* | *'"state":"releasing"'*)
      say "the other updaters of this host are still stopped; how they were is in $runner/takeover.json, which stays"
      find "$runner" -mindepth 1 ! -path "$runner/takeover.json" -delete
      ;;
    *) rm -rf "$runner" ;;
  esac
}

# Everything but the user, whose number nobody else is to get.
purge() {
  [ ! -e "$state/identity/enrollment.json" ] || say "the identity of this host is gone; to come back it needs a new token"
  rm -rf "$state" "$settings"
  clear_runner
  rm -f /etc/systemd/system/*.wants/selvage-agent.target /etc/systemd/system/*.wants/selvage-agent.service
  reload
}
