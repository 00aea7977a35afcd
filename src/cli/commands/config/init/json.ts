/** The result of `config init --json`; with `--test`, the document is that of `webhook test`. */
export interface WrittenJson {
  /** Absolute paths, the configuration's first. */
  files: string[];
  /** The `.gitignore` that names the secrets' files; null: the folder is in no git repository, or there are no secrets. */
  gitignore: string | null;
  /** What is wrong with the new configuration together with other sources. */
  problems: string[];
}
