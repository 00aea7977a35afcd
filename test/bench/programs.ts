/*
 * The programs that run beside each other, by the names that the tables show.
 */

export const PEERS = ['aws', 'rclone', 'mc', 's5cmd', 's3cmd', 'curl'] as const;
export type Peer = (typeof PEERS)[number];
/** The peers that a user would take in our place: curl neither signs by default, nor resumes, nor takes a folder. */
export const RIVALS: readonly Peer[] = ['aws', 'rclone', 'mc', 's5cmd', 's3cmd'];
/** The quickest of them (or the one that needs least of what is measured), as it comes or tuned, whichever is better. */
export const BEST = 'the best peer';
export const BEST_DEFAULTS = 'the best peer at its defaults';
export const BEST_TUNED = 'the best tuned peer';
/** The name of a peer that is tuned. */
export const tunedName = (peer: Peer) => `${peer}, tuned`;
/** Several curls at once: what the server can take. */
export const CURLS = 'curl, 4 in parallel';
/** The names of the programs in a race that are not peers. */
export const OURS = 'recordupload';
/** The build that `--old` names. */
export const OLD = 'old build';
export const BARE_NODE = 'node';
/** `recordupload status`, the shortest look into the state. */
export const STATUS = 'status';
