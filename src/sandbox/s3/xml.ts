import { S3Error } from './errors.ts';

/** What an element holds: text, elements by name, or (a list) the same element again and again. */
export type XmlContent = string | number | boolean | undefined | XmlContent[] | { [name: string]: XmlContent };

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** A whole document with S3's name space. Undefined contents are left out. */
export function xmlDocument(root: string, content: { [name: string]: XmlContent }): string {
  return `${DECLARATION}<${root} xmlns="${NAMESPACE}">${inner(content)}</${root}>`;
}

/** S3's error document; it has no name space. */
export function xmlError(content: { [name: string]: XmlContent }): string {
  return `${DECLARATION}<Error>${inner(content)}</Error>`;
}

function inner(content: XmlContent): string {
  if (typeof content !== 'object') return content === undefined ? '' : escapeXml(String(content));
  return Object.entries(content)
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map(item => element(name, item)))
    .join('');
}

function element(name: string, content: XmlContent): string {
  return content === undefined ? '' : `<${name}>${inner(content)}</${name}>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
const CHARACTERS = Object.fromEntries(Object.entries(ENTITIES).map(([character, entity]) => [entity, character]));

function escapeXml(text: string): string {
  return text
    .replace(/[&<>"']/g, character => ENTITIES[character] ?? character)
    .replace(/[\u0000-\u001f]/g, character => `&#${character.charCodeAt(0)};`);
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|\w+);/gi, (entity, decimal?: string, hex?: string) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    return CHARACTERS[entity] ?? entity;
  });
}

/**
 * The inner XML of the document's root. Enough of a parser for the two flat documents that S3 clients send.
 * @throws S3Error `MalformedXML` where the root is another or is not closed
 */
export function rootOf(document: string, root: string): string {
  const found = new RegExp(`^\\s*(?:<\\?xml[^>]*\\?>)?\\s*<${root}(?:\\s[^>]*)?>([\\s\\S]*)</${root}>\\s*$`).exec(
    document,
  );
  if (found?.[1] !== undefined) return found[1];
  throw new S3Error('MalformedXML', `The XML you provided was not well-formed: expected one ${root}`);
}

/** The inner XML of each element of this name. */
export function elementsOf(xml: string, name: string): string[] {
  const pattern = new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g');
  return [...xml.matchAll(pattern)].map(found => found[1] ?? '');
}

/** The text of the first element of this name. */
export function textOf(xml: string, name: string): string | undefined {
  const text = elementsOf(xml, name)[0];
  return text === undefined ? undefined : unescapeXml(text.trim());
}
