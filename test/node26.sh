#!/bin/bash
# Runs the everyday suite, or the tests that are named, under the newest LTS line of Node instead of the one that `npm ci`
# brings: jest itself, and each program that a test starts. The build stays that of `npm run build`, as users install it.
#
#   node26.sh [jest's arguments...]
set -eu
cd "$(dirname "$0")/.."
version=26.10.0
case $(uname -m) in
  aarch64) arch=arm64 ;;
  *) arch=x64 ;;
esac
# Beside the other tools of tests; see test/packaging/install-tools.sh.
node=${XDG_CACHE_HOME:-$HOME/.cache}/recordupload-tests/nodes/$version/node
if [ ! -x "$node" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  npm install --silent --no-audit --no-fund --prefix "$folder" "node-linux-$arch@$version"
  mkdir -p "$(dirname "$node")"
  mv "$folder/node_modules/node-linux-$arch/bin/node" "$node"
fi
"$node" --version
# Tests that start `node` by its name find this one, too.
PATH=$(dirname "$node"):$PATH exec "$node" --experimental-vm-modules --disable-warning=ExperimentalWarning \
  node_modules/jest/bin/jest.js "$@"
