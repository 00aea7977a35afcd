declare module 'postject' {
  /**
   * Puts a blob into an executable (ELF, Mach-O, PE) as Node looks for it.
   * @param file is changed
   * @param resource the blob's name in there
   */
  export function inject(
    file: string,
    resource: string,
    blob: Buffer,
    options: { sentinelFuse: string; machoSegmentName: string },
  ): Promise<void>;
}
