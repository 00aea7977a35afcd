import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { BLOCKS, readBlock, replaceBlock } from '../../scripts/readme-blocks.ts';
import { recordSession } from '../../scripts/readme-session.ts';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { KEYS, variablesOf } from '../../src/config/keys.ts';
import { launcher, README, read, root } from './support.ts';

const MEND = 'node scripts/readme-session.ts';

describe('what is generated', () => {
  for (const [name, block] of Object.entries(BLOCKS)) {
    test(`the block ${name} says what the code says; else run: ${MEND}`, () => {
      expect(readBlock(README, name)).toBe(block());
    });
  }

  test(`the session is what the program prints today; else run: ${MEND}`, async () => {
    expect(readBlock(README, 'session')).toBe(`\`\`\`console\n${await recordSession(launcher)}\n\`\`\``);
  });

  test('a block is replaced as it is, and nothing beside it', () => {
    const page = 'a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n';
    expect(replaceBlock(page, 'x', "$& $1 $'")).toBe("a\n<!-- begin x -->\n$& $1 $'\n<!-- end x -->\nb\n");
    expect(() => replaceBlock(page, 'y', '')).toThrow('README.md has no block y');
  });
});

describe('nothing is missing', () => {
  test('every command, key, variable and exit status', () => {
    const rows = (name: string) => readBlock(README, name);
    expect(COMMANDS.filter(({ name }) => !rows('commands').includes(`| \`${name}`)).map(({ name }) => name)).toEqual(
      [],
    );
    const names = KEYS.flatMap(key => [key.path, ...variablesOf(key)]);
    expect(names.filter(name => !rows('configuration').includes(`\`${name}\``))).toEqual([]);
    expect(Object.values(EXIT).filter(status => !rows('exit-codes').includes(`| ${status} |`))).toEqual([]);
  });

  test('the two commands come first', () => {
    expect(/```sh\n(.*?)```/s.exec(README)?.[1]).toBe('npm ci && npm run demo\nnpm test\n');
  });
});

describe('nothing is there that is not so', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

  test('every npm script exists, and so does every file that it runs', () => {
    const named = [...README.matchAll(/npm (?:run )?(test(?::\w+)?|build|check|fix|bench|demo)\b/g)].map(
      match => match[1],
    );
    expect(named.filter(name => scripts[name ?? ''] === undefined)).toEqual([]);
    const run = Object.values(scripts).flatMap(script =>
      [...script.matchAll(/[\w./-]+\.(?:ts|js)\b/g)].map(match => match[0]),
    );
    expect(run.filter(file => !existsSync(join(root, file)))).toEqual([]);
  });

  test('every recordupload command exists', () => {
    const known = COMMANDS.map(({ name }) => name);
    const page = replaceBlock(README, 'troubleshooting', '');
    const code = [...page.matchAll(/```.*?```|`[^`\n]+`/gs)].map(match => match[0]).join('\n');
    const used = [...code.matchAll(/(?:npx |bin\/|^\$ |`|&& |^)recordupload ((?:[a-z]+)(?: [a-z]+)?)/gm)].map(
      match => match[1] ?? '',
    );
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter(words => !known.includes(words) && !known.includes(words.split(' ')[0] ?? ''))).toEqual([]);
  });

  test('every option belongs to a command, or to npm or systemctl', () => {
    const options = COMMANDS.flatMap(spec => spec.options.map(({ flags }) => /--[a-z-]+/.exec(flags)?.[0]));
    const others = ['--help', '--version', '--global', '--now'];
    const used = [...README.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(match => match[0]);
    expect(used.filter(option => !options.includes(option) && !others.includes(option))).toEqual([]);
  });

  test('every path and every link leads somewhere', () => {
    const paths = [...README.matchAll(/`((?:src|test|scripts|fixtures|bin|\.ci)\/[\w./-]+)`/g)].map(
      match => match[1] ?? '',
    );
    const links = [...README.matchAll(/\]\(([^)#:]+)\)/g)].map(match => match[1] ?? '');
    expect([...paths, ...links].filter(path => !existsSync(join(root, path)))).toEqual([]);
    const anchors = [...README.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );
    const named = [...README.matchAll(/\]\(#([^)]+)\)/g)].map(match => match[1] ?? '');
    expect(named.filter(anchor => !anchors.includes(anchor))).toEqual([]);
  });

  test('the messages under Troubleshooting are those of the program', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(name =>
      name.endsWith('.ts'),
    );
    const program = [read('bin/recordupload.js'), ...sources.map(name => readFileSync(join(root, 'src', name), 'utf8'))]
      .join('\n')
      .replaceAll("\\'", "'");
    const messages = [...readBlock(README, 'troubleshooting').matchAll(/^\| `([^`]+)` \|/gm)].map(
      match => match[1] ?? '',
    );
    expect(messages.length).toBeGreaterThan(30);
    const parts = messages.flatMap(message => message.split(/…| ?\(|\)/)).map(part => part.trim());
    expect(parts.filter(part => part.length > 1 && !program.includes(part))).toEqual([]);
  });
});
