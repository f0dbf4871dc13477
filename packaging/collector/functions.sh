# What the scripts of both package formats share. POSIX sh; they also work in a root without systemd.
user=selvage
home=/var/lib/selvage
