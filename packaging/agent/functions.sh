# What the scripts of both package formats share. POSIX sh; they also work in a root without systemd.
user=selvage-agent
state=/var/lib/selvage-agent
runner=/var/lib/selvage-runner
settings=/etc/selvage-agent

has_systemd() {
  [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1
}

make_user() {
  if id -u "$user" >/dev/null 2>&1; then
    [ "$(id -u "$user")" != 0 ] && return 0
    echo "selvage-agent: the user $user of this machine is root; nothing was set up" >&2
    return 1
  fi
  if grep -q "^$user:" /etc/group; then
    useradd --system --gid "$user" --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
  else
    useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
  fi
}

# make_folder PATH OWNER MODE: only what is missing; what is there stays as it is.
make_folder() {
  [ -d "$1" ] && [ ! -L "$1" ] && return 0
  mkdir "$1"
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
