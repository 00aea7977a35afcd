import type { Cluster } from '../support/postgres.ts';
import { buildProgram } from './program.ts';
import { playRound, type RoundResult } from './round.ts';
import { makeScenario } from './scenario.ts';

export interface Campaign {
  /** The first round's; each next round has the next one. */
  seed: number;
  /** Kills to be reached. Some rounds have fewer than they meant to: their runs end before. */
  kills: number;
  /** At most so many rounds. */
  rounds?: number | undefined;
  /** Rounds at once. */
  parallel: number;
  /** Has a database for the state of each round; SQLite unless given. */
  cluster?: Cluster | undefined;
  /** Told of each round. */
  onRound?: (result: RoundResult) => void;
}

/** Plays rounds until so many runs were killed. */
export async function runCampaign({
  seed,
  kills,
  rounds = 3 * kills + 10,
  parallel,
  cluster,
  onRound,
}: Campaign): Promise<RoundResult[]> {
  const program = await buildProgram();
  const results: RoundResult[] = [];
  let next = seed;
  let killed = 0;
  try {
    const player = async () => {
      while (killed < kills && next < seed + rounds) {
        const scenario = makeScenario(next++);
        const result = await playRound(scenario, program.main, cluster).catch((error: unknown) => ({
          scenario,
          kills: 0,
          problems: [`the round broke off: ${error instanceof Error ? error.stack : String(error)}`],
        }));
        killed += result.kills;
        results.push(result);
        onRound?.(result);
      }
    };
    await Promise.all(Array.from({ length: parallel }, player));
    return results;
  } finally {
    program.remove();
  }
}
