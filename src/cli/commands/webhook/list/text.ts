import type { ChalkInstance } from 'chalk';
import type { EndpointOverview } from '../../../../app/endpoints.ts';
import { printable } from '../../../../core/text.ts';
import { formatDuration } from '../../../../core/units.ts';
import { count } from '../../../terminal/format.ts';
import { formatMoment } from '../../../terminal/moment.ts';

/** Each endpoint with its state, its secrets and what waits for it. */
export function endpointsText(overviews: readonly EndpointOverview[], now: number, paint: ChalkInstance): string[] {
  if (overviews.length === 0) return ['no endpoint is configured'];
  return overviews.flatMap(overview => [
    `${paint.bold(printable(overview.name))}  ${printable(overview.url ?? '(not configured)')}  ${stateText(overview, paint)}`,
    ...(overview.isConfigured ? [`  ${secretsOf(overview)}`] : []),
    `  ${countsOf(overview)}`,
    ...waitingLine(overview, now),
  ]);
}

function stateText(overview: EndpointOverview, paint: ChalkInstance): string {
  const { name, disabledReason, disabledAt, refusal, refusedAt } = overview;
  if (!overview.isConfigured) return paint.yellow('nothing is sent');
  if (overview.isSwitchedOff) return paint.yellow('switched off in the configuration');
  if (disabledReason !== null) {
    const since = disabledAt === null ? '' : ` since ${formatMoment(disabledAt)}`;
    return paint.yellow(
      `disabled${since}: ${printable(disabledReason)}; next: recordupload webhook enable ${printable(name)}`,
    );
  }
  if (refusal !== null) {
    const since = refusedAt === null ? '' : ` (since ${formatMoment(refusedAt)})`;
    return paint.red(`${printable(refusal)}${since}`);
  }
  return paint.green('enabled');
}

function secretsOf({ hasToken, signingSecrets }: EndpointOverview): string {
  const signed = signingSecrets === 0 ? 'not signed' : `signed with ${count(signingSecrets, 'secret')}`;
  return `${hasToken ? 'token set' : 'no token'}, ${signed}`;
}

function countsOf({ pending, held, heldBy, delivered, superseded }: EndpointOverview): string {
  const reasons = Object.entries(heldBy).map(([reason, number]) => `${reason} ${number}`);
  return [
    `pending ${pending}`,
    `held ${held}${reasons.length > 0 ? ` (${reasons.join(', ')})` : ''}`,
    `delivered ${delivered}`,
    `superseded ${superseded}`,
  ].join(', ');
}

function waitingLine(overview: EndpointOverview, now: number): string[] {
  const { oldestAt, nextAt, held, isConfigured, disabledReason, hasToken } = overview;
  if (oldestAt === null) return [];
  const due = nextAt === null ? '' : nextAt <= now ? ', due now' : `, next try in ${formatDuration(nextAt - now)}`;
  const next = [
    ...(nextAt === null || disabledReason !== null || !hasToken
      ? []
      : [`recordupload retry${nextAt <= now ? '' : ' --now'}`]),
    ...(held > 0 ? ['recordupload status shows why some are held'] : []),
  ];
  return [
    `  oldest waiting since ${formatMoment(oldestAt)}${due}`,
    ...(isConfigured && next.length > 0 ? [`  next: ${next.join('; ')}`] : []),
  ];
}
