#!/bin/sh
# keyring.sh DIRECTORY COMMAND...: runs the command in a session of its own: a home, a message bus and
# a real Secret Service (gnome-keyring) in the directory, which nothing of the user's own reaches.
set -eu

directory=$1
shift
bus= keyring=

# Background programs of a script ignore Ctrl-C: they live until the command is done with them.
finish() {
    [ -z "$keyring" ] || kill "$keyring" 2>/dev/null || :
    [ -z "$bus" ] || kill "$bus" 2>/dev/null || :
    wait
}
trap finish EXIT
trap 'exit 130' HUP INT TERM

# wait_for WHAT COMMAND...: until the command succeeds, at most about 20 s.
wait_for() {
    what=$1
    shift
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || {
            cat "$directory/"*.log >&2
            echo "The $what did not start." >&2
            exit 1
        }
        sleep 0.1
    done
}

mkdir -m 700 "$directory/home" "$directory/run"
unset DISPLAY WAYLAND_DISPLAY GNOME_KEYRING_CONTROL XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME
export HOME="$directory/home" XDG_RUNTIME_DIR="$directory/run"
export DBUS_SESSION_BUS_ADDRESS="unix:path=$directory/bus"

# It starts no services by itself.
cat >"$directory/bus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>$DBUS_SESSION_BUS_ADDRESS</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
END
dbus-daemon --config-file="$directory/bus.conf" --nofork >"$directory/bus.log" 2>&1 &
bus=$!
# Its socket is there a moment before it listens.
wait_for "message bus" dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
    org.freedesktop.DBus.GetId >/dev/null 2>&1
# The first start makes a keyring with this password.
printf demo | gnome-keyring-daemon --foreground --unlock --components=secrets \
    >"$directory/keyring.log" 2>&1 &
keyring=$!

is_there() {
    dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2>/dev/null |
        grep -q "boolean true"
}
wait_for "keyring" is_there

code=0
"$@" || code=$?
exit "$code"
