// npm `fhirclient` on a server: standalone launch of a public client, refresh, and reads.
import { REDIRECT_URI, SCOPES, approve, fhirBase, library, nameOf, refusal, tell } from './user.mjs';

const { default: smart } = await library('fhirclient');

// What Express would hand over; a session is any object.
const session = {};
const visit = (url) => {
  const request = { url, headers: { host: new URL(REDIRECT_URI).host }, socket: {}, session };
  const response = { writeHead(status, { location }) { this.location = location; }, end() {} };
  return { response, api: smart(request, response) };
};

const launch = visit('/launch');
await launch.api.authorize({ iss: fhirBase, clientId: 'app-public', scope: SCOPES, redirectUri: REDIRECT_URI, pkceMode: 'required' });
const address = launch.response.location;

const callback = await approve(address);
const client = await visit(callback.pathname + callback.search).api.ready();
const name = nameOf(await client.patient.read());
const observations = await client.patient.request('Observation?_count=3', { pageLimit: 0, flat: true }); // all pages

// As it comes, it sends no client_id with a refresh: the token alone says who asks.
const before = client.getState('tokenResponse.access_token');
await client.refresh();
const after = client.getState('tokenResponse.access_token');

tell({
  patient: client.patient.id,
  user: client.user.fhirUser,
  name,
  observations: observations.length,
  of_the_patient: observations.every((one) => one.subject.reference === `Patient/${client.patient.id}`),
  refreshed: before !== after,
  name_after_refresh: nameOf(await client.patient.read()),
  aud: await refusal(address, 'aud', 'https://other.example/fhir'),
  plain: await refusal(address, 'code_challenge_method', 'plain'),
});
