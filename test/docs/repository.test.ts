import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CURRENT_PAGES, read, repositoryFiles, root } from './support.ts';

const { version, license } = JSON.parse(read('package.json')) as { version: string; license: string };

interface LockedPackage {
  optionalDependencies?: Record<string, string>;
}
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, LockedPackage> };

test("the change log has an entry for package.json's version", () => {
  expect(read('CHANGELOG.md')).toContain(`\n## [${version}]`);
});

test("the files of a release that pages name have package.json's version", () => {
  const named = CURRENT_PAGES.flatMap(({ path, text }) =>
    [...text.matchAll(/\brecordupload[_-](\d+\.\d+\.\d+)/g)].map(([, found]) => ({ path, version: found })),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter(one => one.version !== version)).toEqual([]);
});

test('the licence is there', () => {
  expect(license).toBe('MIT');
  expect(read('LICENSE')).toMatch(/^MIT License\n\nCopyright \(c\) \d{4} FyeLabs\n/);
});

test('the lock file works with any registry', () => {
  expect(read('package-lock.json')).not.toContain('"resolved"');
});

test('the lock file knows the packages of every platform; npm ci refuses it otherwise', () => {
  const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies));
  const known = Object.keys(packages).map(path => path.split('node_modules/').at(-1));
  expect(wanted.length).toBeGreaterThan(20);
  expect(wanted.filter(name => !known.includes(name))).toEqual([]);
});

/** What looks like a secret, and which of its finds are known to be none. */
const SECRETS: readonly { what: string; pattern: RegExp; isFake(found: string, file: string): boolean }[] = [
  {
    what: 'signing secret',
    pattern: /whsec_[A-Za-z0-9+/]{16,}=*/g,
    // Random bytes are no readable text.
    isFake: found => /^[\x20-\x7e]+$/.test(Buffer.from(found.slice('whsec_'.length), 'base64').toString('latin1')),
  },
  {
    what: 'long hex token',
    pattern: /(?<![\w/+])[0-9a-f]{40,}(?![\w/+])/gi,
    // The signature examples that AWS publishes; numbers of one digit, repeated; the commits that workflows name.
    isFake: (found, file) =>
      file === 'test/sandbox/sigv4.test.ts' || file.startsWith('.github/workflows/') || /^(.)\1+$/.test(found),
  },
  {
    what: 'access key of AWS',
    pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
    isFake: found => found.endsWith('EXAMPLE'),
  },
  { what: 'token of GitHub', pattern: /\b(?:gh[pousr]_|github_pat_)\w{20,}/g, isFake: () => false },
  { what: 'private key', pattern: /-----BEGIN (?:\w+ )?PRIVATE KEY-----\n[A-Za-z0-9+/]{32,}/g, isFake: () => false },
  {
    what: 'value of a token, secret or password',
    pattern: /(?:token|secret|password|access_?key)\w*["']?\s*[:=]\s*["']?(?!whsec_)[A-Za-z0-9_+/-]{24,}(?![\w./(-])/gi,
    // Names and made-up values are words; random text mixes digits into them.
    isFake: found => /fake|not-a-real|example/i.test(found) || (found.match(/\d/g)?.length ?? 0) < 4,
  },
];

describe('no file of the repository', () => {
  const files = repositoryFiles()
    .filter(
      file =>
        !/\.(?:mkv|mp4|webm|jpg|png)$/.test(file) && statSync(join(root, file), { throwIfNoEntry: false })?.isFile(),
    )
    .map(file => ({ file, text: read(file) }));

  for (const { what, pattern, isFake } of SECRETS) {
    test(`contains a ${what}`, () => {
      const found = files.flatMap(({ file, text }) =>
        [...text.matchAll(pattern)]
          .filter(([match]) => !isFake(match, file))
          .map(match => `${file}: offset ${match.index}`),
      );
      expect(found).toEqual([]);
    });
  }

  test('names a package registry', () => {
    const pattern = /registry\.\w+\.\w|\/\/[\w.-]*(?:artifactory|verdaccio|nexus|npm\.pkg)|^\s*registry\s*=/im;
    expect(files.filter(({ text }) => pattern.test(text)).map(({ file }) => file)).toEqual([]);
  });

  test('is missed by this search', () => {
    const random = createHash('sha256').update('a sample').digest('hex');
    const samples = [
      `whsec_${Buffer.from(random, 'hex').toString('base64')}`,
      random,
      `AKIA${'Q7'.repeat(8)}`,
      `ghp_${'a1B2'.repeat(9)}`,
      `-----BEGIN ${''}PRIVATE KEY-----\n${'MIIE'.repeat(8)}`,
      `WEBHOOK_TOKEN=${'x7Kp2'.repeat(6)}`,
    ];
    const missed = samples.filter((sample, index) => {
      const search = SECRETS[index];
      return search?.isFake(sample, 'sample') !== false || !sample.match(search.pattern);
    });
    expect(missed).toEqual([]);
  });
});
