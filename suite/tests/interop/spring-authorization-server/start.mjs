// Spring Authorization Server (src/main/java/interop/Server.java) behind the glue proxy. Everything here is glue.
import { fileURLToPath } from 'node:url';
import { CAPABILITIES, PATIENT } from '../glue/smart.mjs';
import { BY_URL, CLIENTS, REDIRECT_URIS, SCOPES, OTHER_USER, USER } from '../glue/clients.mjs';
import { introspect, serve } from '../glue/proxy.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const port = Number(process.env.PORT ?? 9316);
const origin = `http://127.0.0.1:${port}`;
const glue = { id: 'glue-fhir', secret: 'test-only-glue-fhir', method: 'client_secret_basic' };
// The server takes a client's keys from an address only: the glue serves them beside the FHIR endpoint, but for BY_URL's.
const keySets = Object.fromEntries(CLIENTS.filter((c) => c.key).map((c) => [`/fhir/glue/jwks/${c.id}`, { keys: [c.key] }]));

await serve({
  port,
  child: {
    command: ['java', '-XX:TieredStopAtLevel=1', '-jar', here('../../../../.peers/spring-authorization-server/target/server.jar')],
    env: {
      PORT: String(port + 100),
      PUBLIC_ORIGIN: origin,
      SETUP: JSON.stringify({
        clients: [...CLIENTS, BY_URL, glue], redirect_uris: REDIRECT_URIS, scopes: SCOPES, users: [USER, OTHER_USER],
        patient_url: `${origin}/fhir/Patient/${PATIENT}`,
      }),
    },
  },
  metadataPaths: ['/.well-known/openid-configuration'],
  contextPaths: ['/oauth2/token', '/oauth2/introspect'],
  scopes: SCOPES,
  capabilities: CAPABILITIES,
  keySets,
  validate: (token, upstream) => introspect(`${upstream}/oauth2/introspect`, glue, token),
});
