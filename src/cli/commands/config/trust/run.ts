import { resolve } from 'node:path';
import { type Machine, machineOf } from '../../../../config/paths.ts';
import { type FolderFile, readFolderFiles, readNamedFile } from '../../../../config/trust/folder-files.ts';
import { listTrusted } from '../../../../config/trust/list-trusted.ts';
import { distrustFiles, realFileOf, trustFiles } from '../../../../config/trust/trusted-files.ts';
import { AppError } from '../../../../core/errors.ts';
import { EXIT } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import type { Invocation, RunCommand } from '../../../program/command.ts';
import { distrustedJson, listedJson, trustedJson } from './json.ts';
import type { configTrustSpec } from './spec.ts';
import { distrustedText, listedText, trustedText } from './text.ts';

type Call = Invocation<typeof configTrustSpec>;

/** `recordupload config trust [file...]` */
export const run: RunCommand<typeof configTrustSpec> = async call => {
  const { options, terminal, command } = call;
  if (options.list && options.remove)
    throw new AppError('USAGE', '--list does not go with --remove', { hint: 'run one after the other' });
  const machine = machineOf(terminal.env);
  const { result, lines } = options.list
    ? await list(machine)
    : options.remove
      ? await distrust(call, machine)
      : await trust(call, machine);
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result }));
  else terminal.out(lines(terminal.paint.out).join('\n'));
  return EXIT.done;
};

async function trust(call: Call, machine: Machine) {
  const files = await meantFiles(call, machine);
  await trustFiles(files, machine, Date.now());
  return { result: trustedJson(files), lines: trustedText(files) };
}

async function distrust({ args, terminal: { cwd } }: Call, machine: Machine) {
  const named = args.length > 0 ? args : (await readFolderFiles(cwd, machine)).map(({ file }) => file);
  const files = await Promise.all(named.map(file => realFileOf(resolve(cwd, file))));
  const removed = await distrustFiles(files, machine);
  return { result: distrustedJson(removed), lines: distrustedText(removed) };
}

async function list(machine: Machine) {
  const files = await listTrusted(machine);
  return { result: listedJson(files), lines: listedText(files) };
}

async function meantFiles({ args, terminal: { cwd } }: Call, machine: Machine): Promise<FolderFile[]> {
  if (args.length === 0) return await readFolderFiles(cwd, machine);
  return await Promise.all(args.map(file => readNamedFile(file, cwd, machine)));
}
