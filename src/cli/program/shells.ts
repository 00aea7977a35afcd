/** The shells with a completion script. */
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

export type Shell = (typeof SHELLS)[number];

export function isShell(text: string): text is Shell {
  return (SHELLS as readonly string[]).includes(text);
}
