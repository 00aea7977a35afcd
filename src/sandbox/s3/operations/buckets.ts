import type { Operation } from '../call.ts';
import { xmlReply } from '../call.ts';
import { S3Error } from '../errors.ts';
import { xmlDocument } from '../xml.ts';

const LEGAL_BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export const listBuckets: Operation = async ({ service }) => {
  const buckets = [...service.catalog.buckets].map(([Name, { createdMs }]) => ({
    Name,
    CreationDate: new Date(createdMs).toISOString(),
  }));
  const Owner = { ID: 'sandbox', DisplayName: 'sandbox' };
  return xmlReply(xmlDocument('ListAllMyBucketsResult', { Owner, Buckets: { Bucket: buckets } }));
};

export const createBucket: Operation = async ({ service, route, exchange, nowMs }) => {
  await exchange.drain(); // a CreateBucketConfiguration, whose region makes no difference here
  if (!LEGAL_BUCKET.test(route.bucket)) {
    throw new S3Error('InvalidBucketName', 'The specified bucket is not valid.', {
      details: { BucketName: route.bucket },
    });
  }
  if (service.catalog.buckets.has(route.bucket)) {
    throw new S3Error(
      'BucketAlreadyOwnedByYou',
      'The bucket that you tried to create already exists, and you own it.',
      {
        details: { BucketName: route.bucket },
      },
    );
  }
  await service.catalog.createBucket(route.bucket, nowMs);
  return { status: 200, headers: { Location: `/${route.bucket}` } };
};

export const headBucket: Operation = async ({ service, route }) => {
  service.catalog.objectsOf(route.bucket);
  return { status: 200, headers: { 'x-amz-bucket-region': service.region } };
};

export const deleteBucket: Operation = async ({ service, route }) => {
  if (service.catalog.objectsOf(route.bucket).size > 0) {
    throw new S3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty');
  }
  await service.catalog.deleteBucket(route.bucket);
  return { status: 204 };
};

export const getBucketLocation: Operation = async ({ service, route }) => {
  service.catalog.objectsOf(route.bucket);
  // The element's own text is the region, which `xmlDocument` has no form for.
  const body = xmlDocument('LocationConstraint', {}).replace('></', `>${service.region}</`);
  return xmlReply(body);
};
