import { readFileSync, writeFileSync } from 'node:fs';
import {
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  MkvOutputFormat,
  Mp4OutputFormat,
  MpegTsOutputFormat,
  Output,
} from 'mediabunny';

export interface MadeMedia {
  format: 'mkv' | 'mp4' | 'ts';
  /** Where the clock of the first track begins, in seconds. */
  startSeconds: number;
  seconds: number;
  /** A second track that begins so much later and is as long. */
  secondTrackAfterSeconds?: number;
  /** Tags of the file. */
  raw?: Record<string, string>;
}

const FORMATS = { mkv: MkvOutputFormat, mp4: Mp4OutputFormat, ts: MpegTsOutputFormat } as const;

const PACKETS_PER_SECOND = 10;

/** Writes a media file of so many seconds, with nothing to hear and nothing to see. */
export async function makeMedia(path: string, media: MadeMedia): Promise<void> {
  const { format, startSeconds, seconds, secondTrackAfterSeconds, raw } = media;
  const output = new Output({ format: new FORMATS[format](), target: new BufferTarget() });
  if (raw) output.setMetadataTags({ raw });
  const audio = new EncodedAudioPacketSource('mp3');
  output.addAudioTrack(audio);
  const second = secondTrackAfterSeconds === undefined ? undefined : new EncodedAudioPacketSource('mp3');
  if (second) output.addAudioTrack(second);
  await output.start();
  const sources = [{ source: audio, from: startSeconds }];
  if (second) sources.push({ source: second, from: startSeconds + (secondTrackAfterSeconds ?? 0) });
  for (let at = 0; at < seconds * PACKETS_PER_SECOND; at++) {
    for (const { source, from } of sources) {
      const start = from + at / PACKETS_PER_SECOND;
      await source.add(new EncodedPacket(mp3Frame(), 'key', start, 1 / PACKETS_PER_SECOND), {
        decoderConfig: { codec: 'mp3', numberOfChannels: 2, sampleRate: 48_000 },
      });
    }
  }
  await output.finalize();
  writeFileSync(path, Buffer.from(output.target.buffer as ArrayBuffer));
}

/** Sets the creation time in the `mvhd` box of an MP4. */
export function setMovieTime(path: string, secondsSince1904: number): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf('mvhd');
  bytes.writeUInt32BE(secondsSince1904, at + 8);
  writeFileSync(path, bytes);
}

/** A Matroska header whose `DateUTC` says this; nothing follows it. */
export function matroskaWithDate(date: Date): Buffer {
  const element = (id: string, content: Buffer) =>
    Buffer.concat([Buffer.from(id, 'hex'), Buffer.from([0x80 | content.length]), content]);
  const time = Buffer.alloc(8);
  time.writeBigInt64BE((BigInt(date.getTime()) - 978_307_200_000n) * 1_000_000n);
  const info = element(
    '1549a966',
    Buffer.concat([element('2ad7b1', Buffer.from('0f4240', 'hex')), element('4461', time)]),
  );
  // A segment of unknown length, as live recorders write it.
  const segment = Buffer.concat([Buffer.from('1853806701ffffffffffffff', 'hex'), element('ec', Buffer.alloc(9)), info]);
  return Buffer.concat([element('1a45dfa3', element('4282', Buffer.from('matroska'))), segment]);
}

/** A frame of MPEG-1 Layer III, 128 kbit/s, 48 kHz. */
function mp3Frame(): Uint8Array {
  const frame = new Uint8Array(384);
  frame.set([0xff, 0xfb, 0x94, 0xc4]);
  return frame;
}
