import { AppError } from '../../../core/errors.ts';

/** The number of a TCP port; 0 is any free one. @throws AppError `USAGE` */
export function parsePort(text: string, flag: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new AppError('USAGE', `${flag}: ${JSON.stringify(text)} is not a port`, {
    hint: 'use a number from 1 to 65535',
  });
}
