// The example server of github.com/zitadel/oidc (main.go) behind the glue proxy. Everything here is glue.
import { fileURLToPath } from 'node:url';
import { CAPABILITIES, PATIENT } from '../glue/smart.mjs';
import { CLIENTS, REDIRECT_URIS, SCOPES, USER } from '../glue/clients.mjs';
import { introspect, serve } from '../glue/proxy.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const port = Number(process.env.PORT ?? 9315);
const origin = `http://127.0.0.1:${port}`;
const glue = { id: 'glue-fhir', secret: 'test-only-glue-fhir', method: 'client_secret_basic' };

await serve({
  port,
  child: {
    command: [here('../../../../.peers/zitadel/server')],
    env: {
      PORT: String(port + 100),
      PUBLIC_ORIGIN: origin,
      SETUP: JSON.stringify({
        // private_key_jwt is RS256 alone here, which no SMART client signs with: the capability is not claimed.
        clients: [...CLIENTS.filter((c) => !c.key), glue], redirect_uris: REDIRECT_URIS, scopes: SCOPES, user: USER,
        patient_url: `${origin}/fhir/Patient/${PATIENT}`, fhir: glue.id,
      }),
    },
  },
  metadataPaths: ['/.well-known/openid-configuration'],
  contextPaths: ['/oauth/token', '/oauth/introspect'],
  scopes: SCOPES,
  capabilities: CAPABILITIES.filter((c) => c !== 'client-confidential-asymmetric'),
  validate: (token, upstream) => introspect(`${upstream}/oauth/introspect`, glue, token),
});
