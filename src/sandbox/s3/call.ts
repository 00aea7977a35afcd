import type { Exchange } from '../http/exchange.ts';
import type { Reply } from '../http/reply.ts';
import type { Blobs, Segment } from './blobs.ts';
import type { Catalog } from './catalog.ts';
import { S3Error } from './errors.ts';
import { type Payload, type PayloadRules, receivePayload } from './payload.ts';
import type { Route } from './route.ts';
import type { Signature } from './sigv4.ts';

/** In what servers differ from AWS. */
export interface Habits {
  /** What the ETag of an object of parts is made of: the parts' MD5s (AWS), the whole content, or nothing. */
  multipartEtag: 'parts' | 'whole' | 'opaque';
  /** False: ListParts has no ETags. */
  listsPartEtags: boolean;
  /** False: ListMultipartUploads finds uploads by their whole key alone. */
  listsUploadsByPrefix: boolean;
  /** Says that each object is a version of its own; old ones cannot be read here. */
  namesVersions: boolean;
}

export const AS_AWS: Habits = {
  multipartEtag: 'parts',
  listsPartEtags: true,
  listsUploadsByPrefix: true,
  namesVersions: false,
};

/** What operations may use of the server. */
export interface Service {
  catalog: Catalog;
  blobs: Blobs;
  payload: PayloadRules;
  /** Parts below this are too small, but for the last. */
  minPartSizeBytes: number;
  habits: Habits;
  region: string;
  /** `http://127.0.0.1:1234` */
  url: () => string;
}

/** One authenticated request, as operations see it. */
export interface Call {
  service: Service;
  route: Route;
  exchange: Exchange;
  signature: Signature;
  nowMs: number;
}

export type Operation = (call: Call) => Promise<Reply>;

const MAX_DOCUMENT_BYTES = 2 * 1024 * 1024;

/** The first value of a request header. */
export function header(call: Call, name: string): string | undefined {
  return call.exchange.req.headersDistinct[name]?.[0];
}

/** The first value of a query parameter. */
export function parameter(call: Call, name: string): string | undefined {
  return call.route.query.find(([other]) => other === name)?.[1];
}

/**
 * A whole number in the query.
 * @throws S3Error `InvalidArgument` where it is none, or out of range
 */
export function numberParameter(
  call: Call,
  name: string,
  range: { min: number; max: number; default: number },
): number {
  const text = parameter(call, name);
  if (text === undefined || text === '') return range.default;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= range.min && number <= range.max) return number;
  throw new S3Error('InvalidArgument', `${name} must be an integer between ${range.min} and ${range.max}`, {
    details: { ArgumentName: name, ArgumentValue: text },
  });
}

/** Stores the body as a segment; nothing of it stays where it does not come in whole and right. */
export async function storeBody(call: Call): Promise<{ payload: Payload; segment: Segment }> {
  const { service, exchange, signature } = call;
  const writer = service.blobs.create();
  try {
    const payload = await receivePayload(exchange, writer, signature, service.payload);
    return { payload, segment: await writer.finish() };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** The body as text, checked as any body is; for the XML documents that clients send. */
export async function readDocument(call: Call): Promise<string> {
  const chunks: Buffer[] = [];
  const writer = { write: (bytes: Buffer) => void chunks.push(bytes) };
  const rules = { ...call.service.payload, verify: true, needsChecksum: false, maxBytes: MAX_DOCUMENT_BYTES };
  await receivePayload(call.exchange, writer, call.signature, rules);
  return Buffer.concat(chunks).toString('utf8');
}

/** A reply with an XML document. */
export function xmlReply(body: string): Reply {
  return { status: 200, headers: { 'Content-Type': 'application/xml' }, body };
}
