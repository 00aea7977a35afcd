import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** The paths of a new certificate, its own authority, and of its key. @param names as in `subjectAltName` */
export function makeCertificate(folder: string, names = 'DNS:localhost,IP:127.0.0.1'): { cert: string; key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')] as const;
  const subject = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${names}`];
  const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject];
  execFileSync('openssl', [...make, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { cert, key };
}
