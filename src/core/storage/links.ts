export interface LinkSettings {
  /** How long the link works, at most 7 days. */
  expiresInSeconds: number;
  /** The name under which a browser saves the object, instead of showing it. */
  downloadAs?: string | undefined;
}

/** Makes links with which whoever has one reads one object for a while, although it is private. */
export interface LinkSigner {
  /** @throws StorageFailure if the keys cannot be got */
  sign(key: string, settings: LinkSettings): Promise<string>;
  close(): void;
}
