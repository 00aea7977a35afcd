import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { metricFamilies } from '../../src/app/metrics/families.ts';

/* The alert rules and the Grafana dashboard in `packaging/`. */

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const RULES = 'packaging/prometheus/recordupload.rules.yml';
const RULES_TEST = 'packaging/prometheus/recordupload.rules.test.yml';

const families = metricFamilies({ version: '1', state: undefined, endpoints: [], disks: [] });
/** Each name that a sample can have. */
const names = new Set(
  families.flatMap(({ name, type }) => {
    if (type === 'gauge') return [name];
    return ['_count', '_sum', ...(type === 'histogram' ? ['_bucket'] : [])].map(suffix => `${name}${suffix}`);
  }),
);

test.each([RULES, 'packaging/grafana/recordupload.json'])('%s asks only for numbers that there are', file => {
  const asked = readFileSync(file, 'utf8').match(/recordupload_\w+/g) ?? [];
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.filter(name => !names.has(name))).toEqual([]);
});

(hasPromtool ? describe : describe.skip)('promtool', () => {
  test.each([
    ['check', 'rules', RULES],
    ['test', 'rules', RULES_TEST],
  ])('%s %s', (...args) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([0, expect.stringContaining('SUCCESS'), '']);
  });
});
