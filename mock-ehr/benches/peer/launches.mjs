// Whole launches at the mock, many at once: discovery to a read of the chosen patient, through the pages of sign-in, picker and
// consent. `node launches.mjs FHIR_BASE COUNT [CLIENT_ID SECRET SCOPE FILE]`: with FILE the refresh tokens are written there.
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { REDIRECT_URI, approve, fhirBase } from '../../tests/clients/user.mjs';

const [, count, id = 'app-public', secret, scope = 'launch/patient openid fhirUser offline_access patient/Patient.rs', file] = process.argv.slice(2);
const text = () => randomBytes(32).toString('base64url');

async function launch() {
  const smart = await (await fetch(`${fhirBase}/.well-known/smart-configuration`)).json();
  const [state, verifier] = [text(), text()];
  const address = new URL(smart.authorization_endpoint);
  address.search = new URLSearchParams({
    response_type: 'code', client_id: id, redirect_uri: REDIRECT_URI, scope, aud: fhirBase, state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  });
  const { searchParams: back } = await approve(address);
  if (back.get('state') !== state || !back.has('code')) throw new Error(`no code: ${back}`);
  const answer = await fetch(smart.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code', code: back.get('code'), redirect_uri: REDIRECT_URI, code_verifier: verifier, client_id: id,
      ...(secret && { client_secret: secret }),
    }),
  });
  const tokens = await answer.json();
  if (!answer.ok) throw new Error(`${answer.status}: ${tokens.error_description}`);
  if (scope.includes('Patient')) {
    const read = await fetch(`${fhirBase}/Patient/${tokens.patient}`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    const patient = await read.json();
    if (patient.id !== 'patient-b') throw new Error(`${read.status}: not the chosen patient`);
  }
  return tokens;
}

const began = performance.now();
const ended = await Promise.allSettled(Array.from({ length: Number(count) }, launch));
const failed = ended.filter(({ status }) => status === 'rejected');
for (const { reason } of failed.slice(0, 3)) console.error(reason);
console.log(`${ended.length} launches at once: ${failed.length} failed, ${((performance.now() - began) / 1000).toFixed(2)} s`);
if (file) writeFileSync(file, `${ended.map(({ value }) => value?.refresh_token).filter(Boolean).join('\n')}\n`);
process.exitCode = failed.length ? 1 : 0;
