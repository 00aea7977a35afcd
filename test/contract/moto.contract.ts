import { AS_AWS, type Capabilities } from './capabilities.ts';
import { freePorts, KEYS, makeBucket, startProcess } from './store-process.ts';
import { needStore } from './stores.ts';
import { contractSuite } from './suite.ts';

const CAPABILITIES: Capabilities = {
  ...AS_AWS,
  checksSignatures: false,
  checksRegion: false,
  datesUploads: false,
  partOfGoneUpload: 'server error',
  completeOfAbortedUpload: 500,
  // All that it holds is in memory.
  keepsOverRestarts: false,
};

/** Python's moto, against which others test their S3 clients. */
contractSuite('moto', CAPABILITIES, async () => {
  const port = await freePorts(18_500);
  const url = `http://127.0.0.1:${port}`;
  const moto = await startProcess(
    [...needStore('moto'), '-H', '127.0.0.1', '-p', String(port)],
    { PATH: process.env.PATH, HOME: process.env.HOME },
    url,
  );
  const s3 = { url, region: 'us-east-1', bucket: 'fyemeet', ...KEYS };
  await makeBucket({ s3 });
  return { s3, restart: moto.restart, close: moto.stop };
});
