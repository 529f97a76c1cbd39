import { PostgresConnection } from "@supabase/lite/postgres";
import { sql } from "kysely";

import { JSON_ARGUMENTS } from "./json_arguments.mjs";
import { asRestError } from "./rest_errors.mjs";

const API_ROLES = ["anon", "authenticated", "service_role"];

/**
 * The API's connection to Postgres, with the privileges of the database left as they are.
 *
 * The library grants ALL on every table to the API roles at its first request, and without a
 * table under row level security it runs requests as the login role. Here every request runs as
 * the role of its key or token, under that role's own settings, and nothing is ever granted.
 */
export class ApiConnection extends PostgresConnection {
  /** @type {Map<string, Array<[string, string]>>} */
  #roleSettings = new Map();

  /** @type {Map<string, Set<string>>} names of JSON arguments, by function */
  jsonArguments = new Map();

  constructor(config) {
    super(config);
    for (const method of ["ensureRlsContext", "applyJwtSessionContext", "applyRpcRequestGucs"]) {
      if (typeof PostgresConnection.prototype[method] !== "function") {
        throw new Error(`@supabase/lite no longer has ${method}: this version is not supported`);
      }
    }
    // The stack made schema auth and its functions; the library adds its tables alone.
    this.config.baseSchema = "";
  }

  /** Reads the settings of the API roles, such as statement_timeout, and the schema. */
  async reload() {
    const { rows } = await sql`
      select r.rolname, s.entry
      from pg_roles r cross join unnest(r.rolconfig) as s (entry)
      where r.rolname = any (${API_ROLES})
    `.execute(this.kysely);
    const settings = new Map(API_ROLES.map((role) => [role, []]));
    for (const { rolname, entry } of rows) {
      const at = entry.indexOf("=");
      settings.get(rolname).push([entry.slice(0, at), entry.slice(at + 1)]);
    }
    this.#roleSettings = settings;
    this.jsonArguments = await this.#readJsonArguments();
    await this.introspect({ useCache: false });
  }

  async #readJsonArguments() {
    const { rows } = await sql.raw(JSON_ARGUMENTS).execute(this.kysely);
    const found = new Map();
    for (const row of rows) {
      found.set(row.function, (found.get(row.function) ?? new Set()).add(row.argument));
    }
    return found;
  }

  async withContext(vars, run, options) {
    try {
      return await super.withContext(vars, run, options);
    } catch (error) {
      throw asRestError(error);
    }
  }

  async ensureRlsContext() {
    return true;
  }

  async applyJwtSessionContext(transaction, vars) {
    const auth = vars.auth ?? {};
    const role = auth.role || "anon";
    await setLocally(transaction, [
      ...(this.#roleSettings.get(role) ?? []),
      ["role", role],
      ["request.jwt.claim.sub", String(auth.uid ?? "")],
      ["request.jwt.claim.role", role],
      ["request.jwt.claims", JSON.stringify(auth.jwt ?? { role })],
    ]);
  }

  async applyRpcRequestGucs(transaction, request) {
    await setLocally(transaction, [
      ["response.status", ""],
      ["response.headers", ""],
      ["request.method", request.method],
      ["request.path", request.path],
      ["request.headers", JSON.stringify(request.requestHeaders ?? {})],
    ]);
  }
}

/** Sets all of them for the transaction in one round trip, in order: the role comes before what follows it. */
async function setLocally(transaction, settings) {
  const calls = settings.map(([name, value]) => sql`set_config(${name}, ${value}, true)`);
  await sql`select ${sql.join(calls)}`.execute(transaction);
}
