/**
 * The REST and Auth API of the embedded Supabase, as one process.
 *
 * Environment: TIDEWIRE_API_PORT, TIDEWIRE_API_DSN (role authenticator), TIDEWIRE_AUTH_ADMIN_DSN
 * (role supabase_auth_admin), TIDEWIRE_JWT_SECRET, TIDEWIRE_PUBLISHABLE_KEY, TIDEWIRE_SECRET_KEY,
 * TIDEWIRE_SITE_URL.
 */
import { createAdaptorServer } from "@hono/node-server";
import { App } from "@supabase/lite";

import { ApiConnection } from "./api_connection.mjs";
import { required } from "./environment.mjs";
import { jsonTypes, marked } from "./json_arguments.mjs";

const CONNECTIONS = 20;
const RECONNECT_PAUSE_S = 0.2;
const RELOAD_PAUSE_MS = 50;
const CLOSE_LIMIT_MS = 3_000;

const config = {
  api: { schemas: ["public"], max_rows: 1000 },
  db: { migrations: { enabled: false } },
  studio: { enabled: false },
  storage: { enabled: false },
  auth: {
    enabled: true,
    site_url: required("TIDEWIRE_SITE_URL"),
    additional_redirect_urls: ["http://localhost:*", "http://127.0.0.1:*"],
    jwt_secret: required("TIDEWIRE_JWT_SECRET"),
    publishable_key: required("TIDEWIRE_PUBLISHABLE_KEY"),
    secret_key: required("TIDEWIRE_SECRET_KEY"),
    enable_signup: true,
    email: { enable_signup: true, enable_confirmations: false },
  },
  options: { server: { admin: false, disableStudio: true } },
};

await makeAuthTables(connect(required("TIDEWIRE_AUTH_ADMIN_DSN"), 1));
const connection = connect(required("TIDEWIRE_API_DSN"), CONNECTIONS);
const app = new App({ connection, ...config });
await connection.reload();
await followSchema();

const server = createAdaptorServer({ fetch: serve });
// Longer than the proxy keeps an idle connection, so that none closes under a request.
server.keepAliveTimeout = 60_000;
server.listen(Number(required("TIDEWIRE_API_PORT")), "127.0.0.1", () => console.log("api is ready"));

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, close);

async function serve(request, env) {
  if (new URL(request.url).pathname === "/health") return Response.json({ status: "ok" });
  const exact = await marked(request, connection.jsonArguments);
  return app.fetch(exact, { peerAddress: env?.incoming?.socket?.remoteAddress ?? null });
}

function connect(url, max) {
  const postgresOptions = {
    max,
    backoff: () => RECONNECT_PAUSE_S,
    onnotice: () => {},
    connection: { application_name: "tidewire-api" },
    types: {
      ...jsonTypes,
      timestamptz: { to: 1184, from: [1184], serialize: String, parse: rfc3339 },
    },
  };
  return new ApiConnection({ url, postgresOptions });
}

/** Postgres' text of a timestamp as the hosted Auth API writes it: supabase-py refuses the other. */
function rfc3339(text) {
  return text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");
}

/** Makes what is missing in schema auth. The library swallows the errors of its script. */
async function makeAuthTables(admin) {
  await new App({ connection: admin, ...config }).ensureSystemSchema();
  const [{ made }] = await admin.driver`
    select to_regclass('auth.users') is not null and to_regclass('auth.sessions') is not null as made
  `;
  await admin.close();
  if (!made) throw new Error("the tables of schema auth could not be made");
}

/** Reads the schema again after a change to it; changes close together count once. */
async function followSchema() {
  let timer;
  const reload = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      connection.reload().catch((error) => console.error("schema could not be read:", error.message));
    }, RELOAD_PAUSE_MS);
  };
  await connection.driver.listen("pgrst", reload, reload);
}

/** Lets running requests finish. Database sessions hold nothing then, and end with the process. */
function close() {
  setTimeout(() => process.exit(0), CLOSE_LIMIT_MS).unref();
  server.close(() => process.exit(0));
  server.closeIdleConnections();
}
