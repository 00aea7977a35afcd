import { Hono } from 'hono';
import { examine } from '../../app/doctor/examine.ts';
import { AppError } from '../../core/errors.ts';
import { type Env, fromOwnPage, unlessReadOnly } from '../access/guard.ts';
import { messageOf } from '../actions/jobs.ts';
import { performAction } from '../actions/perform.ts';
import { backOf, planAction } from '../actions/plan.ts';
import { parseAction } from '../actions/request.ts';
import type { Parts } from '../parts.ts';
import { redacted } from '../redacted.ts';
import type { DoctorContent } from '../views/model.ts';
import { show } from './show.ts';

/** What an operator can do: each action is planned first, and then says what came of it. */
export function actionRoutes(parts: Parts): Hono<Env> {
  const { jobs, runtime, signal, readOnly } = parts;
  const app = new Hono<Env>();

  app.get('/actions/new', unlessReadOnly(readOnly), async context => {
    const request = parseAction(new URL(context.req.url).searchParams, runtime.clock.now());
    await using fresh = await parts.openRuntime({ log: false, signal });
    return await show(context, parts, 'plan', await planAction(request, fresh));
  });

  app.post('/actions', unlessReadOnly(readOnly), fromOwnPage, async context => {
    const form = await context.req.parseBody({ all: true });
    const fields = new URLSearchParams();
    for (const [name, value] of Object.entries(form))
      for (const one of [value].flat()) if (typeof one === 'string') fields.append(name, one);
    const request = parseAction(fields, runtime.clock.now());
    const id = jobs.start({
      title: titleOf(request),
      back: backOf(request),
      run: async () => {
        await using fresh = await parts.openRuntime({ log: true, signal });
        return redacted(await performAction(request, fresh), fresh.redact);
      },
    });
    return context.redirect(`/actions/${id}`, 303);
  });

  app.get('/actions/:id', async context => {
    const action = jobs.find(Number(context.req.param('id')));
    if (!action) throw unknownAction();
    return await show(context, parts, 'action', action);
  });

  doctorRoutes(app, parts);
  return app;
}

/** The error for the page of an action that the dashboard does not know. */
export function unknownAction(): AppError {
  return new AppError('USAGE', 'this action is not known any more', {
    hint: 'the dashboard forgets its actions when it is restarted; the log has them',
  });
}

function titleOf({ action, endpoint, ids, webhooks }: ReturnType<typeof parseAction>): string {
  if (action === 'enable' || action === 'disable') return `${action === 'enable' ? 'Enable' : 'Disable'} ${endpoint}`;
  if (action === 'replay') return 'Replay a span';
  const what = action === 'retry' ? 'Retry' : 'Discard webhooks';
  const number = webhooks.length || ids.length;
  if (number === 0) return endpoint ? `${what}: ${endpoint}` : `${what} all`;
  return number === 1 ? `${what}: ${ids[0]}` : `${what}: ${number} selected`;
}

function doctorRoutes(app: Hono<Env>, parts: Parts): void {
  const { signal, readOnly, runtime, hub } = parts;
  let content: DoctorContent = { state: 'never', startedAt: null, endedAt: null, problem: null, results: [] };
  const now = () => runtime.clock.now();

  const run = async () => {
    const config = await parts.loadConfig();
    const { userAgent } = parts;
    await examine({ config, env: runtime.env, userAgent, webhookTest: false, signal }, results => {
      const rows = results.map(({ name, status, detail, fix, more }) => ({
        name,
        status,
        detail,
        fix: fix ?? null,
        more: [...(more ?? [])],
      }));
      content = { ...content, results: [...content.results, ...rows] };
      hub.announce();
    });
  };

  app.get('/doctor', async context => show(context, parts, 'doctor', content));

  app.post('/doctor', unlessReadOnly(readOnly), fromOwnPage, context => {
    if (content.state !== 'running') {
      content = { state: 'running', startedAt: now(), endedAt: null, problem: null, results: [] };
      void run().then(
        () => {
          content = { ...content, state: 'done', endedAt: now() };
          hub.announce();
        },
        (error: unknown) => {
          content = { ...content, state: 'failed', endedAt: now(), problem: messageOf(error) };
          hub.announce();
        },
      );
    }
    return context.redirect('/doctor', 303);
  });
}
