// npm `oidc-provider` (the real server), with our SMART layer inside the same process.
//
// Real: every OAuth and OpenID endpoint, its checks, its sign-in and consent pages (devInteractions), its memory adapter.
// GLUE: below /fhir; the `aud` check in `extraParams`; `patient` in the token response, by the post-middleware that
// its manual describes ("Pre- and post-middlewares"). Each is marked GLUE below.
import http from 'node:http';
import { createRequire } from 'node:module';
import { generateKeyPairSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { CAPABILITIES, PATIENT, fhirEndpoint, smartConfiguration, wantsPatient } from '../glue/smart.mjs';
import { BY_URL, CLIENTS, REDIRECT_URIS, SCOPES } from '../glue/clients.mjs';

const peers = createRequire(new URL('../../../../.peers/npm/package.json', import.meta.url));
const { default: Provider, errors } = await import(pathToFileURL(peers.resolve('oidc-provider')));

const port = Number(process.env.PORT ?? 9311);
const issuer = `http://127.0.0.1:${port}`;
const fhirBase = `${issuer}/fhir`;

const signingKey = (alg) => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg,
});

const provider = new Provider(issuer, {
  clients: [...CLIENTS, BY_URL].map((c) => ({
    client_id: c.id,
    ...(c.secret && { client_secret: c.secret }),
    ...(c.key && { jwks: { keys: [c.key] }, token_endpoint_auth_signing_alg: c.key.alg }),
    ...(c.jwksUri && { jwks_uri: c.jwksUri, token_endpoint_auth_signing_alg: 'RS384' }),
    token_endpoint_auth_method: c.method,
    redirect_uris: REDIRECT_URIS,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: SCOPES,
  })),
  scopes: SCOPES.split(' '),
  claims: { openid: ['sub'], fhirUser: ['fhirUser'] },
  conformIdTokenClaims: false, // SMART wants fhirUser in the id_token itself
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, fhirUser: `${fhirBase}/Patient/${PATIENT}` }),
  }),
  responseTypes: ['code'],
  pkce: { required: () => true },
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  enabledJWA: { clientAuthSigningAlgValues: ['RS384', 'ES384'] },
  clientBasedCORS: () => true,
  // The provider fetches nothing from loopback unless its own guard is replaced; our key server is there.
  fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
  cookies: { keys: ['test-only-cookie-key'] },
  jwks: { keys: [signingKey('RS256')] },
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: { enabled: false }, // SMART has `aud` instead of `resource`
  },
  extraParams: {
    launch: null,
    aud(ctx, value) { // GLUE: the check that a SMART server owes; a trailing slash is forgiven
      // A pushed request is kept as a JWT, whose own `aud`, the issuer, hides the parameter of that name.
      if (ctx.oidc.entities.PushedAuthorizationRequest) return;
      if (value === undefined) throw new errors.InvalidRequest("missing required parameter 'aud'");
      if (value !== fhirBase && value !== `${fhirBase}/`) throw new errors.InvalidRequest("'aud' is not the FHIR base of this server");
    },
  },
});

// GLUE: the launch context, added to a response (token, introspection) that the server has already decided on.
provider.use(async (ctx, next) => {
  await next();
  if (ctx.status !== 200 || !wantsPatient(ctx.body?.scope)) return;
  if (ctx.oidc?.route === 'token') ctx.body = { ...ctx.body, patient: PATIENT, need_patient_banner: true };
  if (ctx.oidc?.route === 'introspection' && ctx.body.active) ctx.body = { ...ctx.body, patient: PATIENT };
});

// GLUE: as shipped, the keys behind a jwks_uri are kept for 60 seconds at least, whatever Cache-Control says, and every test of
// them would fail by that alone.
provider.use(async (ctx, next) => {
  if (ctx.path === '/token') (await provider.Client.find(BY_URL.id)).asymmetricKeyStore.freshUntil = 0;
  await next();
});

const oauth = provider.callback();
let smart;
const fhir = fhirEndpoint({ // GLUE
  fhirBase,
  smart: async () => smart ??= smartConfiguration(
    await (await fetch(`${issuer}/.well-known/openid-configuration`)).json(),
    { scopes: SCOPES, capabilities: CAPABILITIES },
  ),
  validate: async (token) => {
    const found = await provider.AccessToken.find(token);
    return found?.isValid ? { scope: found.scope } : null;
  },
});

const server = http.createServer(async (req, res) => {
  if (!await fhir(req, res)) oauth(req, res);
});
server.listen(port, '127.0.0.1', () => console.log(`ready ${fhirBase}`));
process.on('SIGTERM', () => { server.close(); server.closeAllConnections(); process.exit(0); });
