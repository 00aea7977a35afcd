#!/bin/bash
# Installs the servers of the contract suite that Debian has no packages of: MinIO, which Go builds in some minutes, and
# moto, in a virtual environment of Python. What PATH has already stays as it is.
#
#   install-stores.sh    prints a line for each; exit status 1 where one could not be installed
set -u
tools=${XDG_CACHE_HOME:-$HOME/.cache}/recordupload-tests
export PATH=$PATH:$tools/bin:$tools/moto/bin
status=0

missing() {
  echo "$1 could not be installed ($2): the contract suite leaves it out"
  status=1
}

if command -v minio >/dev/null; then
  echo "MinIO: $(command -v minio)"
elif ! command -v go >/dev/null; then
  missing MinIO 'there is no go'
else
  # The last state of its repository.
  GOBIN=$tools/bin timeout 20m go install github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c &&
    echo "MinIO: $tools/bin/minio" || missing MinIO 'go install failed'
fi

if command -v moto_server >/dev/null; then
  echo "moto: $(command -v moto_server)"
elif ! python3 -m venv --clear "$tools/moto"; then
  missing moto 'python3 -m venv failed; Debian: apt-get install python3-venv'
else
  "$tools/moto/bin/pip" install --quiet --disable-pip-version-check 'moto[server]>=5.1,<6' &&
    echo "moto: $tools/moto/bin/moto_server" || missing moto 'pip install failed'
fi
exit $status
