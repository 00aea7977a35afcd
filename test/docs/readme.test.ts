import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { BLOCKS, readBlock, replaceBlock } from '../../scripts/readme-blocks.ts';
import { recordSession } from '../../scripts/readme-session.ts';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { KEYS, variablesOf } from '../../src/config/keys.ts';
import * as library from '../../src/index.ts';
import { helpText as benchHelp } from '../bench/options.ts';
import { CURRENT_PAGES, launcher, page, read, root } from './support.ts';

const FIX = 'node scripts/readme-session.ts';
const README = page('README.md');

describe('what is generated', () => {
  for (const [name, block] of Object.entries(BLOCKS)) {
    test(`the block ${name} of ${block.page} says what the code says; else run: ${FIX}`, () => {
      expect(readBlock(page(block.page), name)).toBe(block.text());
    });
  }

  test(`the session is what the program prints today; else run: ${FIX}`, async () => {
    expect(readBlock(README, 'session')).toBe(`\`\`\`console\n${await recordSession(launcher)}\n\`\`\``);
  });

  test('a block is replaced as it is, and nothing beside it', () => {
    const text = 'a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n';
    expect(replaceBlock(text, 'x', "$& $1 $'")).toBe("a\n<!-- begin x -->\n$& $1 $'\n<!-- end x -->\nb\n");
    expect(() => replaceBlock(text, 'y', '')).toThrow('the page has no block y');
  });
});

describe('nothing is missing', () => {
  test('every command, key, variable and exit status', () => {
    const rows = (name: string) => readBlock(README, name);
    expect(COMMANDS.filter(({ name }) => !rows('commands').includes(`| \`${name}`)).map(({ name }) => name)).toEqual(
      [],
    );
    const names = KEYS.flatMap(key => [key.path, ...variablesOf(key)]);
    const keys = readBlock(page('docs/configuration.md'), 'configuration');
    expect(names.filter(name => !keys.includes(`\`${name}\``))).toEqual([]);
    expect(Object.values(EXIT).filter(status => !rows('exit-codes').includes(`| ${status} |`))).toEqual([]);
  });

  test('every function of the library', () => {
    const named = page('docs/library.md');
    expect(Object.keys(library).length).toBeGreaterThan(10);
    expect(Object.keys(library).filter(name => !named.includes(`\`${name}\``))).toEqual([]);
  });

  test('the two commands come first', () => {
    expect(/```sh\n(.*?)```/s.exec(README)?.[1]).toBe('npm ci && npm run demo\nnpm test\n');
  });

  test('the README is read in an hour, and leads to every other page', () => {
    expect(README.trimEnd().split('\n').length).toBeLessThanOrEqual(300);
    expect(
      CURRENT_PAGES.map(({ path }) => path).filter(path => path !== 'README.md' && !README.includes(`(${path}`)),
    ).toEqual([]);
  });
});

/** What pages show as code: commands, keys, paths. Messages of the program are none of them. */
const codeOf = (text: string) =>
  [...withoutMessages(text).matchAll(/```.*?```|`[^`\n]+`/gs)].map(match => match[0]).join('\n');
const withoutMessages = (text: string) =>
  text.includes('<!-- begin troubleshooting -->') ? replaceBlock(text, 'troubleshooting', '') : text;

describe('nothing is there that is not so', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

  test('every npm script exists, and so does every file that it runs', () => {
    const named = CURRENT_PAGES.flatMap(({ text }) =>
      [...codeOf(text).matchAll(/npm (?:(test\b(?::\w+)?)|run ([\w:-]+))/g)].map(match => match[1] ?? match[2] ?? ''),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(name => scripts[name] === undefined)).toEqual([]);
    const run = Object.values(scripts).flatMap(script =>
      [...script.matchAll(/[\w./-]+\.(?:ts|js)\b/g)].map(match => match[0]),
    );
    expect(run.filter(file => !existsSync(join(root, file)))).toEqual([]);
  });

  test('every recordupload command exists', () => {
    const known = COMMANDS.map(({ name }) => name);
    const used = CURRENT_PAGES.flatMap(({ text }) =>
      [...codeOf(text).matchAll(/(?:npx |bin\/|^\$ |`|&& |exec |^)recordupload ((?:[a-z]+)(?: [a-z]+)?)/gm)].map(
        match => match[1] ?? '',
      ),
    );
    expect(used.length).toBeGreaterThan(40);
    expect(used.filter(words => !known.includes(words) && !known.includes(words.split(' ')[0] ?? ''))).toEqual([]);
  });

  test('every option belongs to a command, or to another program that is named', () => {
    const options = COMMANDS.flatMap(spec => spec.options.map(({ flags }) => /--[a-z-]+/.exec(flags)?.[0]));
    const others = [
      ...(benchHelp().match(/--[a-z-]+/g) ?? []),
      ...['--help', '--version'],
      // Of npm, systemctl and node.
      ...['--global', '--now', '--experimental-vm-modules'],
      // Of docker and sha256sum.
      ...['--name', '--tmpfs', '--cap-drop', '--security-opt', '--check', '--ignore-missing'],
      // docs/decisions.md says why there is none.
      '--token',
    ];
    const used = CURRENT_PAGES.flatMap(({ text }) =>
      [...text.matchAll(/(?<![\w<!-])--[a-z][a-z-]+/g)].map(match => match[0]),
    );
    expect(used.length).toBeGreaterThan(40);
    expect(used.filter(option => !options.includes(option) && !others.includes(option))).toEqual([]);
  });

  test('the messages under Troubleshooting are those of the program', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(name =>
      name.endsWith('.ts'),
    );
    const program = [
      read('bin/hand-over.js'),
      read('bin/start-program.js'),
      ...sources.map(name => readFileSync(join(root, 'src', name), 'utf8')),
    ]
      .join('\n')
      .replaceAll("\\'", "'");
    const rows = ['README.md', 'docs/troubleshooting.md'].map(path => readBlock(page(path), 'troubleshooting'));
    const messages = [...rows.join('\n').matchAll(/^\| `([^`]+)` \|/gm)].map(match => match[1] ?? '');
    expect(messages.length).toBeGreaterThan(30);
    const parts = messages.flatMap(message => message.split(/…| ?\(|\)/)).map(part => part.trim());
    expect(parts.filter(part => part.length > 1 && !program.includes(part))).toEqual([]);
  });
});
