import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { machineName } from '../../src/core/machine-name.ts';
import { originOf, useDesk } from './support.ts';

const desk = useDesk();
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/configs/${name}`, import.meta.url));

describe('defaults', () => {
  test("fit the owner's set-up, and have no token and no keys", async () => {
    const { config, warnings } = await desk.load();
    const stateDir = path.join(desk.home, '.local/state/recordupload');
    expect(config).toEqual({
      endpoint: 'https://s3.us-west-1.idrivee2.com',
      region: 'us-west-1',
      bucket: 'fyemeet',
      publicBaseUrl: 'https://s3.us-west-1.idrivee2.com',
      credentials: undefined,
      user: {},
      webhooks: [
        {
          name: 'default',
          url: 'https://ops.fyelabs.com/recordings/webhook/',
          token: undefined,
          secrets: [],
          enabled: true,
        },
      ],
      stateDir,
      logFile: path.join(stateDir, 'logs/app.log'),
      stateUrl: undefined,
      machine: machineName(),
      sharedFolders: false,
      uploadSource: undefined,
      extraFiles: [],
      idPrefix: undefined,
      allowInsecure: false,
      concurrency: undefined,
      bwlimit: undefined,
      uploadRetryBudgetMs: 30 * 60_000,
      settleMs: 3_000,
      watch: { roots: [], marker: undefined, quietMs: 60_000, liveBandwidth: undefined },
      dashboard: {
        listen: { host: '127.0.0.1', port: 8707 },
        url: undefined,
        token: undefined,
        tls: undefined,
        trustedProxies: [],
        problem: undefined,
      },
      alerts: [],
      heartbeatUrls: [],
      webhookConcurrency: 16,
      caFile: undefined,
    });
    expect(warnings).toEqual([]);
  });

  test('a region alone moves the endpoint along', async () => {
    const { config } = await desk.load({ AWS_REGION: 'eu-central-2' });
    expect(config.endpoint).toBe('https://s3.eu-central-2.idrivee2.com');
    expect(config.publicBaseUrl).toBe('https://s3.eu-central-2.idrivee2.com');
  });

  test('the AWS endpoint variables count only where no endpoint is configured', async () => {
    const aws = { AWS_ENDPOINT_URL: 'https://general.example.com', AWS_ENDPOINT_URL_S3: 'https://s3.example.com/' };
    expect((await desk.load(aws)).config.endpoint).toBe('https://s3.example.com');
    await desk.write('.recorduploadrc', 'endpoint: https://mine.example.com');
    expect((await desk.load(aws)).config.endpoint).toBe('https://mine.example.com');
  });
});

describe('watch', () => {
  test('has roots that start at the folder of their source, in a list or with commas', async () => {
    await desk.write('.recorduploadrc', 'watch:\n  roots: [recordings, ~/more, /var/recordings]\n  marker: "*.done"\n');
    const { config } = await desk.load({}, { configFile: '.recorduploadrc' });
    expect(config.watch).toMatchObject({
      roots: [path.join(desk.cwd, 'recordings'), path.join(desk.home, 'more'), '/var/recordings'],
      marker: '*.done',
    });
    const { config: other } = await desk.load({ RECORDUPLOAD_WATCH_ROOTS: '/a, b', RECORDUPLOAD_WATCH_QUIET: '5m' });
    expect(other.watch).toMatchObject({ roots: ['/a', path.join(desk.cwd, 'b')], quietMs: 300_000 });
  });

  test('sends what is still being recorded at a rate of its own, or not at all', async () => {
    const limit = async (liveBandwidth: unknown) => {
      await desk.write('.recorduploadrc', JSON.stringify({ watch: { liveBandwidth } }));
      return (await desk.load()).config.watch.liveBandwidth;
    };
    expect(await limit('5M')).toEqual([{ minuteOfDay: 0, bytesPerSecond: 5 * 1024 ** 2 }]);
    expect([await limit('0'), await limit(0)]).toEqual(['none', 'none']);
  });

  test.each([
    ['quiet', '0'],
    ['quiet', '8d'],
    ['marker', 'sub/done'],
    ['liveBandwidth', 'fast'],
    ['roots', '/var/recordings'],
  ])('refuses %s: %s', async (key, value) => {
    await desk.write('.recorduploadrc', JSON.stringify({ watch: { [key]: value } }));
    await expect(desk.load()).rejects.toThrow(`watch.${key}: expected`);
  });

  test('refuses roots outside of the folder from a file of the folder that is not trusted', async () => {
    await desk.write('.recorduploadrc', 'watch:\n  roots: [inside, ../outside]\n');
    await expect(desk.load()).rejects.toThrow('watch.roots: a file of the working folder may not place it outside');
    await desk.write('.recorduploadrc', 'watch:\n  roots: [inside]\n');
    expect((await desk.load()).config.watch.roots).toEqual([path.join(desk.cwd, 'inside')]);
  });
});

describe('precedence', () => {
  test('flags beat the environment beats .env beats the project beats the user', async () => {
    const source = async (env?: Record<string, string>, flags?: Record<string, unknown>) => {
      const loaded = await desk.load(env, { flags });
      return [loaded.config.bucket, originOf(loaded, 'bucket')?.source, originOf(loaded, 'bucket')?.shadows];
    };
    expect(await source()).toEqual(['fyemeet', 'default', []]);
    const user = await desk.write(path.join(desk.home, '.config/recordupload/config.yaml'), '\nbucket: from-user\n');
    expect(await source()).toEqual(['from-user', `${user}:2`, []]);
    await desk.write('package.json', { name: 'x', recordupload: { bucket: 'from-project' } });
    expect(await source()).toEqual(['from-project', 'package.json:4', [`${user}:2`]]);
    await desk.write('.env', '# ours\nRECORDUPLOAD_BUCKET=from-dotenv\n');
    expect((await source())[1]).toBe('.env:2 (RECORDUPLOAD_BUCKET)');
    expect((await source({ RECORDUPLOAD_BUCKET: 'from-environment' }))[0]).toBe('from-environment');
    expect(await source({ RECORDUPLOAD_BUCKET: 'from-environment' }, { bucket: 'from-flag' })).toEqual([
      'from-flag',
      'command line',
      ['RECORDUPLOAD_BUCKET', '.env:2 (RECORDUPLOAD_BUCKET)', 'package.json:4', `${user}:2`],
    ]);
  });

  test('an empty variable and a key with nothing behind it count as not set', async () => {
    await desk.write('.recorduploadrc', 'bucket:\nuser:\n  # name: ada\nregion: us-east-1\n');
    const { config } = await desk.load({ RECORDUPLOAD_REGION: '', WEBHOOK_URL: '' });
    expect(config).toMatchObject({ bucket: 'fyemeet', region: 'us-east-1', user: {} });
  });

  test('variables carry lists, numbers and switches', async () => {
    const { config } = await desk.load({
      RECORDUPLOAD_EXTRA_FILES: 'notes.{md,pdf}, *.srt',
      RECORDUPLOAD_CONCURRENCY: '8',
      RECORDUPLOAD_ALLOW_INSECURE: 'yes',
      RECORDUPLOAD_WEBHOOK_ENABLED: '0',
      RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1h30m',
    });
    expect(config).toMatchObject({
      extraFiles: ['notes.{md,pdf}', '*.srt'],
      concurrency: 8,
      allowInsecure: true,
      uploadRetryBudgetMs: 90 * 60_000,
    });
    expect(config.webhooks[0]?.enabled).toBe(false);
  });

  test('--config replaces the file in the working folder, and has to exist', async () => {
    await desk.write('.recorduploadrc', 'bucket: here\nregion: us-east-1\n');
    await desk.write('other.conf', 'bucket: there\n');
    expect((await desk.load({}, { configFile: 'other.conf' })).config).toMatchObject({
      bucket: 'there',
      region: 'us-west-1',
    });
    expect(await desk.problems({}, { configFile: 'none.yaml' })).toEqual([
      'none.yaml: does not exist (named by --config)',
    ]);
    expect(await desk.problems({}, { configFile: '.' })).toEqual([expect.stringContaining('it is a folder')]);
  });

  test('paths are relative to the file, or for variables to the working folder; ~ is the home folder', async () => {
    const file = await desk.write('deep/place.yaml', 'stateDir: state\nlogFile: ~/log\n');
    const { config } = await desk.load({}, { configFile: file });
    expect(config.stateDir).toBe(path.join(desk.cwd, 'deep/state'));
    expect(config.logFile).toBe(path.join(desk.home, 'log'));
    expect((await desk.load({ RECORDUPLOAD_STATE_DIR: 'state' })).config.stateDir).toBe(path.join(desk.cwd, 'state'));
  });

  test('lists what was looked for', async () => {
    const file = await desk.write('.recorduploadrc.json', { bucket: 'mine' });
    const { files } = await desk.load();
    expect(files.filter(one => one.state !== 'absent')).toEqual([{ file, level: 'project', state: 'used' }]);
    expect(files.map(one => path.basename(one.file))).toContain('config.yaml');
  });
});

describe('data only', () => {
  test('no JavaScript in the working folder is run, not even by way of cosmiconfig', async () => {
    const program = "require('node:fs').writeFileSync('ran', ''); module.exports = {};";
    const names = [
      '.config/config.cjs',
      '.config/config.js',
      '.recorduploadrc.js',
      'recordupload.config.cjs',
      'import.cjs',
    ];
    for (const name of names) await desk.write(name, program);
    await desk.write('package.json', { cosmiconfig: { searchPlaces: ['import.cjs'] } });
    const loader = new URL('../../src/config/load-config.ts', import.meta.url).href;
    const run = `const {loadConfig} = await import(${JSON.stringify(loader)});
      await loadConfig({cwd: process.cwd(), env: process.env});
      await loadConfig({cwd: process.cwd(), env: process.env, configFile: 'import.cjs'}).catch(e => console.log(e.message));
      await loadConfig({cwd: process.cwd(), env: process.env, configFile: 'imports.yaml'}).catch(e => console.log(e.message));`;
    await desk.write('imports.yaml', '$import: ./import.cjs\n');
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', run], {
      cwd: desk.cwd,
      env: { HOME: desk.home },
    });
    expect(stdout.trim().split('\n')).toEqual([
      'import.cjs: is a program: configuration is data (YAML or JSON) and never executed',
      'imports.yaml: line 1: $import: unknown key',
    ]);
    expect(existsSync(path.join(desk.cwd, 'ran'))).toBe(false);
  });

  // Why config-file.ts imports cosmiconfig's explorer by a private path. If this fails, the exception is no longer needed.
  test("cosmiconfig's public function runs a program in the working folder, whatever its options say", async () => {
    await desk.write('.config/config.cjs', "require('node:fs').writeFileSync('ran', ''); module.exports = {};");
    await desk.write('.recorduploadrc', 'bucket: mine');
    const module = import.meta.resolve('cosmiconfig');
    const run = `const {cosmiconfig} = await import(${JSON.stringify(module)});
      const loaders = {noExt: (file, text) => ({text})};
      const options = {searchPlaces: ['.recorduploadrc'], loaders, searchStrategy: 'none', cache: false};
      console.log((await cosmiconfig('recordupload', options).search()).config.text);`;
    const options = { cwd: desk.cwd, env: { HOME: desk.home } };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', run], options);
    expect(stdout.trim()).toBe('bucket: mine');
    expect(existsSync(path.join(desk.cwd, 'ran'))).toBe(true);
  });

  test('the version whose private module is imported is pinned', () => {
    const manifest = readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8');
    expect(JSON.parse(manifest).devDependencies.cosmiconfig).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe('problems', () => {
  test('are all reported, one line each, without the secret', async () => {
    const configFile = await desk.write('wrong.yaml', readFileSync(fixture('several-things-wrong.yaml'), 'utf8'));
    expect(await desk.problems({ RECORDUPLOAD_CONCURRENCY: 'x' }, { configFile })).toEqual([
      'wrong.yaml: line 2: endpoint: "s3.example.com" has no scheme (use https://s3.example.com)',
      'wrong.yaml: line 8: user.email: expected an e-mail address, got "ada"',
      'wrong.yaml: line 5: webhook.url: expected a URL, got "ops"',
      'wrong.yaml: line 6: webhook.token: expected text, got a number (put it in quotes)',
      'wrong.yaml: line 12: extraFiles: expected a list, got text',
      'wrong.yaml: line 9: concurrency: expected a whole number, got "many"',
      'wrong.yaml: line 10: bwlimit: expected a rate such as 10M, 512k, off or "08:00,512k 19:00,off", got "fast"',
      'wrong.yaml: line 11: uploadRetryBudget: expected a duration such as 90s, 30m or 2h, 30d at most, got 30',
      'wrong.yaml: line 3: buckett: unknown key (did you mean bucket?)',
      'RECORDUPLOAD_CONCURRENCY: expected a number, got "x"',
    ]);
  });

  test.each([
    ['email: ada@example.com', 'line 1: email: unknown key (did you mean user.email?)'],
    ['s3:\n  bucket: x', 'line 1: s3: unknown key'],
    ['webhook_url: https://x.example.com', 'line 1: webhook_url: unknown key (did you mean webhook.url?)'],
    ['webhook:\n  tokn: abcd', 'line 2: webhook.tokn: unknown key (did you mean webhook.token?)'],
    ['webhook: not-a-real-token', 'line 1: webhook: expected a mapping of keys, got text'],
    ['webhooks:\n  - name: a\n', 'line 2: webhooks[0].url: is missing'],
    [
      'webhooks:\n  - name: A b\n    url: https://x.example.com',
      'line 2: webhooks[0].name: expected a name of up to 32 of a-z, 0-9, _ and -, got "A b"',
    ],
    ['concurrency: 0', 'line 1: concurrency: expected a whole number from 1 to 256, got 0'],
    [
      'uploadRetryBudget: soon',
      'line 1: uploadRetryBudget: expected a duration such as 90s, 30m or 2h, 30d at most, got "soon"',
    ],
    [
      'endpoint: https://u:not-a-real-password@s3.example.com',
      'line 1: endpoint: expected a URL without user name and password, got "https://***@s3.example.com"',
    ],
    ['endpoint: localhost:9000', 'line 1: endpoint: "localhost:9000" has no scheme (use https://localhost:9000)'],
    [
      'endpoint: https://s3.example.com/?x=1',
      'line 1: endpoint: expected a URL without "?…", got "https://s3.example.com/?…"',
    ],
    ['endpoint: ftp://s3.example.com', 'line 1: endpoint: expected an https:// URL, got "ftp://s3.example.com"'],
    ['- bucket: x', 'expected a mapping of keys, got a list'],
    ['__proto__:\n  bucket: x', 'line 1: __proto__: unknown key'],
    ['bucket: a\nbucket: b', 'line 2: not valid YAML: duplicated mapping key (column 1)'],
    ['bucket: *not-a-real-token', 'line 1: not valid YAML: unidentified alias … (column 10)'],
    ['bucket: a\n---\nbucket: b', 'holds more than one YAML document'],
    ['caFile: none.pem', /caFile: .*none\.pem does not exist or is not a file/],
  ])('%j is answered by %s', async (text, line) => {
    await desk.write('.recorduploadrc', text);
    const expected = typeof line === 'string' ? `.recorduploadrc: ${line}` : expect.stringMatching(line);
    expect(await desk.problems()).toEqual([expected]);
  });

  test('a syntax error names file and line and repeats nothing', async () => {
    const [json] = await desk.problems({}, { configFile: fixture('unclosed.json') });
    expect(json).toMatch(/unclosed\.json: line 3: not valid JSON \(column 25\)$/);
    const [yaml] = await desk.problems({}, { configFile: fixture('bad-indentation.yaml') });
    expect(yaml).toMatch(/bad-indentation\.yaml: line 2: not valid YAML: bad indentation/);
  });

  test('variables are called by their names', async () => {
    await desk.write('.env', 'WEBHOOK_URL=ops\n');
    expect(await desk.problems({ RECORDUPLOAD_USER_EMAIL: 'ada' })).toEqual([
      'RECORDUPLOAD_USER_EMAIL: expected an e-mail address, got "ada"',
      '.env: WEBHOOK_URL: expected a URL, got "ops"',
    ]);
  });

  test('misspelt variables are warned of', async () => {
    const { warnings } = await desk.load({ RECORDUPLOAD_STATEDIR: '/x' });
    expect(warnings).toEqual(['RECORDUPLOAD_STATEDIR: sets nothing (did you mean RECORDUPLOAD_STATE_DIR?)']);
  });

  test.each(['http://s3.example.com', 'http://127.0.0.1.example.com', 'http://[::2]:80', 'http://10.0.0.1'])(
    '%s needs allowInsecure',
    async url => {
      expect(await desk.problems({ RECORDUPLOAD_ENDPOINT: url, WEBHOOK_URL: url })).toEqual([
        expect.stringMatching(/^RECORDUPLOAD_ENDPOINT: http:\/\/ would send/),
        expect.stringMatching(/^WEBHOOK_URL: http:\/\/ would send the token/),
      ]);
      const { config } = await desk.load({ RECORDUPLOAD_ENDPOINT: url, RECORDUPLOAD_ALLOW_INSECURE: 'true' });
      expect(config.endpoint).toBe(url);
    },
  );

  test.each(['http://localhost:9000', 'http://127.1.2.3', 'http://[::1]:8080'])('%s is fine', async url => {
    expect((await desk.load({ RECORDUPLOAD_ENDPOINT: url, WEBHOOK_URL: url })).config.endpoint).toBe(url);
  });
});

describe('bwlimit', () => {
  test('is what the grammar of rates makes of it, shown as it was written', async () => {
    const loaded = await desk.load({ RECORDUPLOAD_BWLIMIT: '19:00,off 8:00,512k' });
    expect(loaded.config.bwlimit).toEqual([
      { minuteOfDay: 480, bytesPerSecond: 512 * 1024 },
      { minuteOfDay: 1140, bytesPerSecond: undefined },
    ]);
    expect(originOf(loaded, 'bwlimit')).toMatchObject({ value: '19:00,off 8:00,512k', source: 'RECORDUPLOAD_BWLIMIT' });
  });

  test.each(['0.5B', '10M 20M', '10M,5M', '-1M', '0', '99999999999T', ' '])(
    'of %j is refused alike in a file, a variable and a flag',
    async text => {
      const expected = `expected a rate such as 10M, 512k, off or "08:00,512k 19:00,off", got ${JSON.stringify(text)}`;
      expect(await desk.problems({ RECORDUPLOAD_BWLIMIT: text })).toEqual([`RECORDUPLOAD_BWLIMIT: ${expected}`]);
      expect(await desk.problems({}, { flags: { bwlimit: text } })).toEqual([`--bwlimit: ${expected}`]);
      await desk.write('.recorduploadrc', { bwlimit: text });
      expect(await desk.problems()).toEqual([`.recorduploadrc: line 2: bwlimit: ${expected}`]);
    },
  );
});

test('uploadRetryBudget is a duration of up to 30 days, shown as it was written', async () => {
  const loaded = await desk.load({ RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1 h 30 min' });
  expect(loaded.config.uploadRetryBudgetMs).toBe(90 * 60_000);
  expect(originOf(loaded, 'uploadRetryBudget')?.value).toBe('1 h 30 min');
  expect(originOf(await desk.load(), 'uploadRetryBudget')).toMatchObject({ value: '30m', source: 'default' });
  const longest = await desk.load({ RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '30d' });
  expect(longest.config.uploadRetryBudgetMs).toBe(30 * 86_400_000);
  expect(await desk.problems({ RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '31d' })).toEqual([
    'RECORDUPLOAD_UPLOAD_RETRY_BUDGET: expected a duration such as 90s, 30m or 2h, 30d at most, got "31d"',
  ]);
});
