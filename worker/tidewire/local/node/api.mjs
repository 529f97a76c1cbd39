/**
 * The REST and Auth API of the embedded Supabase, as one process.
 *
 * Environment: TIDEWIRE_API_PORT, TIDEWIRE_API_DSN (role authenticator), TIDEWIRE_JWT_SECRET,
 * TIDEWIRE_PUBLISHABLE_KEY, TIDEWIRE_SECRET_KEY, TIDEWIRE_SITE_URL.
 */
import { createAdaptorServer } from "@hono/node-server";
import { App } from "@supabase/lite";

import { ApiConnection } from "./api_connection.mjs";
import { required } from "./environment.mjs";

const RELOAD_PAUSE_MS = 50;
const CLOSE_LIMIT_MS = 3_000;

const connection = new ApiConnection({
  url: required("TIDEWIRE_API_DSN"),
  postgresOptions: {
    max: 20,
    onnotice: () => {},
    connection: { application_name: "tidewire-api" },
  },
});

const app = new App({
  connection,
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
});

await app.ensureSystemSchema();
await requireAuthTables();
await connection.reload();
await followSchema();

const server = createAdaptorServer({ fetch: serve });
// Longer than the proxy keeps an idle connection, so that none closes under a request.
server.keepAliveTimeout = 60_000;
server.listen(Number(required("TIDEWIRE_API_PORT")), "127.0.0.1", () => console.log("api is ready"));

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, close);

async function serve(request, env) {
  if (new URL(request.url).pathname === "/health") return Response.json({ status: "ok" });
  return app.fetch(request, { peerAddress: env?.incoming?.socket?.remoteAddress ?? null });
}

/** The library swallows the errors of its schema script; without its tables nothing would work. */
async function requireAuthTables() {
  const result = await connection.driver`
    select to_regclass('auth.users') is not null and to_regclass('auth.sessions') is not null as made
  `;
  if (!result[0].made) throw new Error("the tables of schema auth could not be made");
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

function close() {
  setTimeout(() => process.exit(0), CLOSE_LIMIT_MS).unref();
  server.close(async () => {
    await connection.close();
    process.exit(0);
  });
  server.closeIdleConnections();
}
