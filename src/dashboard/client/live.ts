import type { OverviewContent, PageModel } from '../views/model.ts';
import type { Connection } from '../views/shell.ts';

interface Listener {
  onModel(model: PageModel): void;
  onConnection(connection: Connection): void;
  current(): PageModel;
}

/** Pages that show one moment, and say so, or fields that somebody is filling in. */
const STILL: readonly PageModel['page'][] = ['plan', 'problem', 'logs'];
/** However often something changes, a list is read again at most so often. */
const READ_AGAIN_MS = 1_500;
/** The same for what somebody has just asked for. */
const SOON_MS = 200;
/** The server says something every 10 s. */
const SILENCE_MS = 25_000;
const RECONNECT_MS = 2_000;

/** Follows the server's events as long as the page is looked at: a browser has few connections to one server. */
export function listen(first: PageModel, listener: Listener): void {
  let source: EventSource | undefined;
  let lostAt: number | undefined;
  let heardAt = Date.now();
  let reading: ReturnType<typeof setTimeout> | undefined;
  let retrying: ReturnType<typeof setTimeout> | undefined;
  /** Our clock minus the server's. */
  let skewMs = Date.now() - nowOf(first, Date.now());

  const show = (next: PageModel) => {
    skewMs = Date.now() - nowOf(next, Date.now() - skewMs);
    listener.onModel(next);
  };

  const readAgain = async () => {
    reading = undefined;
    const answer = await fetch(location.href, { headers: { accept: 'application/json' } }).catch(() => undefined);
    if (answer?.status === 401) return signedOut();
    if (answer?.ok) show((await answer.json()) as PageModel);
  };

  const signedOut = () => {
    close();
    listener.onConnection({ state: 'signed-out' });
  };

  const lost = () => {
    source?.close();
    source = undefined;
    lostAt ??= Date.now();
    listener.onConnection({ state: 'lost', since: lostAt });
    clearTimeout(retrying);
    retrying = setTimeout(probe, RECONNECT_MS);
  };

  /** An event source does not say why it failed: a plain request does. */
  const probe = async () => {
    const answer = await fetch(location.href, { headers: { accept: 'application/json' } }).catch(() => undefined);
    if (answer?.status === 401) return signedOut();
    if (!answer?.ok) return lost();
    if (!STILL.includes(listener.current().page)) show((await answer.json()) as PageModel);
    connect();
  };

  const heard = () => {
    heardAt = Date.now();
    if (lostAt === undefined) return;
    lostAt = undefined;
    listener.onConnection({ state: 'live' });
  };

  const connect = () => {
    if (document.hidden) return;
    source?.close();
    source = new EventSource('/events');
    heardAt = Date.now();
    source.onopen = () => {
      lostAt = undefined;
      heardAt = Date.now();
      listener.onConnection({ state: 'live' });
    };
    source.onerror = lost;
    source.addEventListener('alive', heard);
    source.addEventListener('overview', ({ data }) => {
      heard();
      const content = JSON.parse(data) as OverviewContent;
      const model = listener.current();
      const frame = { ...model.frame, held: content.counts.held };
      if (model.page === 'overview') show({ ...model, frame, content });
      else if (frame.held !== model.frame.held) listener.onModel({ ...model, frame } as PageModel);
    });
    source.addEventListener('changed', ({ data }) => {
      heard();
      const { page, frame } = listener.current();
      if (page === 'overview' || STILL.includes(page) || data === String(frame.change)) return;
      const isAwaited = page === 'action' || page === 'doctor';
      reading ??= setTimeout(readAgain, isAwaited ? SOON_MS : READ_AGAIN_MS);
    });
  };

  const close = () => {
    source?.close();
    source = undefined;
    clearTimeout(retrying);
    clearTimeout(reading);
    reading = undefined;
  };

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) close();
    else void probe();
  });
  setInterval(() => {
    if (source && Date.now() - heardAt > SILENCE_MS) lost();
    const model = listener.current();
    // What says "3 s ago" goes on with the time; what was read long ago does not pretend to be new.
    if (lostAt === undefined && 'now' in model.content && !document.hidden)
      listener.onModel({ ...model, content: { ...model.content, now: Date.now() - skewMs } } as PageModel);
  }, 1_000);
  connect();
}

function nowOf({ content }: PageModel, otherwise: number): number {
  return 'now' in content ? content.now : otherwise;
}
