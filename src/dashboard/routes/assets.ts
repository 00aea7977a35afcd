import { Hono } from 'hono';
import type { Env } from '../access/guard.ts';
import type { Assets } from '../assets.ts';

/** The script, the style sheet and the icon; they are the same for everybody, and have no secret in them. */
export function assetRoutes(assets: Assets): Hono<Env> {
  const app = new Hono<Env>();
  for (const { path, type, bytes, gzipped } of Object.values(assets)) {
    app.get(path, context => {
      context.header('Content-Type', type);
      context.header('Cache-Control', 'public, max-age=31536000, immutable');
      context.header('Vary', 'Accept-Encoding');
      if (!/\bgzip\b/.test(context.req.header('accept-encoding') ?? '')) return context.body(bytes);
      context.header('Content-Encoding', 'gzip');
      return context.body(gzipped);
    });
  }
  return app;
}
