// All that the program uses of the AWS SDK. The build bundles this module by itself first: what is not named here is left
// out then, where a lazy import of the whole packages would keep all of their commands.
export {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ObjectCannedACL,
  paginateListObjectsV2,
  paginateListParts,
  S3Client,
  type S3ClientConfig,
  type StorageClass,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
export { Upload } from '@aws-sdk/lib-storage';
export { getSignedUrl } from '@aws-sdk/s3-request-presigner';
