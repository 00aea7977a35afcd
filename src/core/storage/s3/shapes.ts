import type { ObjectHead, ObjectSettings } from '../bucket.ts';
import { bareEtag } from '../checksum.ts';
import type { ObjectCannedACL, StorageClass } from './sdk.ts';
import type { BucketSettings } from './settings.ts';

/** What the SDK says of an object. */
interface SdkHead {
  ContentLength?: number | undefined;
  ETag?: string | undefined;
  ContentType?: string | undefined;
  Metadata?: Record<string, string> | undefined;
  LastModified?: Date | undefined;
  StorageClass?: string | undefined;
}

/** The SDK's word for an object, as the port has it. */
export function toHead({
  ContentLength,
  ETag,
  ContentType,
  Metadata = {},
  LastModified,
  StorageClass,
}: SdkHead): ObjectHead {
  return {
    sizeBytes: ContentLength,
    etag: bareEtag(ETag),
    contentType: ContentType,
    metadata: Metadata,
    lastModified: LastModified,
    storageClass: StorageClass,
  };
}

/** An object's settings, as the SDK's commands take them, and those that all objects of the bucket have. */
export function paramsOf(
  { contentType, metadata }: ObjectSettings,
  { acl, storageClass, cacheControl }: Pick<BucketSettings, 'acl' | 'storageClass' | 'cacheControl'>,
) {
  return {
    // Stores know more of these than the SDK's types.
    ...(acl !== undefined && { ACL: acl as ObjectCannedACL }),
    ...(storageClass !== undefined && { StorageClass: storageClass as StorageClass }),
    ...(cacheControl !== undefined && { CacheControl: cacheControl }),
    ContentType: contentType,
    Metadata: metadata,
  };
}
