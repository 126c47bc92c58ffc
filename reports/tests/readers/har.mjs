// Reads a JSON list of HARs on standard input and judges each by npm har-validator. Prints nothing where all are right.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

// The packages stand in .peers, and this file does not.
const { har } = createRequire(process.argv[2] + "/")("har-validator/lib/promise");

for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    await har(JSON.parse(text));
  } catch (error) {
    console.log(JSON.stringify(error.errors ?? String(error)).slice(0, 4000));
    process.exit(1);
  }
}
