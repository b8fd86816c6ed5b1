#!/bin/sh
# Copies Backline into your own plug-in folders and ~/.local/bin. With --remove it takes it out again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
clap=$HOME/.clap
vst3=$HOME/.vst3
bin=$HOME/.local/bin
case ${1-} in
'') ;;
--remove)
    rm -rf "$clap/Backline.clap" "$vst3/Backline.vst3" "$bin/backline"
    echo "Backline is gone from $clap, $vst3 and $bin. Your presets and clips stay."
    exit 0
    ;;
*)
    echo "Usage: install.sh [--remove]" >&2
    exit 2
    ;;
esac
# The new one is whole beside the old one before the old one goes.
place() {
    if ! { mkdir -p "$2" && rm -rf "$2/$1.new" && cp -R "$here/$1" "$2/$1.new" &&
        rm -rf "$2/$1" && mv "$2/$1.new" "$2/$1"; }; then
        echo "$1 could not be installed: check that you may write to $2." >&2
        exit 1
    fi
    echo "installed $2/$1"
}
place Backline.clap "$clap"
place Backline.vst3 "$vst3"
place backline "$bin"
echo "Let your host look for new plug-ins; then see QUICKSTART.html."
