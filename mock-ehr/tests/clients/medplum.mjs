// `@medplum/core`: its own launch of a public client, refresh and reads, and the `plain` to which it falls back where it cannot
// make a challenge: without `window` on a server, or without SubtleCrypto on any http page that is not on loopback.
import { REDIRECT_URI, SCOPES, approve, fhirBase, library, nameOf, refusal, tell } from './user.mjs';

const { ClientStorage, MedplumClient, MemoryStorage } = await library('@medplum/core');

// What it wants of a browser; the verifier is kept in the session storage.
globalThis.window = globalThis;
const kept = new Map();
globalThis.sessionStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };

const smart = await (await fetch(`${fhirBase}/.well-known/smart-configuration`)).json();
// It knows no `aud`, but keeps what the address already has.
const authorizeUrl = `${smart.authorization_endpoint}?${new URLSearchParams({ aud: fhirBase })}`;
const medplum = new MedplumClient({
  fetch, authorizeUrl, baseUrl: new URL(fhirBase).origin, fhirUrlPath: 'fhir', tokenUrl: smart.token_endpoint, clientId: 'app-public',
  storage: new ClientStorage(new MemoryStorage()), cacheTime: 0,
});
const leave = async () => medplum.getExternalAuthRedirectUri(authorizeUrl, 'app-public', REDIRECT_URI,
  await medplum.ensureCodeChallenge({ scope: SCOPES }));

const address = await leave();
const callback = await approve(address);
await medplum.processCode(callback.searchParams.get('code'), { clientId: 'app-public', redirectUri: REDIRECT_URI });
const before = medplum.getAccessToken();
const name = nameOf(await medplum.readResource('Patient', 'patient-b'));
const observations = await medplum.searchResources('Observation', 'patient=patient-b&_count=3');
await medplum.refresh();

delete globalThis.window;
console.warn = () => {}; // It says so.
const downgraded = new URL(await leave());

tell({
  state_came_back: callback.searchParams.get('state') === new URL(address).searchParams.get('state'),
  name,
  observations: observations.length,
  refreshed: medplum.getAccessToken() !== before,
  name_after_refresh: nameOf(await medplum.readResource('Patient', 'patient-b')),
  aud: await refusal(address, 'aud', 'https://other.example/fhir'),
  downgraded_to: downgraded.searchParams.get('code_challenge_method'),
  plain: await refusal(downgraded, 'aud', fhirBase),
});
