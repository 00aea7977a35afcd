import type { UploadSession } from './session.ts';

/** Name of the metadata that carries an upload's own token. */
export const TOKEN_METADATA = 'recordupload-token';
/** Name of the metadata that says which machine uploaded the object. */
export const MACHINE_METADATA = 'recordupload-machine';

/** What each object carries: its upload's token, and who uploaded it. */
export function objectMetadata({ machine }: Pick<UploadSession, 'machine'>, token: string): Record<string, string> {
  return { [TOKEN_METADATA]: token, ...(machine && { [MACHINE_METADATA]: machine }) };
}
