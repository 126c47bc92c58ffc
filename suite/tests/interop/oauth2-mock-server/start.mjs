// npm `oauth2-mock-server` (the real server: a stand-in for tests, which checks next to nothing), with our SMART layer
// inside the same process. It is here because a conformance suite that finds little at this server is broken.
//
// Real: the authorization, token, JWKS, introspection and revocation endpoints, by the package's own request handler.
// GLUE: below /fhir, and `patient` in the token and introspection responses by the package's own events.
import http from 'node:http';
import { createPublicKey, verify } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { CAPABILITIES, PATIENT, fhirEndpoint, smartConfiguration } from '../glue/smart.mjs';
import { SCOPES } from '../glue/clients.mjs';

const peers = createRequire(new URL('../../../../.peers/npm/package.json', import.meta.url));
const { OAuth2Issuer, OAuth2Service } = await import(pathToFileURL(peers.resolve('oauth2-mock-server')));

const port = Number(process.env.PORT ?? 9312);
const origin = `http://127.0.0.1:${port}`;
const fhirBase = `${origin}/fhir`;

const issuer = new OAuth2Issuer();
issuer.url = origin;
await issuer.keys.generate('RS256');
const service = new OAuth2Service(issuer);

// GLUE: the server answers with the scope `dummy` whatever was asked for, so that the scope cannot say when a patient
// belongs into the response; every user's grant gets one.
service.on('beforeResponse', (response, req) => {
  if (response.statusCode === 200 && req.body.grant_type !== 'client_credentials') response.body.patient = PATIENT;
});
service.on('beforeIntrospect', (response) => { response.body.patient = PATIENT; }); // GLUE

// GLUE: the server's introspection calls every token active, so a token is judged by the server's own signature.
function validate(token) {
  const [header, payload, signature, ...more] = token.split('.');
  if (!signature || more.length) return null;
  try {
    const read = (part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    const jwk = issuer.keys.toJSON().find((key) => key.kid === read(header).kid);
    const signed = jwk && verify('sha256', Buffer.from(`${header}.${payload}`), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url'));
    // With the scope `dummy` nothing could be read at all, which would only hide what else there is to see.
    return signed && read(payload).exp > Date.now() / 1000 ? { scope: SCOPES } : null;
  } catch {
    return null;
  }
}

let smart;
const fhir = fhirEndpoint({ // GLUE
  fhirBase,
  smart: async () => smart ??= smartConfiguration(
    await (await fetch(`${origin}/.well-known/openid-configuration`)).json(),
    { scopes: SCOPES, capabilities: CAPABILITIES },
  ),
  validate: async (token) => validate(token),
});

const server = http.createServer(async (req, res) => {
  if (!await fhir(req, res)) service.requestHandler(req, res);
});
server.listen(port, '127.0.0.1', () => console.log(`ready ${fhirBase}`));
process.on('SIGTERM', () => { server.close(); server.closeAllConnections(); process.exit(0); });
