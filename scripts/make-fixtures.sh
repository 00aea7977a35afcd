#!/bin/sh
# Makes the recordings in fixtures/recordings anew. Needs ffmpeg with libvpx and libopus; run it from anywhere.
#
#   3            a whole recording: Matroska (VP9, Opus) of 10 s, thumbnail, transcript, sidecar
#   live-muxed   the same video as a live recorder writes it: no Duration element, no index
#   cut-in-half  the same video, of which the second half is missing; its header still says 10 s
#
# One thread, bit-exact muxing and no time stamps: the same ffmpeg makes the same bytes each time.
set -eu
cd "$(dirname "$0")/../fixtures/recordings"
exact='-bitexact -fflags +bitexact -flags:v +bitexact -flags:a +bitexact'
ff() { ffmpeg -hide_banner -loglevel error -nostdin -y "$@"; }

mkdir -p 3 live-muxed cut-in-half
# shellcheck disable=SC2086
ff -f lavfi -i testsrc2=size=640x360:rate=15:duration=10 -f lavfi -i sine=frequency=440:sample_rate=48000:duration=10 \
  -c:v libvpx-vp9 -b:v 180k -threads 1 -c:a libopus -b:a 32k $exact 3/video.mkv
# shellcheck disable=SC2086
ff -ss 4 -i 3/video.mkv -frames:v 1 -vf scale=320:-1 -q:v 6 $exact 3/thumbnail.jpg
cat >3/transcript.txt <<'TEXT'
00:00:00 Souvik: Good morning, everyone. Can you all see the test card?
00:00:04 Mira: Yes, and there is a tone, too.
00:00:07 Souvik: Then the recording works. See you next week.
TEXT
cat >3/recording.json <<'JSON'
{
  "recording_id": 3,
  "title": "Weekly sync",
  "created_at": "2025-10-25 01:55:59.374860",
  "duration_database": 10,
  "user_info": { "username": "souvik", "email": "souvik@fyelabs.com" }
}
JSON

small='-f lavfi -i testsrc2=size=160x90:rate=5:duration=10 -c:v libvpx -b:v 20k -g 5 -threads 1 -cluster_time_limit 1000'
# A pipe cannot be sought, so that the muxer cannot come back to fill the header in.
# shellcheck disable=SC2086
ff $small $exact -f matroska -live 1 - | cat >live-muxed/video.mkv
# shellcheck disable=SC2086
ff $small $exact -f matroska cut-in-half/whole.mkv
head -c "$(($(wc -c <cut-in-half/whole.mkv) / 2))" cut-in-half/whole.mkv >cut-in-half/video.mkv
rm cut-in-half/whole.mkv
