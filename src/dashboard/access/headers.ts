/** Header fields of every answer. */
export function securityHeaders(): Readonly<Record<string, string>> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'Content-Security-Policy': contentSecurityPolicy([]),
    'Cache-Control': 'no-store',
  };
}

/**
 * What a page may load: our own script, style sheet and answers; thumbnail and video also from these origins.
 * https://www.w3.org/TR/CSP3/
 */
export function contentSecurityPolicy(media: readonly string[]): string {
  const from = ["'self'", ...media].join(' ');
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    `img-src ${from}`,
    `media-src ${from}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
