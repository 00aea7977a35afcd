import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize, posix, resolve } from 'node:path';

export const SRC = resolve(import.meta.dirname, '../../src');

/** One import of a module of ours, by another. Paths are relative to `src`. */
export interface Import {
  from: string;
  /** A path below `src`, or a package's name as it is written. */
  to: string;
  /** `type`: gone when the program runs. `lazy`: loaded when it is asked for. */
  kind: 'value' | 'type' | 'lazy';
}

/** Every module of the sources. */
export function modules(): string[] {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' });
  return files.filter(file => file.endsWith('.ts')).map(file => file.replaceAll('\\', '/'));
}

/** Imports and re-exports as they stand in the text; the sources write all of them in these forms. */
const STATIC = /^(?:import|export)\s+(type\s+)?(?:([\w*{][^'";]*?)\s+from\s+)?'([^']+)'/gm;
const LAZY = /\bimport\(\s*'([^']+)'\s*\)/g;

export function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const target = (specifier: string) =>
    specifier.startsWith('.') ? posix.normalize(normalize(join(posix.dirname(file), specifier))) : specifier;
  const statics = [...text.matchAll(STATIC)].map(([, type, names = '', specifier = '']): Import => {
    const isType = Boolean(type) || onlyTypes(names);
    return { from: file, to: target(specifier), kind: isType ? 'type' : 'value' };
  });
  const lazies = [...text.matchAll(LAZY)].map(
    ([, specifier = '']): Import => ({ from: file, to: target(specifier), kind: 'lazy' }),
  );
  return [...statics, ...lazies];
}

/** `{ type A, type B }` */
function onlyTypes(names: string): boolean {
  if (!names.startsWith('{')) return false;
  const single = names
    .slice(1, -1)
    .split(',')
    .map(name => name.trim());
  return single.filter(name => name !== '').every(name => name.startsWith('type '));
}

/** A path of imports that leads back to where it begins; undefined where there is none. */
export function findCycle(imports: readonly Pick<Import, 'from' | 'to'>[]): string[] | undefined {
  const next = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const { to } of next.get(file) ?? []) {
      const cycle = visit(to, [...path, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of next.keys()) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Packages that are loaded as soon as `file` is, by it or by what it imports. */
export function packagesLoadedBy(file: string): string[] {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (module: string) => {
    if (seen.has(module)) return;
    seen.add(module);
    for (const { to, kind } of importsOf(module)) {
      if (kind !== 'value') continue;
      if (to.endsWith('.ts')) visit(to);
      else if (!to.startsWith('node:') && !to.endsWith('.json')) packages.add(to);
    }
  };
  visit(file);
  return [...packages].sort();
}
