// `oauth4webapi`: a confidential client with a key (ES384), found by RFC 8414 metadata; refresh, and an assertion made for
// another server.
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { REDIRECT_URI, SCOPES, approve, fhirBase, library, nameOf, refusal, tell } from './user.mjs';

const oauth = await library('oauth4webapi');
const insecure = { [oauth.allowInsecureRequests]: true }; // The mock speaks http on loopback.

const issuer = new URL(new URL(fhirBase).origin);
const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
const server = await oauth.processDiscoveryResponse(issuer, found);

const client = { client_id: 'app-asymmetric' };
const jwk = JSON.parse(readFileSync(new URL('../../../fixtures/keys/client_es384.private.jwk.json', import.meta.url)));
const key = await crypto.subtle.importKey('pkcs8', createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'der' }),
  { name: 'ECDSA', namedCurve: 'P-384' }, false, ['sign']);
const proof = (audience = server.token_endpoint) => oauth.PrivateKeyJwt({ key, kid: jwk.kid },
  { [oauth.modifyAssertion]: (header, claims) => { claims.aud = audience; } });

const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
const address = new URL(server.authorization_endpoint);
address.search = new URLSearchParams({
  response_type: 'code', client_id: client.client_id, redirect_uri: REDIRECT_URI, scope: SCOPES, aud: fhirBase, state, nonce,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
});

const exchange = async (callback, authentication) => oauth.processAuthorizationCodeResponse(server, client,
  await oauth.authorizationCodeGrantRequest(server, client, authentication, callback, REDIRECT_URI, verifier, insecure),
  { expectedNonce: nonce, requireIdToken: true });
const allowed = async () => oauth.validateAuthResponse(server, client, await approve(address), state);
const read = async ({ access_token, patient }) => nameOf(await (await oauth.protectedResourceRequest(
  access_token, 'GET', new URL(`${fhirBase}/Patient/${patient}`), undefined, undefined, insecure)).json());

const tokens = await exchange(await allowed(), proof());
const later = await oauth.processRefreshTokenResponse(server, client,
  await oauth.refreshTokenGrantRequest(server, client, proof(), tokens.refresh_token, insecure));

tell({
  patient: tokens.patient,
  user: oauth.getValidatedIdTokenClaims(tokens).fhirUser,
  name: await read(tokens),
  refreshed: tokens.access_token !== later.access_token,
  name_after_refresh: await read(later),
  assertion_for_another_server: await exchange(await allowed(), proof('https://other.example/token'))
    .then(() => 'a token was given', async ({ response }) => (await response.json()).error),
  aud: await refusal(address, 'aud', 'https://other.example/fhir'),
  plain: await refusal(address, 'code_challenge_method', 'plain'),
});
