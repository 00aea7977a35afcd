import { hostname } from 'node:os';

const LONGEST = 50;

/** This machine's name, as headers and the metadata of objects can carry it; empty if it has none. */
export function machineName(name: string = hostname()): string {
  return name
    .replace(/[^\w.-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, LONGEST);
}
