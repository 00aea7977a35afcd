import { endAfter } from './process-end.ts';
import { run } from './run.ts';

void endAfter(run(process.argv.slice(2)));
