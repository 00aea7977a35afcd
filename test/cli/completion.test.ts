import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { complete } from '../../src/cli/program/complete.ts';
import { completionScript } from '../../src/cli/program/completion-scripts.ts';
import { SHELLS, type Shell } from '../../src/cli/program/shells.ts';
import { programFile } from '../support/built-program.ts';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

/** What goes on from a line that ends at the cursor. */
async function completionsOf(line: string, shell: Shell = 'fish') {
  const { candidates, files } = await complete(line.split(' '), {
    shell,
    commands: COMMANDS,
    recordingIds: async prefix => ['42', '43', 'standup'].filter(id => id.startsWith(prefix)),
    endpointNames: async () => ['ops', 'archive'],
  });
  return { values: candidates.map(({ value }) => value), files };
}

describe('completion', () => {
  test('of commands: every one of the command tree, at its level', async () => {
    const first = new Set(COMMANDS.map(({ name }) => name.split(' ')[0]));
    expect((await completionsOf('')).values.sort()).toEqual([...first].sort());
    for (const { name } of COMMANDS) {
      const words = name.split(' ');
      const { values } = await completionsOf(name);
      expect({ name, values }).toEqual({ name, values: expect.arrayContaining([words.at(-1)]) });
    }
  });

  test('of options: every one of the command, and none twice', async () => {
    for (const { name, options } of COMMANDS) {
      const { values } = await completionsOf(`${name} --`);
      const flags = options.map(({ flags }) => /--[\w-]+/.exec(flags)?.[0]);
      expect({ name, values }).toEqual({
        name,
        values: [...flags, '--help', ...(flags.includes('--no-color') ? [] : ['--no-color'])],
      });
    }
    expect((await completionsOf('retry --json --js')).values).toEqual([]);
  });

  test.each([
    ['webhook send 4', ['42', '43'], false],
    ['retry 42 4', ['43'], false],
    ['verify s', ['standup'], true],
    ['upload rec', [], true],
    ['upload --title x rec', [], true],
    ['webhook enable ', ['ops', 'archive'], false],
    ['webhook test --endpoint a', ['archive'], false],
    ['webhook test --endpoint=a', ['--endpoint=archive'], false],
    ['retry --config ', [], true],
    ['upload --title ', [], false],
    ['config validate ', [], true],
    ['completion z', ['zsh'], false],
    ['completion zsh ', [], false],
    ['help webhook te', ['test'], false],
    ['nothing-like-it ', [], false],
  ])('%s', async (line, values, files) => {
    expect(await completionsOf(line)).toEqual({ values, files });
  });

  test('of a value behind "=" in bash, which takes it for a word of its own', async () => {
    expect((await completionsOf('webhook test --endpoint = a', 'bash')).values).toEqual(['archive']);
    expect((await completionsOf('webhook test --endpoint =', 'bash')).values).toEqual(['ops', 'archive']);
  });
});

describe('the scripts', () => {
  let desk: Desk;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    desk = openDesk(await openSandbox());
    const recording = makeRecording({ name: 'standup-7', parent: desk.cwd });
    expect((await desk.run(['upload', recording, '--no-webhook'])).code).toBe(0);
    const bin = join(tempDir(), 'bin');
    mkdirSync(bin);
    symlinkSync(programFile, join(bin, 'recordupload'));
    env = { ...desk.env, PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}` };
  });

  const has = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;
  const runShell = (shell: string, script: string) => {
    const { stdout, stderr } = spawnSync(shell, ['-c', script], { env, cwd: desk.cwd, encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout.trimEnd();
  };

  test.each(SHELLS)('%s: is printed, and asks the program', async shell => {
    const { stdout, code } = await desk.run(['completion', shell]);
    expect([code, stdout]).toEqual([0, `${completionScript(shell)}\n`]);
    expect(stdout).toContain(`recordupload completion ${shell} --`);
  });

  test('an unknown shell is named with those that there are', async () => {
    const { code, stderr } = await desk.run(['completion', 'tcsh']);
    expect(code).toBe(2);
    expect(stderr).toContain('one of bash, zsh, fish, powershell');
  });

  test('bash completes commands, recordings of the state, and folders', () => {
    const press = (...words: string[]) =>
      runShell(
        'bash',
        [
          completionScript('bash'),
          `COMP_WORDS=(recordupload ${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}`,
          // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash's
          '_recordupload; echo "${COMPREPLY[*]}"',
        ].join('\n'),
      );
    expect(press('upl')).toBe('upload');
    expect(press('webhook', 'send', 's')).toBe('standup-7');
    expect(press('verify', 'stand')).toBe('standup-7 standup-7');
    expect(press('webhook', 'test', '--endpoint', '=', 'd')).toBe('default');
    // A quotation that is still open.
    expect(press('webhook', 'send', '"s')).toBe('standup-7');
    // What was typed is never run.
    expect(press('webhook', 'send', '$(touch gone)')).toBe('');
    expect(runShell('bash', 'ls')).toBe('standup-7');
  });

  (has('zsh') ? test : test.skip)('zsh completes recordings, endpoints, options and folders', () => {
    const script = join(desk.home, '_recordupload');
    writeFileSync(script, completionScript('zsh'));
    const setUp = [
      `PS1=; autoload -Uz compinit; compinit -u -D; source ${script}`,
      // Ctrl-X tells what stands on the line, and wipes it.
      'tell() { print -r -- "line<$BUFFER>"; BUFFER= }; zle -N tell; bindkey "^X" tell',
    ];
    writeFileSync(join(desk.home, 'set-up'), setUp.join('\n'));
    const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
    /** What stands on the line of an interactive zsh once Tab was pressed behind each of these. */
    const press = (...lines: string[]) => {
      const ask = (line: string) => [
        `zpty -wn z ${quoted(line)}$'\\t\\x18'`,
        "zpty -r z said '*line<*>*'",
        `said=\${said##*line<}; print -r -- "\${said%%>*}"`,
      ];
      const begin = ['zmodload zsh/zpty', 'zpty z zsh -fi', `zpty -w z 'source ${join(desk.home, 'set-up')}'`];
      const told = runShell('zsh', [...begin, ...lines.flatMap(ask)].join('\n'));
      return told.split('\n').map(line => line.trimEnd());
    };
    expect(
      press(
        'recordupload webhook send s',
        "recordupload status 's",
        'recordupload webhook test --endpoint=',
        'recordupload upload --bwl',
        'recordupload upload stand',
      ),
    ).toEqual([
      'recordupload webhook send standup-7',
      "recordupload status 'standup-7'",
      'recordupload webhook test --endpoint=default',
      'recordupload upload --bwlimit',
      'recordupload upload standup-7/',
    ]);
  });

  (has('fish') ? test : test.skip)('fish completes commands and recordings', () => {
    const press = (line: string) =>
      runShell('fish', `${completionScript('fish')}\ncomplete -C ${JSON.stringify(line)}`)
        .split('\n')
        .map(one => one.split('\t')[0]);
    expect(press('recordupload upl')).toEqual(['upload']);
    expect(press('recordupload webhook send s')).toEqual(['standup-7']);
    expect(press('recordupload webhook enable ')).toEqual(['default']);
    expect(press('recordupload webhook test --endpoint=')).toEqual(['--endpoint=default']);
    expect(press("recordupload status 's")).toEqual(['standup-7']);
    expect(press("recordupload upload 'sta")).toEqual(['standup-7/']);
  });

  test('is quiet where the configuration is wrong or there is no state', async () => {
    const broken = { RECORDUPLOAD_CONCURRENCY: 'many', RECORDUPLOAD_STATE_DIR: '/nowhere' };
    for (const words of [
      ['webhook', 'enable', ''],
      ['webhook', 'send', ''],
    ]) {
      const result = await desk.run(['completion', 'bash', '--', ...words], { env: broken });
      expect(result).toEqual({ code: 0, stdout: ':none\n', stderr: '' });
    }
  });
});
