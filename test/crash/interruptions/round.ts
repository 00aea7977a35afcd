import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkBucket, checkDelivery, checkMemory, checkNoOrphans } from './checks.ts';
import { armed, type Fate, letEnd, notBefore, strike } from './killer.ts';
import { type Ended, type Machine, setUp } from './machine.ts';
import { readMemory } from './memory.ts';
import type { Blow, Command, Plan } from './plan.ts';
import { type Safe, safeNow, sentTwice } from './sent-twice.ts';

export interface RoundResult {
  /** Runs ended by SIGKILL. */
  kills: number;
  /** What is wrong; empty: nothing. */
  problems: string[];
  /** What was run and every request, in order. */
  log: string[];
}

/** An upload that was begun elsewhere is taken over once nothing has happened to it for a minute. */
const QUIET_MS = 61_000;
const EXIT_OF_SIGNAL = { SIGTERM: 143, SIGINT: 130 } as const;
const BUSY = 6;
/** What a second process needs to start and come to the first one's recording. */
const RIVAL_NEEDS_MS = 900;

/** Plays one round: all its blows, then the finish, then a look at everything that is left. */
export async function playRound(plan: Plan): Promise<RoundResult> {
  const machine = await setUp(plan);
  const round: Round = { plan, machine, kills: 0, problems: [], safes: [], excused: new Set(), story: [] };
  try {
    for (const blow of plan.blows) {
      if (!isDone(machine)) await deal(blow, round);
    }
    await finish(round);
    await judge(round);
  } catch (error) {
    round.problems.push(`the round broke off: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    await machine.remove();
  }
  return { kills: round.kills, problems: round.problems, log: logOf(round) };
}

interface Round {
  plan: Plan;
  machine: Machine;
  kills: number;
  problems: string[];
  safes: Safe[];
  /** Upload ids that nobody can know of any more. */
  excused: Set<string>;
  /** What was run, and at which request it began. */
  story: { atRequest: number; text: string }[];
}

/** There is nothing left that a run could be struck at. */
function isDone({ stateDir }: Machine): boolean {
  const { recordings, deliveries } = readMemory(stateDir);
  return recordings[0]?.state === 'done' && deliveries.length > 0 && deliveries.every(row => row.state === 'delivered');
}

/** One run that is struck, with a rival where the plan has one. */
async function deal(blow: Blow, round: Round): Promise<void> {
  const { machine, plan, problems, safes } = round;
  const { sandbox, stateDir } = machine;
  tell(round, `${blow.command}, ${blow.signal} at ${JSON.stringify(blow.moment)}`);
  const { rivalAfterMs } = blow;
  // The rival's requests do not hang: it has to keep out by itself.
  const trigger =
    rivalAfterMs === undefined
      ? armed(blow.moment, sandbox)
      : notBefore(rivalAfterMs + RIVAL_NEEDS_MS, armed(blow.moment, sandbox, 1));
  const run = machine.start(blow.command);
  const rival = rivalAfterMs === undefined ? undefined : sleep(rivalAfterMs).then(() => startRival(blow, round));
  const fate = await strike(run, trigger, blow.signal);
  trigger.remove();
  const ended = await run.ended;
  if (fate === 'struck' && ended.signal === 'SIGKILL') round.kills += 1;
  problems.push(...problemsOfRun(blow.command, fate, ended, blow));
  if (rival) problems.push(...(await (await rival)()));

  await settled(machine);
  safes.push(safeNow(sandbox, readMemory(stateDir), plan.etags));
  if (!blow.losesState) return;
  tell(round, 'the state is lost');
  for (const { uploadId, parts } of sandbox.s3.uploads()) if (parts.length === 0) round.excused.add(uploadId);
  rmSync(stateDir, { recursive: true, force: true });
  machine.passTime(QUIET_MS);
}

/**
 * A second process at the same recording. Requests that are left hanging may be its own, if it is the one that has the
 * recording: then it is killed soon after the other.
 * @returns ends it, and says what was wrong with it
 */
function startRival({ moment }: Blow, round: Round): () => Promise<string[]> {
  const rival = round.machine.start('upload');
  return async () => {
    const patience = sleep(moment.at === 'request' ? 400 : 60_000, 'impatient' as const, { ref: false });
    if ((await Promise.race([rival.ended, patience])) === 'impatient') {
      rival.kill('SIGKILL');
    }
    const ended = await rival.ended;
    if (ended.signal === 'SIGKILL') round.kills += 1;
    if (ended.signal === 'SIGKILL' || ended.code === 0 || ended.code === BUSY) return [];
    return [`the second of two at once ${describe(ended)}`];
  };
}

/** Finishes what the blows have left. What was accepted, `retry` alone must bring to its end. */
async function finish(round: Round): Promise<void> {
  const { machine, plan } = round;
  const isAccepted = readMemory(machine.stateDir).recordings.length > 0;
  const commands: Command[] = plan.finish === 'retry' && !isAccepted ? ['retry', 'upload'] : [plan.finish];
  for (const command of commands) await runToEnd(command, round);
}

async function runToEnd(command: Command, round: Round): Promise<void> {
  tell(round, `${command}, to its end`);
  const run = round.machine.start(command);
  const fate = await letEnd(run);
  round.problems.push(...problemsOfRun(command, fate, await run.ended));
}

async function judge(round: Round): Promise<void> {
  const { machine, plan, problems, safes, excused } = round;
  const { s3, receiver } = machine.sandbox;
  problems.push(
    ...sentTwice(machine.sandbox, safes),
    ...(await checkBucket(machine, plan)),
    ...checkNoOrphans(machine, excused),
    ...(await checkDelivery(machine, plan)),
    ...checkMemory(machine, plan),
  );
  const before = { requests: s3.requests().length, webhooks: receiver.requests().length };
  await runToEnd('upload', round);
  const sent = s3.requests().slice(before.requests);
  for (const { operation, key } of sent) {
    if (!/^(Head|Get|List)/.test(operation)) problems.push(`a further upload did ${operation} ${key}`);
  }
  if (receiver.requests().length > before.webhooks) problems.push('a further upload told the server again');
}

/** What is wrong with how a run ended; `blow`: it was struck and may have died of that. */
function problemsOfRun(command: Command, fate: Fate, ended: Ended, blow?: Blow): string[] {
  if (fate === 'hung') return [`${command} hung, and ${describe(ended)}`];
  if (ended.code === 0) return [];
  if (blow?.rivalAfterMs !== undefined && ended.code === BUSY) return [];
  // By the signal itself: it had not got round to handling it.
  if (fate === 'struck' && blow && ended.signal === blow.signal) return [];
  if (fate === 'struck' && blow && blow.signal !== 'SIGKILL' && ended.code === EXIT_OF_SIGNAL[blow.signal]) return [];
  return [`${command} ${describe(ended)}`];
}

function describe({ code, signal, stdout, stderr }: Ended): string {
  return `ended with ${code ?? signal}: ${(stderr || stdout).trim().replaceAll('\n', ' ').slice(0, 800)}`;
}

/** Waits until the server is done with what dead clients have left in its sockets. */
async function settled({ sandbox: { s3 } }: Machine): Promise<void> {
  const look = () => JSON.stringify([s3.uploads(), s3.objects(), s3.requests().map(({ bodyBytes }) => bodyBytes)]);
  for (let last = look(), same = 0; same < 3; ) {
    await sleep(15);
    const now = look();
    same = now === last ? same + 1 : 0;
    last = now;
  }
}

function tell({ story, machine }: Round, text: string): void {
  story.push({ atRequest: machine.sandbox.s3.requests().length, text });
}

function logOf({ story, machine }: Round): string[] {
  const { s3, receiver } = machine.sandbox;
  const requests = s3.requests().map(({ operation, key, partNumber, uploadId, status, bodyBytes }) => {
    const part = partNumber === undefined ? '' : ` part ${partNumber}`;
    const upload = uploadId === undefined ? '' : ` of ${uploadId.slice(0, 8)}`;
    return `${operation} ${key}${part}${upload}: ${bodyBytes} bytes, ${status ?? 'no answer'}`;
  });
  const lines = requests.flatMap((line, index) => [...told(index), line]);
  function told(at: number): string[] {
    return story.flatMap(({ atRequest, text }) => (atRequest === at ? [`— ${text}`] : []));
  }
  const webhooks = receiver.requests().map(({ headers, status }) => `webhook ${headers['webhook-id']}: ${status}`);
  return [...lines, ...told(requests.length), ...webhooks];
}
