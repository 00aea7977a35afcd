/** The result of `config validate --json`. */
export interface ValidationJson {
  valid: boolean;
  problems: string[];
  warnings: string[];
  /** What uploads or webhooks need and is not configured. */
  missing: string[];
}
