/**
 * Who has written a source of configuration. `operator`: the person who runs the program. `folder`: whoever made the
 * working folder, which may be a clone or an unpacked archive. `trusted`: a folder's file that the operator has named by
 * `config trust`.
 */
export type Trust = 'operator' | 'folder' | 'trusted';

/** The sources of each level, and which of their values count. docs/security.md shows this table. */
export const TRUST_LEVELS: Readonly<Record<Trust, { sources: string; counts: string }>> = {
  operator: {
    sources: "the command line, the environment, the file that `--config` names, the user's own file, `~/.aws`",
    counts: 'everything',
  },
  folder: {
    sources: "the working folder's `.recorduploadrc`, its `package.json`, its `.env`",
    counts:
      'everything but what steers: that counts only if the secrets that it steers come from the same file or from the environment',
  },
  trusted: {
    sources: 'such a file, after `recordupload config trust`, until its content changes',
    counts: 'everything',
  },
};

/**
 * What a key decides about. `endpoint`: where the token and the signing secret of its endpoint go. `keys`: where the access
 * keys go, or who may read what they upload. `all`: which files are written or trusted, or how, while any secret is in
 * use. `file`: which file is read as a secret, or which profile; `alerts`: which command runs, and who gets a message
 * about what is wrong; `files`: which files are removed; `state`: which database keeps the state, and as which machine.
 * From a folder that is not trusted these four never count.
 */
export type Steers = 'endpoint' | 'keys' | 'all' | 'file' | 'alerts' | 'files' | 'state';
