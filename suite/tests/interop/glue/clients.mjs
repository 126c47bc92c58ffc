// GLUE: the clients, the same at every server, so that the profiles in fixtures/targets differ only in what the server
// makes different. Secrets and keys are test data; app-basic-2 has characters that RFC 6749 §2.3.1 has encoded first.
import { readFileSync } from 'node:fs';

const KEYS = new URL('../../../../fixtures/keys/', import.meta.url);

function publicHalf(file) {
  const { kty, kid, use, alg, n, e, crv, x, y } = JSON.parse(readFileSync(new URL(file, KEYS), 'utf8'));
  return JSON.parse(JSON.stringify({ kty, kid, use, alg, n, e, crv, x, y }));
}

export const SCOPES = 'openid fhirUser offline_access launch/patient patient/*.rs patient/Patient.rs '
  + 'patient/Patient.r patient/Patient.s patient/Patient.cruds';
export const REDIRECT_URIS = ['https://app.example/cb', 'https://app.example/cb2', 'http://127.0.0.1:4567/callback',
  'https://app.example/cb?tenant=7'];

export const CLIENTS = [
  { id: 'app-public-1', method: 'none' },
  { id: 'app-public-2', method: 'none' },
  { id: 'app-basic-1', method: 'client_secret_basic', secret: 'test-only-basic-1-c2b1f0f3a9d04e6d' },
  { id: 'app-basic-2', method: 'client_secret_basic', secret: 'test-only basic+2/with:100%&reserved=Q7' },
  { id: 'app-post-1', method: 'client_secret_post', secret: 'test-only-post-1-7be94d1c5f6a4c88' },
  { id: 'app-rs384', method: 'private_key_jwt', key: publicHalf('client_rs384.private.jwk.json') },
  { id: 'app-es384', method: 'private_key_jwt', key: publicHalf('client_es384.private.jwk.json') },
];

/** Its keys are where launchproof answers during a run: the same address stands in the profiles. */
export const BY_URL = { id: 'app-by-url', method: 'private_key_jwt', jwksUri: 'http://127.0.0.1:9390/app-by-url/jwks.json' };

export const USER = { username: 'demo', password: 'demo-password' };
/** Sits in another browser. */
export const OTHER_USER = { username: 'other', password: 'other-password' };
