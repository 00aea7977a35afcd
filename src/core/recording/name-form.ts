/**
 * The one form of a file's name, in the bucket, the payload and the state: Unicode's NFC. macOS and others write é as one
 * character or as e and an accent; both are one name.
 */
export function nameForm(name: string): string {
  return name.normalize('NFC');
}

/** True for a name that no system writes in another form: one in ASCII. */
export function hasOneForm(name: string): boolean {
  return !/[^ -~]/.test(name);
}

/** Of these names, the one that is the same name: spelled alike, else in another Unicode form. */
export function sameName(name: string, names: readonly string[]): string | undefined {
  if (names.includes(name)) return name;
  const form = nameForm(name);
  return names.find(one => nameForm(one) === form);
}
