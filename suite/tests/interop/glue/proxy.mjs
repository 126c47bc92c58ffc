// GLUE: a reverse proxy for servers that have no room for our SMART layer inside (Keycloak, Django).
//
// The real server listens on PORT + 100 and is told that its public address is the proxy's, PORT, as in any deployment
// behind a proxy. Everything is passed through as it came, byte for byte and header for header, refusals above all.
// Exactly two things are ours: paths below /fhir, and the members `patient` and `need_patient_banner` that are added to a
// *successful* token response (`patient` also to an active introspection response) whose scope asks for a patient.
import http from 'node:http';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { PATIENT, fhirEndpoint, smartConfiguration, wantsPatient } from './smart.mjs';

/** A token or introspection response with the launch context, or null where the body is to stay as it is. */
function withPatient(status, body) {
  if (status !== 200) return null;
  try {
    const answer = JSON.parse(body.toString('utf8'));
    if (!wantsPatient(answer.scope)) return null;
    if (answer.access_token) return Buffer.from(JSON.stringify({ ...answer, patient: PATIENT, need_patient_banner: true }));
    if (answer.active === true) return Buffer.from(JSON.stringify({ ...answer, patient: PATIENT }));
    return null;
  } catch {
    return null;
  }
}

/** Raw headers without those that the proxy's own connection sets anew. */
function passed(rawHeaders, dropped = []) {
  const out = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!['connection', 'keep-alive', 'transfer-encoding', ...dropped].includes(rawHeaders[i].toLowerCase())) {
      out.push(rawHeaders[i], rawHeaders[i + 1]);
    }
  }
  return out;
}

function readAll(stream) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks))).on('error', reject);
  });
}

async function forward(req, res, { upstreamPort, contextPaths }) {
  const hasContext = contextPaths.includes(req.url.split('?')[0]);
  const body = await readAll(req);
  const headers = passed(req.rawHeaders, hasContext ? ['accept-encoding', 'content-length'] : ['content-length']);
  if (body.length || ['POST', 'PUT', 'PATCH'].includes(req.method)) headers.push('Content-Length', String(body.length));
  const upstream = http.request({ maxHeaderSize: 1 << 20, host: '127.0.0.1', port: upstreamPort, method: req.method, path: req.url, headers, setHost: false });
  upstream.on('error', (error) => {
    // Not an answer of the server under test: 502, which the suite never takes for a refusal.
    if (!res.headersSent) res.writeHead(502, { 'Content-Type': 'text/plain' });
    res.end(`glue: the server behind did not answer: ${error.message}\n`);
  });
  upstream.on('response', async (answer) => {
    let bytes;
    try {
      bytes = await readAll(answer);
    } catch (error) {
      upstream.destroy(error);
      return;
    }
    if (res.headersSent) return; // the connection broke after the head of the answer: a 502 was sent
    const changed = hasContext ? withPatient(answer.statusCode, bytes) : null;
    const out = changed ?? bytes;
    const raw = passed(answer.rawHeaders, ['content-length']);
    const bodyless = req.method === 'HEAD' || answer.statusCode === 204 || answer.statusCode === 304;
    if (!bodyless) raw.push('Content-Length', String(out.length));
    res.sendDate = false; // the server's own Date is passed on
    res.writeHead(answer.statusCode, answer.statusMessage, raw);
    res.end(bodyless ? undefined : out);
  });
  upstream.end(body);
}

/** A document of the server behind, asked for under its public name. */
function getJson(upstreamPort, path, host) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port: upstreamPort, path, headers: { host, accept: 'application/json' } }, async (res) => {
      try {
        const body = await readAll(res);
        if (res.statusCode !== 200) throw new Error(`${res.statusCode} from ${path}`);
        resolve(JSON.parse(body.toString('utf8')));
      } catch (error) {
        reject(error);
      }
    }).on('error', reject);
  });
}

/**
 * Starts the real server as a child, waits until its metadata answers, then listens and prints `ready URL`.
 * `keySets` are what clients would serve at their jwks_uri, by path, for a server that takes keys from an address alone.
 * The child lives no longer than we do: it gets a SIGTERM with us, and setpriv does the same should we be killed.
 */
export async function serve({ port, child, metadataPaths, contextPaths, validate, scopes, capabilities, keySets = {} }) {
  const upstreamPort = port + 100;
  const origin = `http://127.0.0.1:${port}`;
  const fhirBase = `${origin}/fhir`;
  const setpriv = '/usr/bin/setpriv';
  const guarded = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'TERM', ...child.command] : child.command;
  const running = spawn(guarded[0], guarded.slice(1), { cwd: child.cwd, env: { ...process.env, ...child.env }, stdio: ['ignore', 2, 2] });
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    server.close();
    server.closeAllConnections();
    if (running.exitCode !== null || running.signalCode !== null) process.exit(0);
    setTimeout(() => running.kill('SIGKILL'), 8000).unref();
    running.kill('SIGTERM');
  };
  running.on('error', (error) => { console.error(error.message); process.exit(1); });
  running.on('exit', (code) => {
    if (!stopping) console.error(`the server behind ended with ${code}`);
    process.exit(stopping ? 0 : 1);
  });
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  const metadata = async () => Object.assign({}, ...await Promise.all(metadataPaths.map((path) => getJson(upstreamPort, path, `127.0.0.1:${port}`))));
  let smart;
  const fhir = fhirEndpoint({
    fhirBase,
    smart: async () => smart ??= smartConfiguration(await metadata(), { scopes, capabilities }),
    validate: (token) => validate(token, `http://127.0.0.1:${upstreamPort}`, origin),
  });
  const server = http.createServer({ maxHeaderSize: 1 << 20 }, async (req, res) => {
    try {
      const keys = keySets[req.url];
      if (keys) {
        res.writeHead(200, { 'Content-Type': 'application/json' });
        res.end(JSON.stringify(keys));
      } else if (!await fhir(req, res)) await forward(req, res, { upstreamPort, contextPaths });
    } catch (error) {
      if (!res.headersSent) res.writeHead(502, { 'Content-Type': 'text/plain' });
      res.end(`glue: ${error.message}\n`);
    }
  });

  const deadline = Date.now() + 240_000;
  for (;;) {
    try {
      await metadata();
      break;
    } catch (error) {
      if (Date.now() > deadline) { console.error(`not ready in time: ${error.message}`); stop(); return; }
      await new Promise((resolve) => { setTimeout(resolve, 200); });
    }
  }
  server.listen(port, '127.0.0.1', () => console.log(`ready ${fhirBase}`));
}

/** RFC 7662 introspection by a client that is there for it alone. */
export async function introspect(endpoint, { id, secret }, token, headers = {}) {
  const res = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`, ...headers },
    body: new URLSearchParams({ token }),
  });
  if (!res.ok) throw new Error(`introspection answered ${res.status}`);
  const answer = await res.json();
  return answer.active ? { scope: answer.scope } : null;
}
