import { parseXML } from '@aws-sdk/xml-builder';

/**
 * An XML element's children by name, each as often as it stands there; text where it has none. One with attributes has its
 * text as `#text`.
 */
type Node = { [name: string]: Node | Node[] | string };

/**
 * Reads an answer's document, with the SDK's own parser.
 * @param root the name that its root must have
 * @returns undefined where it is no such document
 */
export function readDocument(text: string, root: string): Element | undefined {
  try {
    const document = parseXML(text.replace(/^\ufeff/, '')) as Node;
    return root in document ? new Element(document[root] as Node | string) : undefined;
  } catch {
    return undefined;
  }
}

/** One element: what is missing in it is empty, as S3 servers leave different things out. */
export class Element {
  readonly #node: Node | string;

  constructor(node: Node | string) {
    this.#node = node;
  }

  all(name: string): Element[] {
    if (typeof this.#node === 'string') return [];
    return [this.#node[name] ?? []].flat().map(node => new Element(node));
  }

  text(name: string): string {
    const child = typeof this.#node === 'string' ? undefined : this.#node[name];
    const text = child && typeof child === 'object' && !Array.isArray(child) ? child['#text'] : child;
    return typeof text === 'string' ? text : '';
  }

  number(name: string): number {
    return Number(this.text(name)) || 0;
  }

  date(name: string): Date | undefined {
    return dateOf(this.text(name));
  }
}

/** A date of S3's, in a header or a document; undefined where there is none. */
export function dateOf(text: string | undefined): Date | undefined {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** The document that completes an upload: its parts in number order. */
export function completeDocument(parts: readonly { number: number; etag: string }[]): string {
  const list = parts.map(
    ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${escapeText(etag)}&quot;</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join('')}</CompleteMultipartUpload>`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
