import { execFileSync } from 'node:child_process';

/**
 * The arguments of a command that the program showed, as a shell reads them: who copies it runs just that.
 * @param behind the text before it: `next: `
 */
export function shownCommand(text: string, behind = 'next: '): string[] {
  const start = text.indexOf(`${behind}recordupload `);
  if (start < 0) throw new Error(`no command behind ${JSON.stringify(behind)} in ${JSON.stringify(text)}`);
  const line = text.slice(start + behind.length).split('\n')[0] ?? '';
  return wordsOf(endOf(line)).slice(1);
}

/** Without the words that go on behind it: a command ends at a comma, semicolon, colon, quote or bracket. */
function endOf(line: string): string {
  const [command = ''] = /^(?:\$'(?:\\.|[^'\\])*'|'[^']*'|\\.|[^'\\,;")]|,(?! ))*/.exec(line) ?? [];
  return command.replace(/:? (?:once|shows|writes|sets|sends|removes|is run|it) .*$/, '').replace(/:$/, '');
}

function wordsOf(line: string): string[] {
  const text = execFileSync('bash', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
  return text.split('\0').slice(0, -1);
}
