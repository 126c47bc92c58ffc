// `openid-client`: a confidential client with a secret, found by OpenID discovery; id_token, userinfo, refresh, PAR, revocation.
import { REDIRECT_URI, SCOPES, approve, fhirBase, library, nameOf, refusal, tell } from './user.mjs';

const openid = await library('openid-client');

// `allowInsecureRequests`: the mock speaks http on loopback.
const config = await openid.discovery(new URL(new URL(fhirBase).origin), 'app-symmetric', undefined,
  openid.ClientSecretBasic('test-only s3cret:+/=%& value'), { execute: [openid.allowInsecureRequests] });

const [verifier, state, nonce] = [openid.randomPKCECodeVerifier(), openid.randomState(), openid.randomNonce()];
const request = {
  redirect_uri: REDIRECT_URI, scope: SCOPES, aud: fhirBase, state, nonce,
  code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
};
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
const address = openid.buildAuthorizationUrl(config, request);

const get = (path, token) => openid.fetchProtectedResource(config, token, new URL(`${fhirBase}/${path}`), 'GET');
const read = async (tokens) => nameOf(await (await get(`Patient/${tokens.patient}`, tokens.access_token)).json());

const tokens = await openid.authorizationCodeGrant(config, await approve(address), checks);
const { sub, fhirUser } = tokens.claims();
const name = await read(tokens);
const userinfo = await openid.fetchUserInfo(config, tokens.access_token, sub);

const later = await openid.refreshTokenGrant(config, tokens.refresh_token);
const name_after_refresh = await read(later);
await openid.tokenRevocation(config, later.access_token);
const revoked = await get(`Patient/${later.patient}`, later.access_token)
  .then((answer) => answer.status, (error) => error.status ?? error.message);

const pushed = await openid.buildAuthorizationUrlWithPAR(config, request);
const by_push = await openid.authorizationCodeGrant(config, await approve(pushed), checks);

tell({
  patient: tokens.patient,
  user: fhirUser,
  name,
  userinfo_agrees: userinfo.fhirUser === fhirUser,
  refreshed: tokens.access_token !== later.access_token,
  name_after_refresh,
  revoked,
  pushed_without_parameters: !pushed.searchParams.has('code_challenge'),
  name_by_push: await read(by_push),
  aud: await refusal(address, 'aud', 'https://other.example/fhir'),
  plain: await refusal(address, 'code_challenge_method', 'plain'),
});
