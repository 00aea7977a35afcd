import { closeSync, readSync } from 'node:fs';
import { type FoundFile, openFound } from './open-file.ts';
import type { Microseconds } from './timestamps.ts';

/*
 * When a container says that it was created: `mvhd` of MP4 and QuickTime (ISO/IEC 14496-12, 8.2.2), `DateUTC` of Matroska
 * and WebM (RFC 9559, 5.1.2.9). The media library shows neither; both are in the file's first boxes, and a few reads find
 * them.
 */

/** More boxes before the one that is looked for are no sound file. */
const MAX_BOXES = 2_000;
/** 1904, where QuickTime's clock begins, and 2001, where Matroska's does, to 1970. */
const QUICKTIME_EPOCH_SECONDS = 2_082_844_800n;
const MATROSKA_EPOCH: Microseconds = 978_307_200_000_000n;
/** Recorders whose clock has lost its battery write 1970, 1980 or 1904: that is no time of a recording. */
const EARLIEST: Microseconds = 946_684_800_000_000n;
const LATEST: Microseconds = 253_402_300_800_000_000n;

/**
 * The creation time in the headers of a video.
 * @returns undefined if it has none, or none that can be true; a file that cannot be read has none either
 * @throws FileReplaced
 */
export function containerTime(file: FoundFile): Microseconds | undefined {
  const fd = openFound(file);
  try {
    const time = matroskaTime(fd) ?? quickTimeTime(fd);
    return time !== undefined && time >= EARLIEST && time < LATEST ? time : undefined;
  } finally {
    closeSync(fd);
  }
}

/** The bytes there, or undefined if the file ends before. */
function bytesAt(fd: number, at: number, length: number): Buffer | undefined {
  const bytes = Buffer.alloc(length);
  return Number.isSafeInteger(at) && readSync(fd, bytes, 0, length, at) === length ? bytes : undefined;
}

interface Box {
  name: string;
  from: number;
  /** Infinity: up to the end of the file. */
  to: number;
}

function quickTimeTime(fd: number): Microseconds | undefined {
  const moov = findBox(fd, 'moov', 0, Number.POSITIVE_INFINITY, quickTimeBox);
  const mvhd = moov && findBox(fd, 'mvhd', moov.from, moov.to, quickTimeBox);
  const header = mvhd && bytesAt(fd, mvhd.from, 12);
  if (!header) return undefined;
  const seconds = header[0] === 1 ? header.readBigUInt64BE(4) : BigInt(header.readUInt32BE(4));
  if (seconds === 0n) return undefined;
  // Some programs count from 1970.
  const since1970 = seconds >= QUICKTIME_EPOCH_SECONDS ? seconds - QUICKTIME_EPOCH_SECONDS : seconds;
  return since1970 * 1_000_000n;
}

function quickTimeBox(fd: number, at: number): Box | undefined {
  const head = bytesAt(fd, at, 8);
  if (!head) return undefined;
  const size = head.readUInt32BE(0);
  const long = size === 1 ? bytesAt(fd, at + 8, 8) : undefined;
  if (size === 1 && !long) return undefined;
  const length = long ? Number(long.readBigUInt64BE(0)) : size;
  const from = at + (long ? 16 : 8);
  const to = size === 0 ? Number.POSITIVE_INFINITY : at + length;
  return to >= from ? { name: head.toString('latin1', 4, 8), from, to } : undefined;
}

function matroskaTime(fd: number): Microseconds | undefined {
  const first = bytesAt(fd, 0, 4);
  if (first?.toString('hex') !== '1a45dfa3') return undefined;
  const segment = findBox(fd, '18538067', 0, Number.POSITIVE_INFINITY, matroskaElement);
  const info = segment && findBox(fd, '1549a966', segment.from, segment.to, matroskaElement);
  const date = info && findBox(fd, '4461', info.from, info.to, matroskaElement);
  const bytes = date && date.to - date.from === 8 ? bytesAt(fd, date.from, 8) : undefined;
  return bytes && MATROSKA_EPOCH + bytes.readBigInt64BE(0) / 1000n;
}

function matroskaElement(fd: number, at: number): Box | undefined {
  const id = bytesAt(fd, at, 1)?.[0];
  const idLength = id === undefined ? 9 : Math.clz32(id) - 23;
  const name = idLength <= 4 ? bytesAt(fd, at, idLength)?.toString('hex') : undefined;
  const first = bytesAt(fd, at + idLength, 1)?.[0];
  const sizeLength = first === undefined ? 9 : Math.clz32(first) - 23;
  const size = sizeLength <= 8 ? bytesAt(fd, at + idLength, sizeLength) : undefined;
  if (name === undefined || !size) return undefined;
  // The length's own bit is not part of the number; all other bits set: the length is not known.
  const marker = 1n << BigInt(7 * sizeLength);
  const value = BigInt(`0x${size.toString('hex')}`) - marker;
  const from = at + idLength + sizeLength;
  return { name, from, to: value === marker - 1n ? Number.POSITIVE_INFINITY : from + Number(value) };
}

/** The first box of this name between two places. */
function findBox(
  fd: number,
  name: string,
  from: number,
  to: number,
  read: (fd: number, at: number) => Box | undefined,
): Box | undefined {
  let at = from;
  for (let count = 0; count < MAX_BOXES && at < to; count++) {
    const box = read(fd, at);
    if (!box || box.name === name) return box;
    at = box.to;
  }
  return undefined;
}
