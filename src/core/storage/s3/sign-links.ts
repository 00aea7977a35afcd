import { readCaFile } from '../../ca-file.ts';
import { openConnections } from '../../http/connections.ts';
import type { LinkSettings, LinkSigner } from '../links.ts';
import { openClient } from './open-client.ts';
import { GetObjectCommand, getSignedUrl } from './sdk.ts';
import type { BucketSettings } from './settings.ts';

/**
 * Makes presigned links to objects of a bucket; nothing is sent for that, except to get the keys of an AWS profile.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ShareObjectPreSignedURL.html
 */
export function createLinkSigner(settings: BucketSettings): LinkSigner {
  const { bucket: Bucket, env } = settings;
  const connections = openConnections({ ca: readCaFile(settings.caFile), proxyEnv: env });
  const { client } = openClient(settings, connections, () => {});
  return {
    sign: (Key, { expiresInSeconds, downloadAs }: LinkSettings) =>
      getSignedUrl(
        client,
        new GetObjectCommand({
          Bucket,
          Key,
          ...(downloadAs !== undefined && { ResponseContentDisposition: attachment(downloadAs) }),
        }),
        { expiresIn: expiresInSeconds },
      ),
    close: () => connections.close(),
  };
}

/** A `Content-Disposition` for a file's name in any script (RFC 6266). */
function attachment(name: string): string {
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename*=UTF-8''${encoded}`;
}
