import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

/* Attacks on the places that the program writes to. */

const sandbox = await openSandbox();
const NOBODY = 65_534;
const LINE = '{"level":"info","time":"2026-01-02T03:04:05.000Z","pid":1,"run":"0a1b2c3d","msg":"upload started"}\n';
/** Only root can give a file away. */
const asRoot = process.getuid?.() === 0 ? test : test.skip;

/** What lies at the log's name, and what a refusal says about it. */
const NO_LOGS: readonly [what: string, make: (file: string, desk: Desk) => void, says: RegExp][] = [
  ['a start-up file of the shell', file => writeFileSync(file, 'umask 077\n'), /is another file, not a log/],
  ['a file of JSON lines of another program', file => writeFileSync(file, '{"level":30}\n'), /is another file/],
  [
    'a link to a log',
    (file, { home }) => {
      writeFileSync(join(home, 'other'), LINE);
      symlinkSync(join(home, 'other'), file);
    },
    /is a symbolic link, not a file/,
  ],
  ['a link to nothing', (file, { home }) => symlinkSync(join(home, 'not-yet'), file), /is a symbolic link/],
  [
    'a log with a second name',
    (file, { home }) => {
      writeFileSync(join(home, 'other'), LINE);
      linkSync(join(home, 'other'), file);
    },
    /another name as well \(a hard link\)/,
  ],
  ['a named pipe', file => execFileSync('mkfifo', [file]), /is a named pipe, not a file/],
  ['a folder', file => mkdirSync(file), /is a folder, not a file/],
  [
    'a log that others can change',
    file => {
      writeFileSync(file, LINE);
      chmodSync(file, 0o666);
    },
    /can be changed by other users \(chmod go-w /,
  ],
];

/** How many webhooks of the recording arrived; the doctor's requests have no body. */
const sentFor = (id: string) =>
  sandbox.receiver.requests().filter(({ body }) => body !== '' && String(JSON.parse(body).recording_id) === id).length;

/** Uploads with that log. */
async function uploadWithLog(desk: Desk, logFile: string) {
  const id = freshId();
  const dir = makeRecording({ name: id });
  const run = await desk.run(['upload', dir], { env: { RECORDUPLOAD_LOG_FILE: logFile } });
  return { ...run, webhooks: sentFor(id) };
}

describe('a log that is not ours is refused, and left as it is:', () => {
  test.each(NO_LOGS)('%s', async (_what, make, says) => {
    const desk = openDesk(sandbox);
    const file = join(desk.home, '.profile');
    make(file, desk);
    const before = contentsBelow(desk.home);
    const { code, stdout, stderr, webhooks } = await uploadWithLog(desk, '~/.profile');
    expect({ code, stdout, webhooks }).toEqual({ code: 2, stdout: '', webhooks: 0 });
    expect(stderr).toMatch(/^error: the log .*\/\.profile is not used: it .*\)\n$/);
    expect(stderr).toMatch(says);
    expect(contentsBelow(desk.home)).toEqual(before);
  });

  asRoot('another user’s log', async () => {
    const desk = openDesk(sandbox);
    const file = join(desk.home, 'app.log');
    writeFileSync(file, LINE);
    chownSync(file, NOBODY, NOBODY);
    const { code, stderr } = await uploadWithLog(desk, file);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: the log .* is not used: it belongs to another user \(uid 65534\) \(set logFile .*\n$/,
    );
    expect(readFileSync(file, 'utf8')).toBe(LINE);
  });

  test('a socket', async () => {
    const desk = openDesk(sandbox);
    const file = join(desk.home, 's');
    const server = createServer().listen(file);
    await new Promise(resolve => server.once('listening', resolve));
    const { code, stderr } = await uploadWithLog(desk, file);
    server.close();
    expect(code).toBe(2);
    expect(stderr).toMatch(/is a socket, not a file/);
  });

  test.each(['/dev/stderr', '/dev/stdout', '/dev/fd/2', '/proc/self/fd/2'])('%s, with what to use', async name => {
    const { code, stderr } = await uploadWithLog(openDesk(sandbox), name);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: the log .* is not used: it is .*, not a file \(for a log on stderr use --progress json; /,
    );
  });
});

test('/dev/null as the log means no log', async () => {
  const { code, stderr, webhooks } = await uploadWithLog(openDesk(sandbox), '/dev/null');
  expect({ code, webhooks }).toEqual({ code: 0, webhooks: 1 });
  expect(stderr).not.toContain('warning');
});

test.each([
  ['empty', ''],
  ['of an earlier run', LINE],
  ['that begins with a line cut by a full disk', `{"level":"er\n${LINE}`],
  ['that begins with a line feed, after a full disk', `\n${LINE}`],
])('a log %s is written to', async (_what, text) => {
  const desk = openDesk(sandbox);
  const file = join(desk.home, 'app.log');
  writeFileSync(file, text, { mode: 0o600 });
  const { code, stderr } = await uploadWithLog(desk, file);
  expect({ code, warned: stderr.includes('warning') }).toEqual({ code: 0, warned: false });
  expect(readFileSync(file, 'utf8')).toMatch(/"msg":"upload started"[\s\S]*"msg":"file uploaded"/);
});

test('a file with the name of an older log is neither renamed nor removed', async () => {
  const desk = openDesk(sandbox);
  const file = join(desk.home, 'chapter');
  writeFileSync(file, LINE.repeat(60_000), { mode: 0o600 });
  writeFileSync(`${file}.5`, 'the last chapter of my novel');
  const { code, stderr } = await uploadWithLog(desk, file);
  expect(code).toBe(0);
  expect(
    stderr.match(/warning: the log .*chapter grows .*: .*chapter\.5 is not a log of recordupload; rename/g),
  ).toHaveLength(1);
  expect(readFileSync(`${file}.5`, 'utf8')).toBe('the last chapter of my novel');
  expect(readFileSync(file, 'utf8')).toContain('"msg":"file uploaded"');
});

test('a link with the name of the log’s lock is not followed', async () => {
  const desk = openDesk(sandbox);
  const file = join(desk.home, 'app.log');
  writeFileSync(file, LINE.repeat(60_000), { mode: 0o600 });
  symlinkSync(join(desk.home, 'elsewhere'), `${file}.lock`);
  const { code, stderr } = await uploadWithLog(desk, file);
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: the log .*app\.log\.lock is a symbolic link, not a file/);
  expect(existsSync(join(desk.home, 'elsewhere'))).toBe(false);
});

describe('logs', () => {
  test.each([[['logs']], [['logs', '--follow']]])('%j says that a named pipe is no log', async args => {
    const desk = openDesk(sandbox);
    const file = join(desk.home, 'app.log');
    execFileSync('mkfifo', [file]);
    const { code, stderr } = await desk.run(args, { env: { RECORDUPLOAD_LOG_FILE: file } });
    expect(code).toBe(4);
    expect(stderr).toMatch(/^error: the log .* cannot be read \(it is a named pipe, not a file\) \(.*\)\n$/);
  });
});

/** How a state folder is not ours, and what a refusal says about it. */
const NO_STATES: readonly [what: string, spoil: (stateDir: string, desk: Desk) => void, says: RegExp][] = [
  ['that its group can change', dir => chmodSync(dir, 0o770), /can be changed by other users \(chmod go-w /],
  ['that everybody can change', dir => chmodSync(dir, 0o1777), /can be changed by other users \(chmod go-w /],
  [
    'whose state file is a link',
    (dir, { home }) => {
      writeFileSync(join(home, 'other'), '');
      symlinkSync(join(home, 'other'), join(dir, 'state.db'));
    },
    /state\.db is a symbolic link, not a file/,
  ],
  ['whose state file is a named pipe', dir => execFileSync('mkfifo', [join(dir, 'state.db')]), /is a named pipe/],
  [
    'whose log is a link',
    dir => symlinkSync('/nowhere', join(dir, 'state.db-wal')),
    /state\.db-wal is a symbolic link/,
  ],
  [
    'whose folder of locks is a link',
    (dir, { home }) => {
      mkdirSync(join(home, 'other'));
      symlinkSync(join(home, 'other'), join(dir, 'owners'));
    },
    /owners is a symbolic link, not a folder/,
  ],
  [
    'whose state file others can change',
    dir => {
      writeFileSync(join(dir, 'state.db'), '');
      chmodSync(join(dir, 'state.db'), 0o666);
    },
    /state\.db can be changed by other users/,
  ],
];
const GIVEN_AWAY: typeof NO_STATES = [
  ['of another user', dir => chownSync(dir, NOBODY, NOBODY), /belongs to another user \(uid 65534\) \(set stateDir /],
  [
    'whose state file is another user’s',
    dir => {
      writeFileSync(join(dir, 'state.db'), '', { mode: 0o600 });
      chownSync(join(dir, 'state.db'), NOBODY, NOBODY);
    },
    /state\.db belongs to another user/,
  ],
];

async function refusesState([, spoil, says]: (typeof NO_STATES)[number]): Promise<void> {
  const desk = openDesk(sandbox);
  mkdirSync(desk.stateDir, { recursive: true, mode: 0o700 });
  spoil(desk.stateDir, desk);
  const before = contentsBelow(desk.home);
  const id = freshId();
  const env = { RECORDUPLOAD_LOG_FILE: '/dev/null' };
  for (const args of [['upload', makeRecording({ name: id })], ['retry'], ['status'], ['webhook', 'list']]) {
    const { code, stdout, stderr } = await desk.run(args, { env });
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: the state folder .*\)\n$/);
    expect(stderr).toMatch(says);
  }
  expect(sentFor(id)).toBe(0);
  const doctor = await desk.run(['doctor'], { env });
  expect(doctor.code).not.toBe(0);
  expect(doctor.stdout + doctor.stderr).toMatch(new RegExp(says.source.replace(/ \\\(.*$/, '')));
  expect(contentsBelow(desk.home)).toEqual(before);
}

describe('a state folder is refused', () => {
  for (const spoiled of NO_STATES) test(spoiled[0], () => refusesState(spoiled));
  for (const spoiled of GIVEN_AWAY) asRoot(spoiled[0], () => refusesState(spoiled));

  asRoot('that a link of another user leads to', async () => {
    const desk = openDesk(sandbox);
    const link = join(desk.home, 'link');
    const dir = join(desk.home, 'mine');
    mkdirSync(dir, { mode: 0o700 });
    execFileSync('setpriv', ['--reuid=65534', '--clear-groups', 'true']);
    chmodSync(desk.home, 0o777);
    execFileSync('setpriv', ['--reuid=65534', '--clear-groups', 'ln', '-s', dir, link]);
    const { code, stderr } = await desk.run(['retry'], { env: { RECORDUPLOAD_STATE_DIR: link } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/is reached by a symbolic link of another user, .*\/link \(set stateDir /);
    expect(readdirSync(dir)).toEqual([]);
  });

  asRoot('that is used by a user who is not root, if it is another user’s', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(desk.stateDir, { recursive: true });
    for (let dir = desk.stateDir; dir !== desk.home; dir = dirname(dir)) chmodSync(dir, 0o755);
    chownSync(desk.stateDir, 1234, 1234);
    const { code, stderr } = await desk.run(['status'], { user: NOBODY, cwd: '/' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/belongs to another user \(uid 1234\)/);
  });
});

test('a state folder that a link of one’s own leads to is used', async () => {
  const desk = openDesk(sandbox);
  mkdirSync(join(desk.home, 'disk'), { mode: 0o700 });
  symlinkSync('disk', join(desk.home, 'link'));
  const env = { RECORDUPLOAD_STATE_DIR: join(desk.home, 'link', 'state') };
  expect((await desk.run(['upload', makeRecording()], { env })).code).toBe(0);
  expect(readdirSync(join(desk.home, 'disk', 'state'))).toContain('state.db');
});

test('a named pipe or a link in the place of a lock file stops nothing', async () => {
  const desk = openDesk(sandbox);
  expect((await desk.run(['upload', makeRecording()])).code).toBe(0);
  const owners = join(desk.stateDir, 'owners');
  execFileSync('mkfifo', [join(owners, 'a.lock')]);
  symlinkSync(join(desk.home, 'elsewhere'), join(owners, 'b.lock'));
  for (const args of [['upload', makeRecording()], ['prune'], ['status']]) {
    expect((await desk.run(args)).code).toBe(0);
  }
  expect(existsSync(join(desk.home, 'elsewhere'))).toBe(false);
});

/** All names below a folder, and what the files contain. */
function contentsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map(entry => {
      const path = join(entry.parentPath, entry.name);
      return entry.isFile() ? `${path}: ${readFileSync(path, 'utf8')}` : path;
    })
    .sort();
}
