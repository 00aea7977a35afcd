import type { Payload } from '../../core/payload/payload.ts';

/**
 * The payload, as the contract with the recordings server has it. The one shape that is not written out here: it must
 * change whenever the contract does.
 */
export type PayloadJson = Payload;

/** A stored payload; as text if it is not JSON. */
export function storedPayload(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
