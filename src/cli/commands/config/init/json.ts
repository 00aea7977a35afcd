/** The result of `config init --json`; with `--test`, the document is that of `webhook test`. */
export interface WrittenJson {
  /** Absolute paths, the configuration's first. */
  files: string[];
  /** What is wrong with the new configuration together with other sources. */
  problems: string[];
}
