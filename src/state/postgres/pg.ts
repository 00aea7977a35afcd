// What the program uses of pg. The build bundles this module by itself first (scripts/bundled-first.ts).
export { Client, Pool } from 'pg';
