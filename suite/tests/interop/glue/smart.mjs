// GLUE (ours, not the servers'): the thin SMART layer that every server under test lacks.
//
// A generic OAuth server has no FHIR endpoint and no smart-configuration. The functions here make both from what the
// server itself says, so that the suite has something to discover. Nothing here judges a request of OAuth.

/** The patient in whose context every launch of these servers happens, and one that the token must not open. */
export const PATIENT = 'patient-a';
export const OTHER_PATIENT = 'patient-b';

const PATIENTS = {
  [PATIENT]: { family: 'Marsh', given: ['Ada'], gender: 'female', birthDate: '1961-04-02' },
  [OTHER_PATIENT]: { family: 'Quill', given: ['Ben'], gender: 'male', birthDate: '1984-11-30' },
};

/** Whether the granted scopes bring a patient into context. */
export function wantsPatient(scope) {
  return String(scope ?? '').split(' ').some((s) => s === 'launch/patient' || s.startsWith('patient/'));
}

/**
 * `.well-known/smart-configuration`, from the server's own openid-configuration or RFC 8414 metadata.
 * Members that both documents share are copied as they are, so that what the server claims is what gets tested.
 */
export function smartConfiguration(metadata, { scopes, capabilities }) {
  const shared = [
    'issuer', 'jwks_uri', 'authorization_endpoint', 'token_endpoint', 'introspection_endpoint', 'revocation_endpoint',
    'token_endpoint_auth_methods_supported', 'token_endpoint_auth_signing_alg_values_supported',
    'response_types_supported', 'grant_types_supported', 'code_challenge_methods_supported',
  ];
  const document = {};
  for (const name of shared) if (metadata[name] !== undefined) document[name] = metadata[name];
  document.scopes_supported = scopes.split(' ');
  document.capabilities = capabilities;
  return document;
}

export const CAPABILITIES = [
  'launch-standalone', 'client-public', 'client-confidential-symmetric', 'client-confidential-asymmetric',
  'sso-openid-connect', 'context-standalone-patient', 'permission-offline', 'permission-patient', 'permission-v2',
];

export function capabilityStatement(fhirBase, smart) {
  const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2025-01-01',
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['application/fhir+json'],
    implementation: { description: 'Interop peer of launchproof', url: fhirBase },
    rest: [{
      mode: 'server',
      security: {
        service: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' }] }],
        extension: [{
          url: OAUTH_URIS,
          extension: [
            { url: 'authorize', valueUri: smart.authorization_endpoint },
            { url: 'token', valueUri: smart.token_endpoint },
          ],
        }],
      },
      resource: [{
        type: 'Patient',
        interaction: [{ code: 'read' }, { code: 'search-type' }],
        searchParam: [{ name: '_id', type: 'token' }],
      }],
    }],
  };
}

const FHIR_JSON = 'application/fhir+json; charset=utf-8';

function outcome(code, text) {
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, details: { text } }] };
}

/** The answer carries CORS headers as a browser app needs; the OAuth endpoints keep whatever their server sends. */
function send(res, status, type, body, headers = {}) {
  const bytes = Buffer.from(JSON.stringify(body));
  res.writeHead(status, {
    'Content-Type': type, 'Content-Length': bytes.length, 'Access-Control-Allow-Origin': '*', ...headers,
  });
  res.end(bytes);
}

/**
 * Answers requests below `/fhir`; returns false for every other path.
 *
 * `smart()` gives the smart-configuration; `validate(token)` asks the real server and gives `{ scope }` or null.
 */
export function fhirEndpoint({ fhirBase, smart, validate }) {
  return async function handle(req, res) {
    const path = req.url.split('?')[0];
    if (path !== '/fhir' && !path.startsWith('/fhir/')) return false;
    if (req.method === 'OPTIONS') {
      res.writeHead(204, {
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Allow-Methods': 'GET, OPTIONS',
        'Access-Control-Allow-Headers': 'authorization, accept, content-type',
      });
      res.end();
    } else if (req.method !== 'GET' && req.method !== 'HEAD') {
      send(res, 405, FHIR_JSON, outcome('not-supported', `${req.method} is not supported`), { Allow: 'GET, HEAD' });
    } else if (path === '/fhir/.well-known/smart-configuration') {
      send(res, 200, 'application/json', await smart());
    } else if (path === '/fhir/metadata') {
      send(res, 200, FHIR_JSON, capabilityStatement(fhirBase, await smart()));
    } else {
      await protectedResource(req, res, path, validate);
    }
    return true;
  };
}

async function protectedResource(req, res, path, validate) {
  const [, token] = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '') ?? [];
  if (!token) {
    return send(res, 401, FHIR_JSON, outcome('login', 'A bearer token is needed'), { 'WWW-Authenticate': 'Bearer realm="fhir"' });
  }
  const grant = await validate(token);
  if (!grant) {
    return send(res, 401, FHIR_JSON, outcome('login', 'The server does not know this token'), {
      'WWW-Authenticate': 'Bearer realm="fhir", error="invalid_token"',
    });
  }
  const allows = (letter) => String(grant.scope ?? '').split(' ').some((scope) => {
    const [, what] = /^patient\/(?:\*|Patient)\.(read|\*|c?r?u?d?s?)$/.exec(scope) ?? [];
    return what && (what === 'read' || what === '*' || what.includes(letter));
  });
  const search = path === '/fhir/Patient';
  const [, id] = /^\/fhir\/Patient\/([A-Za-z0-9.-]{1,64})$/.exec(path) ?? [];
  if (!allows(search ? 's' : 'r') || (id && id !== PATIENT)) {
    return send(res, 403, FHIR_JSON, outcome('forbidden', 'The token does not reach this resource'), {
      'WWW-Authenticate': 'Bearer realm="fhir", error="insufficient_scope"',
    });
  }
  if (search) return send(res, 200, FHIR_JSON, found(new URL(req.url, 'http://glue').searchParams));
  if (!id) return send(res, 404, FHIR_JSON, outcome('not-found', 'Only Patient/{id} is served here'));
  return send(res, 200, FHIR_JSON, patient(id));
}

function patient(id) {
  const { family, given, ...rest } = PATIENTS[id];
  return { resourceType: 'Patient', id, name: [{ family, given }], ...rest };
}

/** A search for patients finds the one in context, or nobody; only `_id` narrows it. */
function found(query) {
  const ids = query.has('_id') ? query.get('_id').split(',') : [PATIENT];
  const entry = ids.includes(PATIENT) ? [{ resource: patient(PATIENT), search: { mode: 'match' } }] : [];
  return { resourceType: 'Bundle', type: 'searchset', total: entry.length, entry };
}
