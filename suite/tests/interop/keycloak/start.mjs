// Keycloak from Maven (`bin/kc.sh start-dev`) behind the glue proxy. Everything here is glue: the realm is realm.json
// plus the clients of ../glue/clients.mjs, imported into a database in memory, so that every start is the same.
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CAPABILITIES, PATIENT } from '../glue/smart.mjs';
import { BY_URL, CLIENTS, REDIRECT_URIS, SCOPES } from '../glue/clients.mjs';
import { introspect, serve } from '../glue/proxy.mjs';

const port = Number(process.env.PORT ?? 9314);
const origin = `http://127.0.0.1:${port}`;
const home = realpathSync(fileURLToPath(new URL('../../../../.peers/keycloak/current', import.meta.url)));
const glue = { id: 'glue-fhir', secret: 'test-only-glue-fhir' };

function client(c) {
  return {
    clientId: c.id,
    protocol: 'openid-connect',
    publicClient: c.method === 'none',
    ...(c.secret && { secret: c.secret }),
    clientAuthenticatorType: c.key || c.jwksUri ? 'client-jwt' : 'client-secret',
    standardFlowEnabled: true,
    directAccessGrantsEnabled: false,
    consentRequired: true,
    fullScopeAllowed: true, // the role offline_access must reach the client
    redirectUris: REDIRECT_URIS,
    webOrigins: ['https://app.example'],
    defaultClientScopes: ['basic'],
    optionalClientScopes: SCOPES.split(' ').filter((scope) => scope !== 'openid'),
    attributes: {
      'pkce.code.challenge.method': 'S256',
      ...(c.key && {
        'token.endpoint.auth.signing.alg': c.key.alg,
        'use.jwks.string': 'true',
        'jwks.string': JSON.stringify({ keys: [c.key] }),
      }),
      ...(c.jwksUri && { 'token.endpoint.auth.signing.alg': 'RS384', 'use.jwks.url': 'true', 'jwks.url': c.jwksUri }),
    },
  };
}

const realm = JSON.parse(readFileSync(new URL('realm.json', import.meta.url), 'utf8')
  .replace('{PATIENT_URL}', `${origin}/fhir/Patient/${PATIENT}`));
realm.clients = [
  ...[...CLIENTS, BY_URL].map(client),
  {
    clientId: glue.id, secret: glue.secret, clientAuthenticatorType: 'client-secret', protocol: 'openid-connect',
    standardFlowEnabled: false, serviceAccountsEnabled: false, directAccessGrantsEnabled: false, redirectUris: [],
  },
];
mkdirSync(path.join(home, 'data/import'), { recursive: true });
writeFileSync(path.join(home, 'data/import/smart-realm.json'), JSON.stringify(realm, null, 2));

await serve({
  port,
  child: {
    command: [
      path.join(home, 'bin/kc.sh'), 'start-dev', '--import-realm', '--db=dev-mem', '--http-host=127.0.0.1',
      `--http-port=${port + 100}`, `--hostname=${origin}`, '--log-level=warn',
      // As shipped, the keys of a client are fetched once in ten seconds at most: every test of them would fail by that alone.
      // It compares whole seconds, so that 0 is a second.
      '--spi-public-key-storage--infinispan--min-time-between-requests=-1',
    ],
    cwd: home,
  },
  metadataPaths: ['/realms/smart/.well-known/openid-configuration'],
  contextPaths: ['/realms/smart/protocol/openid-connect/token', '/realms/smart/protocol/openid-connect/token/introspect'],
  scopes: SCOPES,
  capabilities: CAPABILITIES,
  validate: (token, upstream) => introspect(`${upstream}/realms/smart/protocol/openid-connect/token/introspect`, glue, token),
});
