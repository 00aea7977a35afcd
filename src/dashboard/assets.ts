import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { programFiles } from '../core/program-files.ts';

/** A file that every page loads. */
export interface Asset {
  /** With a part that changes with its content, so that browsers may keep it. */
  path: string;
  type: string;
  bytes: Buffer<ArrayBuffer>;
  gzipped: Buffer<ArrayBuffer>;
}

export interface Assets {
  script: Asset;
  style: Asset;
  icon: Asset;
}

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#2f6fde"/><path d="M8 12V4.5M4.8 7.4 8 4.2l3.2 3.2" fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

/** The script and the style sheet that the build has made of `client/`. */
export function loadAssets(): Assets {
  const files = programFiles();
  return {
    script: assetOf('dashboard.js', 'text/javascript; charset=utf-8', files.read('dashboard/dashboard.js')),
    style: assetOf('dashboard.css', 'text/css; charset=utf-8', files.read('dashboard/dashboard.css')),
    icon: assetOf('icon.svg', 'image/svg+xml', Buffer.from(ICON)),
  };
}

function assetOf(name: string, type: string, bytes: Buffer<ArrayBuffer>): Asset {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  return { path: `/assets/${hash}/${name}`, type, bytes, gzipped: gzipSync(bytes) as Buffer<ArrayBuffer> };
}
