import { ROOMS } from '../test/support/layers.ts';

/** Every room of the core but the S3 client; `imports` abbreviates them so. */
const CORE = 'core/*';
const isInCore = (name: string) => /^core\/[^*/]+$/.test(name);
const idOf = (name: string) => name.replaceAll(/\W/g, '_');

/**
 * The rooms and what each may import, as a diagram in Mermaid's language, which GitHub draws. It follows the rules that
 * `test/architecture.test.ts` checks. https://mermaid.js.org/syntax/flowchart.html
 */
export function layersDiagram(): string {
  const node = (name: string) => `${idOf(name)}["${name}"]`;
  const outside = ROOMS.filter(({ name }) => name !== 'core' && !isInCore(name));
  const inside = ROOMS.filter(({ name }) => isInCore(name));
  const arrows = ROOMS.flatMap(({ name, imports }) => {
    // Every room of the core may use what is directly in `core`: those arrows would hide the others. Single files have no
    // room.
    const rooms = imports.filter(target => !(target === 'core' && name.startsWith('core')) && !target.endsWith('.ts'));
    const targets = rooms.map(target => (target === CORE ? 'core' : target === 'core' ? 'shared' : idOf(target)));
    return targets.length > 0 ? [`${idOf(name)} --> ${targets.join(' & ')}`] : [];
  });
  return [
    '```mermaid',
    'flowchart TD',
    ...outside.map(({ name }) => `  ${node(name)}`),
    '  subgraph core',
    ...inside.map(({ name }) => `    ${node(name)}`),
    '    shared["core/*.ts"]',
    '  end',
    ...arrows.map(arrow => `  ${arrow}`),
    '```',
  ].join('\n');
}
