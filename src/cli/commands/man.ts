import type { RunCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { manPage } from '../man-page.ts';
import { VERSION } from '../version.ts';

/** `recordupload man` */
export const run: RunCommand = async ({ terminal, commands }) => {
  terminal.document(manPage(commands, VERSION));
  return EXIT.done;
};
