import { describe, expect, test } from '@jest/globals';
import envPaths from 'env-paths';
import { machineOf, resolvePath, userFolders } from '../../src/config/paths.ts';
import { lineNumbers } from '../../src/config/sources/line-numbers.ts';
import { suggestKey } from '../../src/config/suggest.ts';

describe('the folders', () => {
  test('are those of env-paths on this system', () => {
    const folders = userFolders(machineOf(process.env));
    const { config, log } = envPaths('recordupload', { suffix: '' });
    expect(folders.config).toBe(config);
    if (process.platform === 'linux') expect(folders.state).toBe(log);
  });

  test('ignore relative XDG variables, as the specification wants it', () => {
    const env = { HOME: '/home/ada', XDG_STATE_HOME: 'state', XDG_CONFIG_HOME: '/etc/ada' };
    expect(userFolders(machineOf(env, { platform: 'linux' }))).toEqual({
      config: '/etc/ada/recordupload',
      state: '/home/ada/.local/state/recordupload',
    });
  });

  test('of Windows and macOS are where those systems keep them', () => {
    const windows = { USERPROFILE: 'C:/Users/ada', APPDATA: 'C:/Users/ada/Roaming', LOCALAPPDATA: 'D:/Local' };
    expect(userFolders(machineOf(windows, { platform: 'win32' }))).toEqual({
      config: 'C:/Users/ada/Roaming/recordupload/Config',
      state: 'D:/Local/recordupload/Data',
    });
    expect(userFolders(machineOf({ HOME: '/Users/ada', XDG_STATE_HOME: '/x' }, { platform: 'darwin' }))).toEqual({
      config: '/Users/ada/Library/Preferences/recordupload',
      state: '/Users/ada/Library/Application Support/recordupload',
    });
  });

  test('on Windows do not follow HOME, which Git Bash sets to a path of its own', () => {
    const env = { HOME: '/c/Users/ada', USERPROFILE: 'C:/Users/ada' };
    expect(machineOf(env, { platform: 'win32' }).home).toBe('C:/Users/ada');
    expect(userFolders(machineOf(env, { platform: 'win32' })).state).toBe(
      'C:/Users/ada/AppData/Local/recordupload/Data',
    );
  });

  test('of the user are written ~/, on Windows ~\\, too', () => {
    expect(resolvePath('~\\token', '/etc', '/home/ada', 'win32')).toMatch(/^\/home\/ada.\W?token$/);
    expect(resolvePath('~\\token', '/etc', '/home/ada', 'linux')).toBe('/etc/~\\token');
    expect(resolvePath('~/token', '/etc', '/home/ada', 'win32')).toBe('/home/ada/token');
  });
});

test('lines are found in YAML and JSON, through lists, comments and aliases', () => {
  const yaml =
    '# c\nwebhook:\n  url: &u "https://x"\n\n  token: >\n    a\nwebhooks:\n  - name: x\n    url: *u\nbucket: b\n';
  expect(Object.fromEntries(lineNumbers(yaml))).toMatchObject({
    'webhook.url': 3,
    'webhook.token': 5,
    'webhooks.0.name': 8,
    'webhooks.0.url': 9,
    bucket: 10,
  });
  const json = JSON.stringify({ a: 1, recordupload: { bucket: 'x', extraFiles: ['a', 'b'] } }, null, '\t');
  expect(lineNumbers(json).get('recordupload.bucket')).toBe(4);
  expect(lineNumbers(json).get('recordupload.extraFiles.1')).toBe(7);
  expect(lineNumbers('a: [').size).toBe(0);
});

test.each([
  ['buckett', [], 'bucket'],
  ['state_dir', [], 'stateDir'],
  ['bucket', ['s3'], 'bucket'],
  ['mail', ['user'], 'user.email'],
  ['tokenfile', ['webhooks', 0], 'tokenFile'],
  ['colour', [], undefined],
])('%s in %j is taken for %s', (unknown, inside, expected) => expect(suggestKey(unknown, inside)).toBe(expected));
