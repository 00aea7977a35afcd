import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Copy, DockerfileParser, type Instruction } from 'dockerfile-ast';
import { type Chroot, openChroot } from './chroot.ts';

/** What an image says about how it is run. */
export interface Image {
  machine: Chroot;
  env: Record<string, string>;
  user: string;
  workingFolder: string;
  entrypoint: string[];
  command: string[];
  healthcheck: string[];
  volumes: string[];
}

/**
 * Builds a Dockerfile without an engine: each stage is a Debian of its own, in which its instructions are carried out in
 * order. It knows the instructions that ours has. @throws Error for every other one, and where a RUN or COPY fails
 * @param context the folder that COPY takes files from
 */
export async function buildImage(text: string, context: string): Promise<Image> {
  const stages = new Map<string, Chroot>();
  let image: Image | undefined;
  const variables: Record<string, string> = {};
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const words = instruction.getRawArgumentsContent() ?? '';
    if (instruction.getKeyword() === 'FROM') {
      image = startStage(words, stages);
      continue;
    }
    if (image === undefined) throw new Error(`${instruction.getKeyword()} before FROM`);
    await carryOut(instruction, words, { image, stages, context, variables });
  }
  if (image === undefined) throw new Error('no FROM');
  return image;
}

function startStage(words: string, stages: Map<string, Chroot>): Image {
  const [, base, name] = /^(\S+)(?: AS (\S+))?$/.exec(words) ?? [];
  if (base !== 'debian:bookworm-slim') throw new Error(`only Debian can be built on here, not ${base}`);
  const machine = openChroot();
  if (name !== undefined) stages.set(name, machine);
  const empty = { entrypoint: [], command: [], healthcheck: [], volumes: [] };
  return { machine, env: {}, user: '0:0', workingFolder: '/', ...empty };
}

interface Build {
  image: Image;
  stages: Map<string, Chroot>;
  context: string;
  variables: Record<string, string>;
}

async function carryOut(instruction: Instruction, words: string, build: Build): Promise<void> {
  const { image, variables } = build;
  const keyword = instruction.getKeyword();
  const [name = '', value = ''] = words.split(/=(.*)/s);
  switch (keyword) {
    case 'ARG':
      variables[name] = value;
      return;
    case 'ENV':
      image.env[name] = value;
      return;
    case 'RUN': {
      const result = await image.machine.run(['sh', '-c', words], { env: { ...image.env, ...variables } });
      if (result.status !== 0) throw new Error(`RUN ${words}: ${result.stderr}`);
      return;
    }
    case 'COPY':
      copy(instruction, build);
      return;
    case 'USER':
      image.user = words;
      return;
    case 'WORKDIR':
      image.workingFolder = words;
      mkdirSync(join(image.machine.folder, words), { recursive: true });
      return;
    case 'VOLUME':
      image.volumes = JSON.parse(words);
      return;
    case 'ENTRYPOINT':
      image.entrypoint = JSON.parse(words);
      return;
    case 'CMD':
      image.command = JSON.parse(words);
      return;
    case 'HEALTHCHECK':
      image.healthcheck = JSON.parse(words.replace(/^CMD /, ''));
      return;
    default:
      throw new Error(`this test does not know ${keyword}`);
  }
}

/** COPY as the reference describes it: several sources into a folder whose name ends with a slash, one source anywhere. */
function copy(instruction: Instruction, { image, stages, context }: Build): void {
  const from = instruction instanceof Copy ? instruction.getFromFlag()?.getValue() : undefined;
  const paths = instruction.getArguments().map(String);
  const target = paths.pop() ?? '';
  const source = from == null ? context : stages.get(from)?.folder;
  if (source === undefined) throw new Error(`COPY from ${from}, which is no stage`);
  const files = paths.flatMap(path => globSync(join(source, path)));
  if (files.length === 0) throw new Error(`COPY: no file is called ${paths.join(', ')}`);
  for (const file of files) {
    const place = target.endsWith('/') ? join(target, basename(file)) : target;
    cpSync(file, join(image.machine.folder, place), { recursive: true });
  }
}

/** Makes the image's root read-only, and mounts on the others what a new volume is: empty, with their owner and rights. */
export function closeRoot({ machine }: Image, writable: readonly string[]): void {
  const mounts = writable.map(path => {
    const folder = join(machine.folder, path);
    const { uid, gid, mode } = statSync(folder);
    const options = `uid=${uid},gid=${gid},mode=${(mode & 0o7777).toString(8)}`;
    return ['-t', 'tmpfs', '-o', options, 'recordupload-test', folder];
  });
  for (const args of [...mounts, ['-o', 'remount,ro', machine.folder]]) {
    const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
  }
}
