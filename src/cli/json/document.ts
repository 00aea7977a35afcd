import { printableJson } from '../../core/text.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { ErrorJson } from './error.ts';

/** The one JSON document that a command prints with `--json`. */
export interface JsonDocument<Result> {
  /** Changes when something in any document is renamed or removed. */
  version: 1;
  command: string;
  ok: boolean;
  exitCode: ExitCode;
  result?: Result;
  error?: ErrorJson;
}

export function jsonDocument<Result>(
  command: string,
  exitCode: ExitCode,
  content: { result?: Result; error?: ErrorJson },
): string {
  const document: JsonDocument<Result> = { version: 1, command, ok: exitCode === EXIT.done, exitCode, ...content };
  return printableJson(document, 2);
}

/** A moment as all documents have it: ISO 8601, UTC. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The same where there may be none. */
export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
