import { describe, expect, test } from '@jest/globals';
import { hostsText, parseDatabaseUrl, sslModeFor } from '../../src/core/database-url.ts';

const parsed = (text: string) => {
  const result = parseDatabaseUrl(text);
  if (!result.ok) throw new Error(result.flaw);
  return result.url;
};

describe('the URL of a database', () => {
  test('has parts that libpq would find, decoded', () => {
    expect(parsed('postgresql://a%20da:p%40ss%2Fword:x@db.example.com:6432/my%2Fdata?application_name=re%26c')).toEqual(
      {
        hosts: [{ host: 'db.example.com', port: 6432 }],
        user: 'a da',
        password: 'p@ss/word:x',
        database: 'my/data',
        sslMode: undefined,
        sslRootCert: undefined,
        sslCert: undefined,
        sslKey: undefined,
        mustWrite: true,
        connectTimeoutMs: 5_000,
        applicationName: 're&c',
      },
    );
  });

  test.each([
    ['postgres://', ['localhost:5432']],
    ['postgres:///kept', ['localhost:5432']],
    ['postgres://ada@db/kept', ['db:5432']],
    ['postgres://ada@[::1]:6432/kept', ['[::1]:6432']],
    ['postgres://one:1,two,three:3/kept', ['one:1', 'two:5432', 'three:3']],
    ['postgres://ada@/kept?host=one,two&port=1,2', ['one:1', 'two:2']],
    ['postgres://ada@/kept?host=one,two&port=7', ['one:7', 'two:7']],
    ['postgres:///kept?host=/run/postgresql', ['/run/postgresql/.s.PGSQL.5432']],
    ['postgres://ada@%2Frun%2Fpostgresql:6432/kept', ['/run/postgresql/.s.PGSQL.6432']],
  ])('%s names %j', (text, hosts) => {
    expect(hostsText(parsed(text))).toBe(hosts.join(', '));
  });

  test('may have a # in its password, and an @, as libpq reads it', () => {
    expect(parsed('postgres://ada:p#s@s@db.example.com/kept')).toMatchObject({
      user: 'ada',
      password: 'p#s@s',
      hosts: [{ host: 'db.example.com' }],
      database: 'kept',
    });
  });

  test.each([
    'postgres://ada:12/fake@db.example.com/kept',
    'postgres://ada:fake/word@db.example.com/kept',
    'postgres://ada:fake?word@db.example.com/kept',
    'postgres://ada:12?word@db.example.com/kept',
  ])('%s, whose password is not escaped, is refused: a part of it would be shown as the database', text => {
    expect(parseDatabaseUrl(text)).toMatchObject({ ok: false, flaw: expect.not.stringMatching(/fake|12/) });
  });

  test.each([
    ['db.example.com', 'verify-full'],
    ['10.0.0.5', 'verify-full'],
    ['localhost.example.com', 'verify-full'],
    ['localhost', 'prefer'],
    ['127.0.0.9', 'prefer'],
    ['::1', 'prefer'],
    ['/run/postgresql', 'disable'],
  ])('without a word on it, %s is connected to with %s', (host, mode) => {
    expect(sslModeFor(host, { sslMode: undefined })).toBe(mode);
  });

  test('says what it wants instead', () => {
    const url = parsed('postgres://db.example.com/kept?sslmode=require&target_session_attrs=any&connect_timeout=2');
    expect(sslModeFor('db.example.com', url)).toBe('require');
    expect(url).toMatchObject({ mustWrite: false, connectTimeoutMs: 2_000 });
  });

  test.each([
    'mysql://db.example.com/kept',
    'db.example.com/kept',
    'postgres://db.example.com:0/kept',
    'postgres://db.example.com:x/kept',
    'postgres://::1/kept',
    'postgres://db.example.com/kept?connect_timeout=soon',
    'postgres://db.example.com/kept?sslmode=on',
    'postgres://db.example.com/kept?options=-c%20x',
    'postgres://db.example.com/ke%pt',
    'postgres://db.example.com/kept?sslcert=/own.pem',
    'postgres://db.example.com/kept?sslkey=/own.key',
  ])('%s is none', text => {
    expect(parseDatabaseUrl(text)).toMatchObject({ ok: false });
  });
});
