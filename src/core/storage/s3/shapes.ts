import type { ObjectHead, ObjectSettings } from '../bucket.ts';
import { bareEtag } from '../checksum.ts';

/** What the SDK says of an object. */
interface SdkHead {
  ContentLength?: number | undefined;
  ETag?: string | undefined;
  ContentType?: string | undefined;
  Metadata?: Record<string, string> | undefined;
  LastModified?: Date | undefined;
}

/** The SDK's word for an object, as the port has it. */
export function toHead({ ContentLength = 0, ETag, ContentType, Metadata = {}, LastModified }: SdkHead): ObjectHead {
  return {
    sizeBytes: ContentLength,
    etag: bareEtag(ETag),
    contentType: ContentType,
    metadata: Metadata,
    lastModified: LastModified,
  };
}

/** An object's settings, as the SDK's commands take them. */
export function paramsOf({ contentType, metadata, onlyIfAbsent }: ObjectSettings) {
  return { ContentType: contentType, Metadata: metadata, ...(onlyIfAbsent && { IfNoneMatch: '*' }) };
}
