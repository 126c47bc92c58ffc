// Keycloak on PORT with the realm `hospital` of realm.json, imported into a database in memory at each start; its first start
// takes half a minute, since it builds itself.
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const home = realpathSync(fileURLToPath(new URL('../../../.peers/keycloak/current', import.meta.url)));
const imports = path.join(home, 'data/import');
const realm = readFileSync(new URL('realm.json', import.meta.url), 'utf8')
  .replace('{REDIRECT_URI}', process.env.REDIRECT_URI).replace('{SIGNED_OUT_URI}', process.env.SIGNED_OUT_URI);
// What the suite's own tests left would be imported too.
rmSync(imports, { recursive: true, force: true });
mkdirSync(imports, { recursive: true });
writeFileSync(path.join(imports, 'hospital-realm.json'), realm);

const keycloak = spawn(path.join(home, 'bin/kc.sh'), [
  'start-dev', '--import-realm', '--db=dev-mem', '--http-host=127.0.0.1', `--http-port=${process.env.PORT}`,
  `--hostname=http://127.0.0.1:${process.env.PORT}`, '--log-level=warn',
], { cwd: home, stdio: ['ignore', 2, 2] });
// The whole process group is told to stop; the last one leaves nothing for the suite's tests to import.
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => keycloak.kill(signal));
keycloak.on('exit', (code) => {
  rmSync(imports, { recursive: true, force: true });
  process.exit(code ?? 1);
});
