// One of several processes that write to one log: `node append-worker.ts <file> <name> <lines> <maxBytes> <kept>`.
import { openLogFile } from '../../src/app/observers/log-file.ts';

const [file = '', name = '', lines = '0', maxBytes = '0', kept = '0'] = process.argv.slice(2);
const log = openLogFile(
  file,
  error => {
    throw error;
  },
  { maxBytes: Number(maxBytes), kept: Number(kept) },
);
for (let number = 0; number < Number(lines); number++)
  log.write(`${JSON.stringify({ level: 'info', time: '', name, number })}\n`);
log.close();
