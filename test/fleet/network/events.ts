import { setTimeout as sleep } from 'node:timers/promises';
import { SERVICES } from './cables.ts';
import type { Machine } from './machine.ts';
import type { Services } from './services.ts';

/** Something that went wrong with a machine, after which another one may have its work. */
export interface Mishap {
  machine: string;
  /** Milliseconds since 1970. */
  from: number;
}

export interface Stage {
  machines: readonly Machine[];
  services: Services;
  random: () => number;
  mishaps: Mishap[];
}

type Event = (stage: Stage) => Promise<string>;

const pick = <T>(items: readonly T[], random: () => number): T => items[Math.floor(random() * items.length)] as T;

function pause(random: () => number): Promise<void> {
  return sleep(500 + random() * 4_500);
}

const cutCable: Event = async ({ machines, random, mishaps }) => {
  const machine = pick(machines, random);
  const service = pick(SERVICES, random);
  if (service === 'database') mishaps.push({ machine: machine.name, from: Date.now() });
  machine.place.cut(service);
  await pause(random);
  machine.place.mend(service);
  return `the cable from ${machine.name} to the ${service} is cut`;
};

const killMachine: Event = async ({ machines, random, mishaps }) => {
  const machine = pick(machines, random);
  mishaps.push({ machine: machine.name, from: Date.now() });
  await machine.kill();
  await pause(random);
  machine.start();
  return `${machine.name} is killed`;
};

const crashDatabase: Event = async ({ machines, services, random, mishaps }) => {
  for (const { name } of machines) mishaps.push({ machine: name, from: Date.now() });
  await services.cluster.stop('immediate');
  await pause(random);
  await services.cluster.start();
  return 'the database crashes and is started again';
};

const restartServices: Event = async ({ services, random }) => {
  await services.restart(() => pause(random));
  return 'store and server are restarted';
};

/** So long that the others take the machine for dead, while it lives. */
const cutOff: Event = async ({ machines, random, mishaps }) => {
  const machine = pick(machines, random);
  mishaps.push({ machine: machine.name, from: Date.now() });
  machine.place.cut('database');
  await sleep(32_000 + random() * 8_000);
  machine.place.mend('database');
  return `${machine.name} is cut off from the database for long`;
};

/** Cables most often: there are twelve of them. */
const EVENTS = [cutCable, cutCable, cutCable, killMachine, killMachine, crashDatabase, restartServices];

/** Lets one thing go wrong, and mends it. @returns what it was */
export async function happen(stage: Stage): Promise<string> {
  return await (stage.random() < 0.08 ? cutOff : pick(EVENTS, stage.random))(stage);
}
