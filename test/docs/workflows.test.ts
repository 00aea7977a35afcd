import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { codeBlocks, page, read, repositoryFiles, root } from './support.ts';

/*
 * What a machine without GitHub can say about the workflows: that they are well formed, ask for little, and name only what
 * exists. `actionlint` says more; CONTRIBUTING.md has its command.
 */

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}
interface Job {
  'runs-on': string;
  'timeout-minutes'?: number;
  needs?: string | string[];
  permissions?: Record<string, string>;
  strategy?: { matrix: Record<string, unknown> };
  steps: Step[];
}
interface Workflow {
  name: string;
  on: unknown;
  permissions?: Record<string, string>;
  jobs: Record<string, Job>;
}

const FILES = repositoryFiles().filter(file => /^\.github\/workflows\/.+\.ya?ml$/.test(file));
const workflow = (file: string) => load(read(file)) as Workflow;
const jobsOf = (file: string) => Object.entries(workflow(file).jobs);
const stepsOf = (file: string) => jobsOf(file).flatMap(([, { steps }]) => steps);
const { scripts, version } = JSON.parse(read('package.json')) as { scripts: Record<string, string>; version: string };

test('there are workflows for each change and for a release', () => {
  expect(FILES.map(file => workflow(file).name).sort()).toEqual(['ci', 'release']);
});

describe.each(FILES)('%s', file => {
  test('every job runs somewhere, ends, and needs only jobs that exist', () => {
    const jobs = workflow(file).jobs;
    for (const [name, job] of Object.entries(jobs)) {
      expect({ name, ...job }).toMatchObject({
        'runs-on': expect.any(String),
        'timeout-minutes': expect.any(Number),
        steps: expect.any(Array),
      });
      for (const step of job.steps)
        expect({ name, step, kinds: 'run' in step !== 'uses' in step }).toMatchObject({ kinds: true });
      const missing = [job.needs ?? []].flat().filter(other => !(other in jobs));
      expect({ name, missing }).toEqual({ name, missing: [] });
    }
  });

  test('nothing may be written but what its job names, and the token is in no working copy', () => {
    expect(workflow(file).permissions).toEqual({});
    for (const [name, { permissions, steps }] of jobsOf(file)) {
      const writes = Object.entries(permissions ?? {}).flatMap(([what, right]) => (right === 'write' ? [what] : []));
      const allowed =
        file.endsWith('release.yml') && name === 'publish' ? ['contents', 'id-token', 'attestations'] : [];
      expect({ name, writes }).toEqual({ name, writes: allowed });
      for (const { uses, with: options } of steps.filter(step => step.uses?.startsWith('actions/checkout@'))) {
        expect({ name, uses, kept: options?.['persist-credentials'] }).toMatchObject({ kept: false });
      }
    }
  });

  test('every action is pinned to a commit, with the version that it is', () => {
    const lines = read(file)
      .split('\n')
      .filter(line => /\buses:/.test(line));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter(line => !/uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  test('every script and file that it runs exists', () => {
    const runs = stepsOf(file)
      .flatMap(({ run }) => (run === undefined ? [] : [run]))
      .join('\n');
    const named = [...runs.matchAll(/npm (?:run ([\w:-]+)|(test)\b)/g)].map(match => match[1] ?? match[2] ?? '');
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(name => scripts[name] === undefined)).toEqual([]);
    const paths = [...runs.matchAll(/(?<![\w./-])(?:node_modules|fixtures|scripts|test|packaging)\/[\w./-]+/g)];
    expect(paths.map(([path]) => path).filter(path => !existsSync(join(root, path)))).toEqual([]);
  });

  test('no text from outside is put into a command: it comes in by the environment', () => {
    expect(stepsOf(file).filter(({ run }) => run?.includes('${{'))).toEqual([]);
  });
});

test('the suite runs on three systems, under each Node that has long-term support', () => {
  const { matrix } = workflow('.github/workflows/ci.yml').jobs.check?.strategy ?? { matrix: {} };
  expect(matrix).toEqual({ system: ['ubuntu-latest', 'macos-latest', 'windows-latest'], node: [24, 26] });
});

test('the release tries the executable of every system', () => {
  const { matrix } = workflow('.github/workflows/release.yml').jobs.try?.strategy ?? { matrix: {} };
  const files = (matrix.include as { file: string }[]).map(({ file }) => file.replace(/\*$/, ''));
  const built = ['linux-x64', 'linux-arm64', 'macos-arm64', 'macos-x64', 'windows-x64'];
  expect(files).toEqual(built.map(name => `recordupload-*-${name}`));
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});

test("the recipes' workflow is one, too", () => {
  const [yaml = ''] = codeBlocks(page('docs/recipes.md'), 'yaml').filter(block => block.includes('runs-on'));
  expect(load(yaml)).toMatchObject({ jobs: { 'smoke-check': { steps: expect.any(Array) } } });
});
