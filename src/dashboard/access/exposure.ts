import type { Config } from '../../config/config.ts';
import { isLoopback } from '../../config/listen.ts';
import { AppError } from '../../core/errors.ts';

/**
 * Makes sure that nobody who cannot see the token's way can sign in: where other machines reach the dashboard, it wants a
 * token of its own and an encrypted way.
 * @throws AppError `CONFIG`
 */
export function refuseExposure(config: Config['dashboard']): void {
  const { listen, token, tls, trustedProxies, problem } = config;
  if (problem !== undefined)
    throw new AppError('CONFIG', problem, { hint: 'recordupload config show says where each value comes from' });
  if (isLoopback(listen.host)) return;
  const where = `the dashboard cannot listen on ${listen.host}, which other machines can reach`;
  if (token === undefined)
    throw new AppError('CONFIG', `${where}, without a token`, {
      hint: 'set dashboard.tokenFile, or listen on 127.0.0.1 and use ssh -L 8707:127.0.0.1:8707',
    });
  if (tls || trustedProxies.length > 0) return;
  throw new AppError('CONFIG', `${where}, without TLS`, {
    hint: 'set dashboard.tlsCert and dashboard.tlsKey, or name the proxy that does TLS in dashboard.trustedProxies',
  });
}
