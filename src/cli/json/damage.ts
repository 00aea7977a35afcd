import type { StateDamage } from '../../core/status/overview.ts';

/** A damaged state file, and what of it is missing in the document. Only there if the file is damaged. */
export interface DamageJson {
  damage?: {
    file: string;
    /** By the name of the table; `all`: not a row of it could be read. */
    unreadable: { table: string; all: boolean }[];
  };
}

export function damageJson(damage: StateDamage | undefined): DamageJson {
  if (!damage) return {};
  const { file, unreadable } = damage;
  return { damage: { file, unreadable: unreadable.map(({ table, all }) => ({ table, all })) } };
}
