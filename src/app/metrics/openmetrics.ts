/** One measured quantity with all its samples. */
export interface MetricFamily {
  /** Ends with the unit, if there is one. */
  name: string;
  type: 'gauge' | 'summary' | 'histogram';
  unit?: 'seconds' | 'bytes' | undefined;
  help: string;
  samples: Sample[];
}

export interface Sample {
  /** Of a summary or histogram; undefined: the value itself. */
  suffix?: '_count' | '_sum' | '_bucket' | undefined;
  labels?: Record<string, string> | undefined;
  value: number;
}

/** What the text is, for HTTP: it can be read as either. */
export const CONTENT_TYPES = {
  openMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
} as const;

/**
 * The families as text, in the part that OpenMetrics 1.0 and Prometheus's older text format have in common: what scrapes
 * asks for the one, node_exporter's textfile collector and `promtool` read the other. The two write counters in ways that
 * exclude each other, so there are none: a summary's `_count` and `_sum` say the same.
 * Source: https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
export function openMetrics(families: readonly MetricFamily[]): string {
  const lines = families.flatMap(({ name, type, unit, help, samples }) => [
    `# TYPE ${name} ${type}`,
    ...(unit ? [`# UNIT ${name} ${unit}`] : []),
    `# HELP ${name} ${help}`,
    ...samples.map(({ suffix = '', labels = {}, value }) => `${name}${suffix}${labelText(labels)} ${value}`),
  ]);
  return `${[...lines, '# EOF'].join('\n')}\n`;
}

function labelText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
