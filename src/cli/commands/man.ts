import { EXIT } from '../exit-codes.ts';
import type { RunCommand } from '../program/command.ts';
import { manPage } from '../program/man-page.ts';
import { VERSION } from '../program/version.ts';

/** `recordupload man` */
export const run: RunCommand = async ({ terminal, commands }) => {
  terminal.document(manPage(commands, VERSION));
  return EXIT.done;
};
