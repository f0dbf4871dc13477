# What the scripts of both package formats share. POSIX sh, and no more than every system has; a root without systemd works too.
user=selvage
home=/var/lib/selvage
unit=selvage.service
# Left by a removal while the collector was on: a later installation starts it again. A folder: the service can write beside it, and a
# file would be opened by way of its links.
was_on=$home/was-on

say() { echo "selvage: $*" >&2; }

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
  useradd --system "$group" --home-dir "$home" --no-create-home --shell /usr/sbin/nologin "$user"
}

# The service may make files in it and not touch what is root's there: the admin's keys are none of its business.
make_home() {
  if [ -L "$home" ] || { [ -e "$home" ] && [ ! -d "$home" ]; }; then
    say "$home is no folder; find out who put it there"
    return 1
  fi
  [ ! -d "$home" ] || return 0
  mkdir -m 0700 "$home"
  chown "root:$user" "$home"
  chmod 1770 "$home"
}

# What ran goes on with the new program; nothing is started that was off.
go_on() {
  on=no
  if [ -d "$was_on" ] && [ ! -L "$was_on" ] && [ -O "$was_on" ]; then on=yes; fi
  rm -rf "$was_on"
  has_systemd || return 0
  systemctl daemon-reload
  if [ "$on" = yes ]; then
    systemctl start --no-block "$unit" || say "$unit could not be started: systemctl status $unit"
  else
    systemctl try-restart "$unit" || say "$unit could not be restarted: systemctl status $unit"
  fi
}

# Before the program goes.
leave() {
  has_systemd || return 0
  if systemctl is-active --quiet "$unit"; then
    rm -rf "$was_on"
    mkdir -m 0700 "$was_on" || :
  fi
  systemctl stop "$unit" || :
}

# After the program has gone.
reload() {
  has_systemd || return 0
  systemctl daemon-reload
  systemctl reset-failed "$unit" 2>/dev/null || :
}

# Everything but the user, whose number nobody else is to get.
purge() {
  [ ! -e "$home/settings.json" ] ||
    say "the collector is gone, with the keys of its authorities and those of the admin of this machine; only a backup brings it back"
  rm -rf "$home"
  rm -f /etc/systemd/system/*.wants/selvage.service
  reload
}
