/**
 * In what S3 servers differ. Each store of the suite has one such record, and the suite holds it in both directions: a
 * store that is said not to check signatures must take a wrong one, so that a change in a store shows.
 */
export interface Capabilities {
  /** Refuses wrong keys, wrong signatures, and bodies that are not those of the signed digest. */
  checksSignatures: boolean;
  /** Refuses requests that are signed for another region. */
  checksRegion: boolean;
  /** ListMultipartUploads finds uploads by the beginning of their key; otherwise only by the whole key. */
  listsUploadsByPrefix: boolean;
  /** How the store answers an Abort of an upload that is aborted or completed already. */
  abortOfGoneUpload: 'missing' | 'accepted';
  /** How it answers a part of such an upload. */
  partOfGoneUpload: 'missing' | 'server error';
  /** The status of a Complete of an aborted upload. */
  completeOfAbortedUpload: 404 | 500;
  /** Says when uploads were begun; otherwise each was in 2010. */
  datesUploads: boolean;
  /** Refuses a PutObject with `If-None-Match: *` where there is such an object. */
  conditionalPut: boolean;
  /** The same for CompleteMultipartUpload. */
  conditionalComplete: boolean;
  /** Keeps objects and open uploads when it is killed and started again. */
  keepsOverRestarts: boolean;
}

/** What AWS does, and what the sandbox must do. */
export const AS_AWS: Capabilities = {
  checksSignatures: true,
  checksRegion: true,
  listsUploadsByPrefix: true,
  abortOfGoneUpload: 'missing',
  partOfGoneUpload: 'missing',
  completeOfAbortedUpload: 404,
  datesUploads: true,
  conditionalPut: true,
  conditionalComplete: true,
  keepsOverRestarts: true,
};
