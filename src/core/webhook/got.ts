// What the program uses of got. The build bundles this module by itself first (scripts/bundled-first.ts).
export { default as got, type Request as GotStream } from 'got';
