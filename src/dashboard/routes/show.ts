import type { Context } from 'hono';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { Env } from '../access/guard.ts';
import { contentSecurityPolicy } from '../access/headers.ts';
import { pageDocument } from '../document.ts';
import type { Parts } from '../parts.ts';
import { redacted } from '../redacted.ts';
import type { Contents, PageModel, PageName } from '../views/model.ts';

type Status = 200 | 400 | 404 | 409 | 500 | 503;

/** Answers with a page: as HTML, or as the model alone where the browser's script asks for it. */
export async function show<Name extends PageName>(
  context: Context<Env>,
  parts: Parts,
  page: Name,
  content: Contents[Name],
  options: { status?: Status; mediaFrom?: readonly string[] } = {},
): Promise<Response> {
  const { hub, runtime, readOnly, version, machine, assets } = parts;
  const { pathname, search } = new URL(context.req.url);
  const { counts, problem } = await hub.overview();
  const { changeToken } = context.get('session');
  const frame = {
    machine,
    version,
    readOnly,
    changeToken: '',
    address: pathname + search,
    held: counts.held,
    problem,
    change: hub.change(),
  };
  const shown = redacted({ page, frame, content }, runtime.redact);
  const model = { ...shown, frame: { ...shown.frame, changeToken } } as unknown as PageModel;
  const { status = 200, mediaFrom = [] } = options;
  if (wantsJson(context)) return context.json(model, status);
  if (mediaFrom.length > 0) context.header('Content-Security-Policy', contentSecurityPolicy(mediaFrom));
  return context.html(pageDocument(model, assets), status);
}

function wantsJson(context: Context<Env>): boolean {
  const accept = context.req.header('accept') ?? '';
  return accept.includes('application/json') && !accept.includes('text/html');
}

const STATUS: Readonly<Partial<Record<ErrorCode, Status>>> = { USAGE: 400, STATE: 503, BUSY: 409 };

/** Answers with what went wrong. */
export async function showError(context: Context<Env>, parts: Parts, error: unknown): Promise<Response> {
  const known = error instanceof AppError;
  const content = known
    ? { title: 'This did not work', message: error.message, hint: error.hint ?? null }
    : { title: 'A bug in recordupload', message: String((error as Error)?.message ?? error), hint: null };
  const isUnknown = known && / is not known |^no file of that name/.test(error.message);
  return await show(context, parts, 'problem', content, {
    status: isUnknown ? 404 : known ? (STATUS[error.code] ?? 500) : 500,
  });
}
