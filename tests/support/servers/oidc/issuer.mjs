// An OpenID provider for the tests: `node issuer.mjs FOLDER PORT`. Its keys and people lie in the folder.
// Anybody logs in by their name; `people.json` says what is claimed of each.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Provider } from "oidc-provider";

const [folder, port] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const claimsOf = (sub) => read("people.json")[sub] ?? {};
const claims = ["affiliation", "eduperson_scoped_affiliation", "isMemberOf"];

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: read("keys.json"),
  cookies: { keys: ["only-for-tests"] },
  clients: [
    {
      client_id: "syndb-lab",
      application_type: "native",
      token_endpoint_auth_method: "none",
      redirect_uris: ["http://127.0.0.1/callback"],
      grant_types: ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
      response_types: ["code"],
    },
  ],
  claims: { openid: ["sub", ...claims] },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...claimsOf(sub) }) }),
  extraTokenClaims: (_, token) => claimsOf(token.accountId),
  features: {
    deviceFlow: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "https://other.example.edu",
      useGrantedResource: () => true,
      getResourceServerInfo: (_, audience) => ({
        scope: "openid",
        audience,
        accessTokenFormat: "jwt",
        accessTokenTTL: 600,
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
