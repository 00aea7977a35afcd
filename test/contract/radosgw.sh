#!/bin/bash
# A real S3 server for the contract suite: Ceph's RADOS gateway, one monitor and one OSD as plain processes on loopback,
# without an init system, without authentication between them, all data in DIR.
#
#   radosgw.sh start DIR PORT ACCESS_KEY SECRET_KEY    prints "ready"; the monitor takes PORT+1
#   radosgw.sh restart DIR PORT                        kills the gateway alone, and starts it again
#   radosgw.sh stop DIR                                ends what start began, and removes DIR
#   radosgw.sh installed                               exit status 0 where the packages are there
#
# Debian: apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common
# Buckets: create them with the region us-east-1; any other is refused as a zone group that does not exist.
set -u
verb=$1

if [[ $verb == installed ]]; then
  for program in radosgw radosgw-admin ceph-mon ceph-osd ceph monmaptool; do
    command -v "$program" >/dev/null || { echo "radosgw.sh: $program is not installed" >&2; exit 1; }
  done
  exit 0
fi

dir=$2
stop() {
  local name pid
  for name in rgw osd mon; do
    [[ -f $dir/$name.pid ]] || continue
    pid=$(cat "$dir/$name.pid")
    kill -KILL "$pid" 2>/dev/null # nothing in DIR is worth an orderly end
  done
}
if [[ $verb == stop ]]; then
  stop
  sleep 0.2
  rm -rf "$dir"
  exit 0
fi

port=$3
failed() {
  echo "radosgw.sh: $1; see what the daemons said:" >&2
  tail -qn 5 "$dir"/*.out >&2
  stop
  exit 1
}
# Daemons live on when this script ends, and hold none of its pipes.
daemon() {
  local name=$1
  shift
  setsid "$@" </dev/null >>"$dir/$name.out" 2>&1 &
  echo $! >"$dir/$name.pid"
}
gateway() {
  daemon rgw radosgw -n client.rgw -f
  for _ in $(seq 200); do
    curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$port/" && return
    lives rgw || failed 'the gateway did not start'
    sleep 0.2
  done
}
lives() { kill -0 "$(cat "$dir/$1.pid")" 2>/dev/null; }

if [[ $verb == restart ]]; then
  export CEPH_CONF=$dir/ceph.conf
  kill -KILL "$(cat "$dir/rgw.pid")"
  for _ in $(seq 100); do curl -s -o /dev/null --max-time 1 "http://127.0.0.1:$port/" || break; sleep 0.05; done
  gateway
  exit 0
fi

access_key=$4 secret_key=$5
monport=$((port + 1))
mkdir -p "$dir"/{mon,osd,rgw,run}
dir=$(cd "$dir" && pwd)
fsid=$(cat /proc/sys/kernel/random/uuid)
export CEPH_CONF=$dir/ceph.conf
cat >"$CEPH_CONF" <<CONF
[global]
fsid = $fsid
mon host = [v1:127.0.0.1:$monport]
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
mon max pg per osd = 1000
run dir = $dir/run
admin socket = $dir/run/\$name.\$pid.asok
log file = $dir/\$name.log
[mon.a]
mon data = $dir/mon
mon addr = 127.0.0.1:$monport
ms bind msgr2 = false
[osd.0]
osd data = $dir/osd
osd objectstore = bluestore
bluestore block size = 17179869184
ms bind msgr2 = false
[client.rgw]
rgw data = $dir/rgw
rgw frontends = beast endpoint=127.0.0.1:$port
CONF

monmaptool --create --addv a "[v1:127.0.0.1:$monport]" --fsid "$fsid" "$dir/monmap" >>"$dir/mon.out" 2>&1
ceph-mon -i a --mkfs --monmap "$dir/monmap" >>"$dir/mon.out" 2>&1
daemon mon ceph-mon -i a -f
for _ in $(seq 50); do timeout 3 ceph -s >/dev/null 2>&1 && break; sleep 0.2; done
lives mon || failed 'the monitor did not start'

uuid=$(cat /proc/sys/kernel/random/uuid)
timeout 20 ceph osd new "$uuid" 0 >>"$dir/osd.out" 2>&1
ceph-osd -i 0 --mkfs --osd-uuid "$uuid" >>"$dir/osd.out" 2>&1
# A first start can come before the monitor's map has settled ("wrong fsid"); a second one finds it.
for _ in 1 2 3; do
  daemon osd ceph-osd -i 0 -f
  for _ in $(seq 40); do
    timeout 3 ceph osd stat 2>/dev/null | grep -q '1 up' && break 2
    lives osd || break
    sleep 0.2
  done
done
lives osd || failed 'the OSD did not start'

gateway
timeout 60 radosgw-admin -n client.rgw user create --uid=contract --display-name=contract \
  --access-key="$access_key" --secret="$secret_key" </dev/null >/dev/null 2>>"$dir/admin.out" || failed 'no user'
echo ready
