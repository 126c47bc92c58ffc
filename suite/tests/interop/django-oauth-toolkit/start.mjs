// PyPI django-oauth-toolkit (server.py) behind the glue proxy. Everything here is glue.
import { fileURLToPath } from 'node:url';
import { CAPABILITIES, PATIENT } from '../glue/smart.mjs';
import { CLIENTS, REDIRECT_URIS, SCOPES, OTHER_USER, USER } from '../glue/clients.mjs';
import { introspect, serve } from '../glue/proxy.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const port = Number(process.env.PORT ?? 9313);
const glue = { id: 'glue-fhir', secret: 'test-only-glue-fhir', method: 'client_secret_basic', grant: 'client-credentials' };

await serve({
  port,
  child: {
    command: [here('../../../../.peers/venv/bin/python'), here('server.py')],
    env: {
      PORT: String(port + 100),
      PUBLIC_ORIGIN: `http://127.0.0.1:${port}`,
      PATIENT_URL: `http://127.0.0.1:${port}/fhir/Patient/${PATIENT}`,
      SETUP: JSON.stringify({
        // The toolkit has no private_key_jwt: those clients are not registered, and the capability is not claimed.
        clients: [...CLIENTS.filter((c) => !c.key), glue], redirect_uris: REDIRECT_URIS, scopes: SCOPES, users: [USER, OTHER_USER],
      }),
      PYTHONUNBUFFERED: '1',
    },
  },
  metadataPaths: ['/.well-known/oauth-authorization-server/o', '/o/.well-known/openid-configuration'],
  contextPaths: ['/o/token/', '/o/introspect/'],
  scopes: SCOPES,
  capabilities: CAPABILITIES.filter((c) => c !== 'client-confidential-asymmetric'),
  validate: (token, upstream) => introspect(`${upstream}/o/introspect/`, glue, token),
});
