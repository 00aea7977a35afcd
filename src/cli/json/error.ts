import type { AppError } from '../../core/errors.ts';

/** An error as scripts see it. */
export interface ErrorJson {
  code: string;
  message: string;
  /** What to do next. */
  hint?: string;
}

export function errorJson({ code, message, hint }: AppError): ErrorJson {
  return { code, message, ...(hint && { hint }) };
}
