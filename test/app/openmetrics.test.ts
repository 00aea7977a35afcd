import { expect, test } from '@jest/globals';
import { openMetrics } from '../../src/app/metrics/openmetrics.ts';

test('a family becomes its type, unit and help, and a line for each sample', () => {
  const text = openMetrics([
    {
      name: 'a_bytes',
      type: 'summary',
      unit: 'bytes',
      help: 'Files.',
      samples: [
        { suffix: '_count', labels: { to: 'x', by: 'y' }, value: 2 },
        { suffix: '_sum', labels: { to: 'x', by: 'y' }, value: 1e21 },
      ],
    },
    { name: 'b', type: 'gauge', help: 'Nothing yet.', samples: [] },
    { name: 'c', type: 'gauge', help: 'One.', samples: [{ value: 0.5 }] },
  ]);
  expect(text).toBe(
    [
      '# TYPE a_bytes summary',
      '# UNIT a_bytes bytes',
      '# HELP a_bytes Files.',
      'a_bytes_count{to="x",by="y"} 2',
      'a_bytes_sum{to="x",by="y"} 1e+21',
      '# TYPE b gauge',
      '# HELP b Nothing yet.',
      '# TYPE c gauge',
      '# HELP c One.',
      'c 0.5',
      '# EOF',
      '',
    ].join('\n'),
  );
});

test('what could end a label or its line is escaped', () => {
  const samples = [{ labels: { endpoint: 'a"} 1\nb{x="\\' }, value: 1 }];
  const line = openMetrics([{ name: 'a', type: 'gauge', help: 'A.', samples }]).split('\n')[2];
  expect(line).toBe('a{endpoint="a\\"} 1\\nb{x=\\"\\\\"} 1');
});
