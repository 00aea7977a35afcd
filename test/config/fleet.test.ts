import { describe, expect, test } from '@jest/globals';
import { knownSecrets } from '../../src/app/known-secrets.ts';
import { machineName } from '../../src/core/machine-name.ts';
import { originOf, useDesk } from './support.ts';

const desk = useDesk();
const URL_OF_STATE = 'postgres://recordupload:fake-p%40ss@db.example.com/recordupload';

describe('the URL of the state', () => {
  test('comes from the environment, a file, or the user’s configuration', async () => {
    expect((await desk.load({ RECORDUPLOAD_STATE_URL: URL_OF_STATE })).config.stateUrl).toBe(URL_OF_STATE);
    await desk.write('state-url', `${URL_OF_STATE}\n`);
    const loaded = await desk.load({ RECORDUPLOAD_STATE_URL_FILE: 'state-url' });
    expect(loaded.config.stateUrl).toBe(URL_OF_STATE);
    expect(originOf(loaded, 'stateUrl')).toMatchObject({
      value: 'set',
      secret: true,
      source: 'RECORDUPLOAD_STATE_URL_FILE',
    });
    expect(JSON.stringify(loaded.origins)).not.toContain('fake');
    expect((await desk.load()).config).toMatchObject({
      stateUrl: undefined,
      sharedFolders: false,
      machine: machineName(),
    });
  });

  test('never comes from a file of the working folder that is not trusted, not even for commands that only read', async () => {
    await desk.write('.recorduploadrc', `stateUrl: ${URL_OF_STATE}`);
    const refusal = expect.stringContaining('a file of the working folder may not say where the state is kept');
    expect(await desk.problems()).toEqual([refusal]);
    expect(await desk.problems({}, { withoutSecrets: true })).toEqual([refusal]);
    await desk.trust('.recorduploadrc');
    expect((await desk.load()).config.stateUrl).toBe(URL_OF_STATE);
  });

  test('of a file that the working folder names is not read', async () => {
    await desk.write('state-url', URL_OF_STATE);
    await desk.write('.recorduploadrc', 'stateUrlFile: state-url');
    expect(await desk.problems()).toEqual([expect.stringContaining('may not name a file to be read as a secret')]);
  });

  test.each([
    ['https://db.example.com/x', 'must begin with postgres://'],
    ['postgres://user:fake-word@db.example.com:99999/x', 'has a port'],
    ['postgres://user:fake-word@db.example.com/x?sslmode=maybe', 'has an unknown sslmode'],
    ['postgres://user:fake-word@db.example.com/x?sslpassword=fake-word', 'has an unknown parameter'],
    ['postgres://user:fake-word@db.example.com/x?target_session_attrs=standby', 'has a target_session_attrs'],
    ['postgres://user:fake%word@db.example.com/x', 'has a % that does not begin an escape'],
    ['postgres://user:fake-word@db.example.com/x y', 'contains white space'],
  ])('%s is refused without being shown', async (url, flaw) => {
    const problems = await desk.problems({ RECORDUPLOAD_STATE_URL: url });
    expect(await desk.problems({ RECORDUPLOAD_STATE_URL: url }, { withoutSecrets: true })).toEqual(problems);
    expect(problems).toEqual([expect.stringMatching(/^RECORDUPLOAD_STATE_URL: .*\(the value is not shown\)$/)]);
    expect(problems[0]).toContain(flaw);
    expect(problems[0]).not.toMatch(/fake|sslpassword|maybe|99999/);
  });

  test('has a password that is redacted, as it is and as it is written', async () => {
    const { config } = await desk.load({ RECORDUPLOAD_STATE_URL: URL_OF_STATE });
    expect(knownSecrets(config, {})).toEqual(expect.arrayContaining(['fake-p@ss', 'fake-p%40ss']));
  });
});

describe('the machine', () => {
  test('has a name, of which no folder that is not trusted decides', async () => {
    expect((await desk.load({ RECORDUPLOAD_MACHINE: 'studio-a' })).config.machine).toBe('studio-a');
    expect(await desk.problems({ RECORDUPLOAD_MACHINE: 'studio a' })).toEqual([
      expect.stringContaining('expected a name of up to 50 letters'),
    ]);
    await desk.write('.recorduploadrc', 'machine: studio-b\nsharedFolders: true\n');
    expect(await desk.problems()).toEqual([
      expect.stringContaining('may not say which machine of a fleet this is'),
      expect.stringContaining("may not have another machine's uploads taken over"),
    ]);
  });
});
