import { stripTypeScriptTypes } from 'node:module';

/** Jest transformer: the sources are erasable TypeScript, so Node's own stripper is all they need; line numbers stay. */
export default { process: source => ({ code: stripTypeScriptTypes(source) }) };
