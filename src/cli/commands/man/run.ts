import { EXIT } from '../../exit-codes.ts';
import type { RunCommand } from '../../program/command.ts';
import { manPage } from '../../program/man-page.ts';
import { VERSION } from '../../program/version.ts';
import type { manSpec } from './spec.ts';

/** `recordupload man` */
export const run: RunCommand<typeof manSpec> = async ({ terminal, commands }) => {
  terminal.document(manPage(commands, VERSION));
  return EXIT.done;
};
